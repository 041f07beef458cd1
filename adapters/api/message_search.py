"""A person's search in what was said in their own threads."""

from pydantic import Field
from starlette.responses import Response

from adapters.api.bodies import NoQuery
from adapters.api.context import Api, Call
from adapters.api.reading import read_query
from adapters.api.session_views import MessageView
from adapters.api.tasks import render
from adapters.api.views import View

MAX_MESSAGES = 100


class MessageSearchQuery(NoQuery):
    """What to look for."""

    query: str = Field(min_length=1, max_length=2_000)
    limit: int = Field(default=10, ge=1, le=MAX_MESSAGES, description="How many at most.")


class FoundMessageView(View):
    """A message, where it was said, and how well it answers beside the others; greater is better."""

    session_id: str
    score: float
    message: MessageView


class FoundMessagesView(View):
    """Messages, the best first."""

    messages: tuple[FoundMessageView, ...]


async def search_messages(api: Api, call: Call) -> Response:
    """Messages out of all threads that the person takes part in and that their token opens, without a model."""
    query = read_query(call.request, MessageSearchQuery)
    open_threads = call.person.open_threads if call.person else None
    found = await api.remembering.turns.find_turns(call.user_id, query.query, query.limit, open_threads)
    views = (
        FoundMessageView(
            session_id=one.message.session_id, score=one.score, message=MessageView.model_validate(one.message)
        )
        for one in found
    )
    return render(FoundMessagesView(messages=tuple(views)))
