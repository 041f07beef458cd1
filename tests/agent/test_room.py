"""Room in the window before a call: asked for when a request comes too near, and counted only where it is worth it."""

from dataclasses import dataclass, replace

import pytest

from agent.loop import draft_request
from agent.ports import ModelRequest
from agent.prompt import Context
from agent.room import make_room
from agent.sizes import BilledSize, measure_request
from tests.agent.test_condensing import Asked
from tests.agent.test_prompt import past
from tests.support.agent_runs import agent_with, context_of
from tests.support.model_calls import MODEL

AGENT = agent_with()
LONG = context_of("next", history=[past(n) for n in range(50)])


def draft(context: Context) -> ModelRequest:
    """The request of a run that begins."""
    return draft_request(AGENT, context)


SIZE_BYTES = measure_request(draft(LONG))


@dataclass(slots=True)
class Small(Asked):
    """A room with a limit, which knows the exact size and cuts the history to one run."""

    answer: None = None
    limit: int = 0
    exact: int | None = None
    counted: int = 0
    is_broken: bool = False

    async def limit_tokens(self, size_tokens: int) -> int:
        """The limit."""
        return self.limit

    async def count(self, request: ModelRequest) -> int | None:
        """The exact size."""
        self.counted += 1
        return self.exact

    async def compact(self, context: Context, *, keeps_newest: bool) -> Context | None:
        """Only the newest run."""
        return None if self.is_broken else replace(context, history=context.history[-1:])


def billed_at(tokens: int) -> BilledSize:
    """As if the last call had been as large as this one, and billed so."""
    return BilledSize(model=MODEL, tokens=tokens, size_bytes=SIZE_BYTES)


@pytest.mark.parametrize(("tokens", "runs"), [(1_000, 50), (1_024, 50), (1_026, 1), (2_000, 1)])
async def test_a_run_waits_for_a_summary_only_beyond_the_slack(tokens: int, runs: int) -> None:
    """Up to there it is made between the runs, when nobody waits. Proves: CX-1."""
    context, request, fits = await make_room(Small(limit=1_000), LONG, draft, billed_at(tokens))
    assert len(context.history) == runs
    assert fits
    assert request == draft(context)


async def test_what_cannot_be_summarised_is_sent_as_it_is() -> None:
    """The caller hears that it may not fit. Proves: CX-1."""
    context, _, fits = await make_room(Small(limit=1_000, is_broken=True), LONG, draft, billed_at(2_000))
    assert context == LONG
    assert not fits


@pytest.mark.parametrize(
    ("billed", "share", "counted"),
    [
        (None, 1.0, 1),
        (None, 2.0, 0),
        (BilledSize(model="another", tokens=5, size_bytes=5), 1.0, 1),
        (billed_at(SIZE_BYTES // 3), 1.0, 0),
    ],
    ids=["cold start", "cold start, far from the limit", "another model", "the same model"],
)
async def test_a_size_is_counted_only_near_the_limit_and_where_no_bill_tells_it(
    billed: BilledSize | None, share: float, counted: int
) -> None:
    """A question to the server stands in front of somebody's answer. Proves: CX-1."""
    room = Small(limit=int(share * SIZE_BYTES / 3), exact=SIZE_BYTES // 6)
    context, _, fits = await make_room(room, LONG, draft, billed)
    assert room.counted == counted
    assert fits
    assert context == LONG, "the exact size is well within"
