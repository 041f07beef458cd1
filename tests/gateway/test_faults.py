"""What nobody thought of, in a loop in the background: the process goes on, and so does the loop."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime

import pytest

from agent.ids import UserId
from gateway.dispatcher import Dispatcher
from gateway.retention import Retention
from gateway.used_memories import UsedMemories
from memory.watchers import Watchers
from tests.support.agent_runs import EchoModel, remembered
from tests.support.gateway import open_core, run_sql

Work = Callable[..., Awaitable[object]]


@pytest.mark.parametrize(
    ("owner", "name"),
    [(Dispatcher, "_claim"), (Retention, "work"), (UsedMemories, "write"), (Watchers, "list_others")],
    ids=lambda part: part if isinstance(part, str) else part.__name__,
)
async def test_an_unexpected_error_in_the_background_ends_neither_the_process_nor_the_work(
    database_url: str, monkeypatch: pytest.MonkeyPatch, owner: type, name: str
) -> None:
    """One bad row, or one client that found a gap, must not take the answers of everybody with it. Proves: RE-18."""
    work: Work = getattr(owner, name)
    calls, was_called_again = 0, asyncio.Event()

    async def fail_once(*arguments: object) -> object:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise KeyError("nobody thought of it")
        was_called_again.set()
        return await work(*arguments)

    monkeypatch.setattr(owner, name, fail_once)
    for pace in ("gateway.housekeeping.BEAT_S", "gateway.retention.LOOK_S", "gateway.relay.LOOK_S"):
        monkeypatch.setattr(pace, 0.05)
    await run_sql(database_url, "INSERT INTO workers (worker_id) VALUES ('another')")
    async with open_core(database_url, EchoModel()) as core, asyncio.timeout(5):
        await was_called_again.wait()
        assert (await core.ask("one")).text == "one"


async def test_chores_that_do_not_end_hold_back_neither_the_beat_nor_the_sessions_of_the_dead(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A busy process that is healthy must not be taken for a dead one, nor fail to replace one. Proves: RE-8, RE-18."""

    async def hang(*_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(UsedMemories, "write", hang)
    monkeypatch.setattr("gateway.housekeeping.BEAT_S", 0.02)
    async with open_core(database_url, EchoModel()) as core, asyncio.timeout(5):
        beats: set[datetime] = set()
        while len(beats) < 5:
            beats |= {row["beat"] for row in await run_sql(database_url, "SELECT beat FROM workers")}
        await run_sql(database_url, "INSERT INTO workers (worker_id, beat) VALUES ('dead', now() - interval '1 hour')")
        while len(await run_sql(database_url, "SELECT FROM workers")) > 1:
            pass
        assert (await core.ask("one")).text == "one"


async def test_people_who_come_while_memories_are_noted_as_used_are_left_for_the_next_time() -> None:
    """Else it would never end while enough of them come."""

    class Busy:
        def __init__(self) -> None:
            self.written: list[UserId] = []

        async def mark_used(self, user_id: UserId, _: object) -> None:
            self.written.append(user_id)
            note(f"later {len(self.written)}")
            assert len(self.written) < 10, "it goes on for ever"

    store = Busy()
    used = UsedMemories(store)  # type: ignore[arg-type]
    memory = remembered("Likes tea.")

    def note(name: str) -> None:
        used.note(UserId(name), [memory])

    note("first")
    await used.write()
    assert store.written == ["first"]
    await used.write()
    assert store.written == ["first", "later 1"]
