"""Room in the window, before each call of a run. What is cut and how it is stored is another's: see `Room`."""

from collections.abc import Callable
from typing import Protocol

from agent.compaction import SLACK
from agent.ports import ModelRequest
from agent.prompt import Context
from agent.records import JsonObject, JsonValue
from agent.sizes import BilledSize, estimate_size, is_calibrated, measure_request

NEAR = 0.9
"""Of the limit: so near an estimate that no bill stands behind is not believed."""


class Room(Protocol):
    """Makes room for one run."""

    async def limit_tokens(self, size_tokens: int) -> int:
        """The size at which the older runs should be summarised; `size_tokens` is the one to be compared with it."""
        ...

    async def count(self, request: ModelRequest) -> int | None:
        """The exact tokens of a request; none where it was counted not long ago, or cannot be."""
        ...

    async def compact(self, context: Context, *, keeps_newest: bool) -> Context | None:
        """The context with a summary in the place of its older runs; none where that is not possible.

        Never fails because of the model or of what it wrote. Raises `LeaseLostError` and `StoreUnavailableError`.
        """
        ...

    async def ask(self, build: Callable[[str], ModelRequest], schema: JsonObject) -> JsonValue:
        """What a small model answers to a request that is built for its name; none where it did not."""
        ...


async def make_room(
    room: Room, context: Context, draft: Callable[[Context], ModelRequest], billed: BilledSize | None
) -> tuple[Context, ModelRequest, bool]:
    """What to send, and whether it fits: with older runs summarised where it would come too near to the window.

    That is at 82 %: at 80 % runs are summarised between the runs of a session, when nobody waits.
    """
    request = draft(context)
    if await _fits(room, request, billed):
        return context, request, True
    smaller = await room.compact(context, keeps_newest=True)
    if smaller is None:
        return context, request, False
    request = draft(smaller)
    return smaller, request, await _fits(room, request, billed)


async def _fits(room: Room, request: ModelRequest, billed: BilledSize | None) -> bool:
    size_bytes = measure_request(request)
    size = estimate_size(size_bytes, billed, request.model)
    limit = await room.limit_tokens(size)
    if size >= NEAR * limit and not is_calibrated(billed, request.model):
        size = await room.count(request) or size
    return size < SLACK * limit
