"""Nobody's memory reaches anybody else: a share of the interleavings that `make isolation` goes through."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from agent.ids import SessionId, UserId
from agent.prompt import Context
from memory.context import Sessions
from memory.memories import Memories
from tests.isolation.running import live_through

Load = Callable[..., Awaitable[Context]]


@pytest.fixture(autouse=True)
def quick_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Durable work is looked for all the time."""
    monkeypatch.setattr("gateway.poller.POLL_S", 0.05)


async def test_whatever_people_do_and_a_model_obeys_nobodys_memory_reaches_anybody_else(database_url: str) -> None:
    """No prompt, answer, row, summary, export or line of the log has what is not its reader's. Proves: UM-10, UM-11."""
    witness, rows = await live_through(database_url, range(4))
    assert sorted(set(witness.faults))[:5] == []
    assert witness.blocks >= 20, "the test has to try something"
    assert rows >= 100
    assert witness.summaries > 0


@pytest.mark.parametrize("is_own", [False, True])
async def test_a_gateway_that_leaks_is_found_out(
    database_url: str, monkeypatch: pytest.MonkeyPatch, is_own: bool
) -> None:
    """A witness that sees nothing proves nothing: another's memories, or one's own private ones before others."""
    load: Load = Sessions.load_context
    askers: set[UserId] = set()

    async def leak(
        self: Sessions, session_id: SessionId, asker_id: UserId | None, *place: int, **wanted: int
    ) -> Context:
        context = await load(self, session_id, asker_id, *place, **wanted)
        if asker_id is None or context.memories is None:
            return context
        askers.add(asker_id)
        robbed = [asker_id] if is_own else askers - {asker_id}
        stolen = [memory for user_id in robbed for memory in await Memories(self._database).list_all(user_id, 20)]
        return replace(context, memories=tuple(stolen))

    monkeypatch.setattr(Sessions, "load_context", leak)
    witness, _ = await live_through(database_url, range(2))
    expected = "in a prompt that others see" if is_own else "in the memory block of"
    assert any(expected in fault for fault in witness.faults)
