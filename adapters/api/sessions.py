"""Sessions, for those who look on: which there are, what was said in one, and what was done about it."""

from datetime import UTC

from starlette.responses import Response

from adapters.api.bodies import SEQ_LIMIT, NoQuery, SeqPage, SessionPageQuery
from adapters.api.context import Api, Call, no_such
from adapters.api.reading import read_query
from adapters.api.session_views import (
    MessagePage,
    MessageView,
    PositionedRunView,
    RunPage,
    RunView,
    SessionPage,
    SessionView,
)
from adapters.api.tasks import render
from adapters.api.tokens import Scope
from agent.handoffs import SessionMode
from agent.records import Run, Session


async def list_sessions(api: Api, call: Call) -> Response:
    """Everybody's sessions, the one that changed last first."""
    page = read_query(call.request, SessionPageQuery)
    before = page.before.astimezone(UTC) if page.before else None
    mode = SessionMode(page.mode) if page.mode else None
    sessions = await api.gateway.list_sessions(before, page.limit, mode)
    rest = sessions[-1].updated_at if len(sessions) == page.limit else None
    return render(SessionPage(sessions=tuple(map(_view_session, sessions)), next=rest))


async def show_session(api: Api, call: Call) -> Response:
    """A session."""
    read_query(call.request, NoQuery)
    return render(_view_session(await _load_session(api, call)))


async def list_messages(api: Api, call: Call) -> Response:
    """What was said in a session: a page of it in order, the newest page first."""
    page = read_query(call.request, SeqPage)
    session = await _load_session(api, call)
    messages = await api.gateway.load_messages_before(session.session_id, page.before or SEQ_LIMIT, page.limit)
    rest = messages[0].seq if len(messages) == page.limit else None
    return render(MessagePage(messages=tuple(map(MessageView.model_validate, messages)), next=rest))


async def list_runs(api: Api, call: Call) -> Response:
    """What was done in a session: its runs with turns, tool calls, tokens and cost, the newest first."""
    page = read_query(call.request, SeqPage)
    session = await _load_session(api, call)
    runs = await api.gateway.list_runs(session.session_id, page.before, page.limit)
    rest = runs[-1][0] if len(runs) == page.limit else None
    views = (_view_run(position, run, has_error=call.token.may(Scope.OPERATOR)) for position, run in runs)
    return render(RunPage(runs=tuple(views), next=rest))


async def _load_session(api: Api, call: Call) -> Session:
    session = await api.gateway.load_session(call.session_id, None)
    if session is None:
        raise no_such("session")
    return session


def _view_session(session: Session) -> SessionView:
    return SessionView.model_validate(session)


def _view_run(position: int, run: Run, *, has_error: bool) -> PositionedRunView:
    # What broke a run is for those who can mend it; others are told by the run's label.
    view = RunView.model_validate(run)
    return PositionedRunView(**{**dict(view), "position": position, "error": view.error if has_error else None})
