"""Tasks: given, looked at, stopped, watched."""

from starlette.responses import Response

from adapters.api.bodies import CreateTask, NoQuery
from adapters.api.context import CHANNEL, Api, Call
from adapters.api.events import Start, find_start, load_status, stream_task
from adapters.api.intake import parse_inbound
from adapters.api.reading import read_body, read_key, read_last_event_id, read_query
from adapters.api.sse import EventStream, render_frame
from adapters.api.views import AcceptedView, AnsweredView, StoppedView, UsageView, View, is_over, view_task
from adapters.deadlines import told_in_time
from agent.tasks import Accepted, Inbound, TaskState, TaskStatus

PATH = f"/{CHANNEL}/v1/tasks"


async def create_task(api: Api, call: Call) -> Response:
    """Commit a task and say so; with its answer when the caller waits, as a stream when they watch."""
    body = await read_body(call.request, CreateTask)
    key = read_key(call.request)
    async with told_in_time():
        inbound = await parse_inbound(api, call.token, body, key)
        accepted = await api.gateway.accept(inbound)
        status = await api.gateway.load_task(accepted.task_id) if accepted.is_duplicate else None
    if body.stream:
        return await _stream_accepted(api, inbound, accepted, status)
    if body.wait and not (status and is_over(status)):
        status = await api.gateway.wait_for_task(accepted.task_id, body.wait)
    view = _view_accepted(inbound, accepted, status)
    headers = {"location": f"{PATH}/{accepted.task_id}"}
    if body.wait and status and is_over(status):
        usage = UsageView.model_validate(status.usage)
        return render(
            AnsweredView(**view.model_dump(), text=status.text, note=status.note, usage=usage), headers=headers
        )
    return render(view, 202, headers)


async def show_task(api: Api, call: Call) -> Response:
    """A task as it stands."""
    read_query(call.request, NoQuery)
    return render(view_task(await load_status(api, call.task_id)))


async def stop_task(api: Api, call: Call) -> Response:
    """Stop a task's run; what it has answered so far is kept."""
    read_query(call.request, NoQuery)
    status = await load_status(api, call.task_id)
    is_stopped = await api.gateway.stop_run(status.session_id, status.run_id)
    return render(StoppedView(task_id=status.task_id, run_id=status.run_id, is_stopped=is_stopped))


async def watch_task(api: Api, call: Call) -> Response:
    """A task's events from now on, or from where an earlier stream broke off."""
    read_query(call.request, NoQuery)
    after = read_last_event_id(call.request)
    start = await find_start(api, await load_status(api, call.task_id), after)
    return _stream(api, start)


def render(view: View, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """An answer of the API."""
    return Response(
        view.model_dump_json(),
        status_code=status,
        headers={"cache-control": "no-store", **(headers or {})},
        media_type="application/json",
    )


async def _stream_accepted(api: Api, inbound: Inbound, accepted: Accepted, status: TaskStatus | None) -> Response:
    view = _view_accepted(inbound, accepted, status)
    frame = render_frame("accepted", view.model_dump_json(), accepted.seq)
    if status is not None:
        return _stream(api, await find_start(api, status, accepted.seq, frame))
    # Nothing of a new task comes before its message, so nothing has to be asked to miss nothing.
    return _stream(
        api, Start(task_id=accepted.task_id, session_id=inbound.session_id, after=accepted.seq, frames=(frame,))
    )


def _stream(api: Api, start: Start) -> Response:
    return EventStream(
        stream_task(api, start), heartbeat_s=api.bounds.heartbeat_s, send_timeout_s=api.bounds.send_timeout_s
    )


def _view_accepted(inbound: Inbound, accepted: Accepted, status: TaskStatus | None) -> AcceptedView:
    user_id = inbound.user.id if inbound.user else None
    return AcceptedView(
        task_id=accepted.task_id,
        run_id=status.run_id if status else accepted.run_id,
        session_id=inbound.session_id,
        message_id=accepted.message_id,
        user_id=status.user_id if status else user_id,
        state=status.state if status else TaskState.QUEUED,
        is_duplicate=accepted.is_duplicate,
    )
