"""Calls that go together: who goes with whom, and that none fails by another."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

import asyncpg
import pytest

from agent.errors import StoreUnavailableError
from memory.groups import Groups


@dataclass(kw_only=True)
class Trips:
    """A statement as `Groups` runs it: it notes who goes, waits at the gate, and refuses whom it is told to."""

    gone: list[list[str]] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    refused: Mapping[str, Exception] = field(default_factory=dict)

    async def run(self, given: Mapping[str, str]) -> Mapping[str, str]:
        """Every call's own words, in capitals."""
        self.gone.append(list(given))
        await self.gate.wait()
        for key in given:
            if key in self.refused:
                raise self.refused[key]
        return {key: text.upper() for key, text in given.items() if text}


def set_out(groups: Groups[str], *keys: str) -> list["asyncio.Task[str | None]"]:
    """A call for each key; its words are its key."""
    return [asyncio.create_task(groups.call(key, key)) for key in keys]


async def turns() -> None:
    """Let everything that can go on go on, without time passing."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_who_comes_while_a_statement_is_on_its_way_goes_with_the_next() -> None:
    """One commit for all that wait is what makes many messages cheap, and the first waits for nobody."""
    trips = Trips()
    groups = Groups(trips.run)
    first = set_out(groups, "a")
    await turns()
    rest = set_out(groups, "b", "c")
    await turns()
    assert trips.gone == [["a"]]
    trips.gate.set()
    async with asyncio.timeout(5):
        assert await asyncio.gather(*first, *rest) == ["A", "B", "C"]
    assert trips.gone == [["a"], ["b", "c"]]


async def test_calls_for_one_session_follow_one_another() -> None:
    """A statement that is about a session twice would write its row twice."""
    trips = Trips()
    trips.gate.set()
    groups = Groups(trips.run)
    async with asyncio.timeout(5):
        await asyncio.gather(groups.call("a", "one"), groups.call("a", "two"), groups.call("b", "three"))
    assert trips.gone == [["a", "b"], ["a"]]


async def test_a_group_is_bounded() -> None:
    """A commit that takes all there is would keep its first caller waiting for the last."""
    trips = Trips()
    trips.gate.set()
    async with asyncio.timeout(5):
        await asyncio.gather(*set_out(Groups(trips.run), *(f"s{n}" for n in range(40))))
    assert [len(trip) for trip in trips.gone] == [32, 8]


@pytest.mark.parametrize(
    "error",
    [asyncpg.UniqueViolationError("taken"), asyncpg.NoDataFoundError("erased"), asyncpg.LockNotAvailableError("held")],
)
async def test_one_that_is_refused_costs_the_others_nothing(error: asyncpg.PostgresError) -> None:
    """People must not be told of what others did wrong."""
    fault: Exception = error
    if isinstance(error, asyncpg.LockNotAvailableError):  # as the database gives it
        fault = StoreUnavailableError("held")
        fault.__cause__ = error
    trips = Trips(refused={"b": fault})
    trips.gate.set()
    async with asyncio.timeout(5):
        results = await asyncio.gather(*set_out(Groups(trips.run), "a", "b", "c"), return_exceptions=True)
    assert results == ["A", fault, "C"]
    assert trips.gone == [["a", "b", "c"], ["a"], ["b"], ["c"]]


async def test_when_the_database_is_away_all_are_told_at_once() -> None:
    """To try each of them alone would only make it worse."""
    away = StoreUnavailableError("away")
    trips = Trips(refused={"b": away})
    trips.gate.set()
    async with asyncio.timeout(5):
        results = await asyncio.gather(*set_out(Groups(trips.run), "a", "b", "c"), return_exceptions=True)
    assert results == [away, away, away]
    assert trips.gone == [["a", "b", "c"]]


async def test_a_fault_of_ours_leaves_nobody_waiting() -> None:
    """Whatever happens, every caller hears of it, and later ones are served."""
    trips = Trips(refused={"b": ValueError("a fault")})
    trips.gate.set()
    groups = Groups(trips.run)
    faults: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: faults.append(context))
    async with asyncio.timeout(5):
        results = await asyncio.gather(*set_out(groups, "a", "b"), return_exceptions=True)
        assert [type(result) for result in results] == [StoreUnavailableError, StoreUnavailableError]
        assert await groups.call("c", "c") == "C"


async def test_who_gave_up_before_setting_out_is_left_behind() -> None:
    """After a stall the database must not be kept busy with what nobody waits for."""
    trips = Trips()
    groups = Groups(trips.run)
    first = set_out(groups, "a")
    await turns()
    gone, stays = set_out(groups, "b", "c")
    await turns()
    gone.cancel()
    trips.gate.set()
    async with asyncio.timeout(5):
        assert await asyncio.gather(*first, stays) == ["A", "C"]
    assert trips.gone == [["a"], ["c"]]


async def test_a_statement_that_takes_long_is_not_waited_for() -> None:
    """Behind a lock or a slow disk others go on."""
    trips = Trips()
    groups = Groups(trips.run)
    first = set_out(groups, "a")
    await turns()
    rest = set_out(groups, "b")
    async with asyncio.timeout(5):
        while len(trips.gone) < 2:
            await asyncio.wait([*first, *rest], timeout=0.01)
    trips.gate.set()
    async with asyncio.timeout(5):
        assert await asyncio.gather(*first, *rest) == ["A", "B"]


async def test_a_call_without_a_result_gets_none() -> None:
    """That is how the store says that nothing was written."""
    trips = Trips()
    trips.gate.set()
    async with asyncio.timeout(5):
        assert await Groups(trips.run).call("a", "") is None
