"""The supervisor's workers, as fakes that live and die on command."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from gateway.backoff import Backoff
from gateway.crew import Crew
from gateway.server import Stop
from gateway.start_errors import WorkersFailedError


class FakeWorker:
    """A process in a test's hand. `obeys`: the signals that end it."""

    def __init__(self, n: int, obeys: set[signal.Signals]) -> None:
        self.n = n
        self.pid = 1_000 + n
        self.got: list[signal.Signals] = []
        self._obeys = obeys
        self._said: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        self._ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def serve(self) -> None:
        """It is up."""
        self._said.set_result(None)

    def end(self, status: int, reason: str = "") -> None:
        """It ends, saying why if it had not been up."""
        if not self._said.done():
            self._said.set_result(reason)
        self._ended.set_result(status)

    async def wait_ready(self) -> str | None:
        return await asyncio.shield(self._said)

    async def wait_ended(self) -> int:
        return await asyncio.shield(self._ended)

    def send(self, number: signal.Signals) -> None:
        if not self._ended.done():
            self.got.append(number)
            if number in self._obeys:
                self.end(-number)


class Yard:
    """Where fake workers are launched."""

    def __init__(self) -> None:
        self.obeys = {signal.SIGTERM, signal.SIGKILL}
        self.launched: list[FakeWorker] = []
        self.ready = 0
        self.stop = Stop()
        self._changed = asyncio.Event()

    def launch(self, n: int) -> FakeWorker:
        worker = FakeWorker(n, set(self.obeys))
        self.launched.append(worker)
        self._changed.set()
        return worker

    def on_ready(self) -> None:
        self.ready += 1
        self._changed.set()

    async def until(self, *, launched: int = 0, ready: int = 0) -> None:
        """Wait for so many launches and announcements."""
        async with asyncio.timeout(5):
            while len(self.launched) < launched or self.ready < ready:
                self._changed.clear()
                await self._changed.wait()


def at_once() -> Backoff:
    """No pause worth waiting for."""
    return Backoff(first_s=0.0, longest_s=0.0)


@asynccontextmanager
async def crew(size: int, *, stop_s: float = 5.0) -> AsyncIterator[tuple[Yard, "asyncio.Task[None]"]]:
    """A crew at work; it has to end within the context."""
    yard = Yard()
    work = asyncio.create_task(
        Crew(size, yard.launch, make_backoff=at_once, stop_s=stop_s).run(yard.stop, yard.on_ready)
    )
    await yard.until(launched=size)
    yield yard, work
    yard.stop.asked.set()
    async with asyncio.timeout(5):
        await asyncio.wait([work])


async def test_it_is_announced_once_when_all_serve() -> None:
    """A page that is opened too early would fail; a line that comes twice would confuse."""
    async with crew(2) as (yard, _):
        first, second = yard.launched
        first.serve()
        await asyncio.sleep(0)
        assert yard.ready == 0
        second.serve()
        await yard.until(ready=1)
        first.end(-9)
        await yard.until(launched=3)
        yard.launched[2].serve()
    assert yard.ready == 1


async def test_a_worker_that_dies_is_replaced_and_the_others_are_left_alone() -> None:
    """One fault must not be everybody's. Proves: OP-1."""
    async with crew(2) as (yard, work):
        for worker in yard.launched:
            worker.serve()
        yard.launched[1].end(-11)
        await yard.until(launched=3)
        assert yard.launched[2].n == 1
        assert yard.launched[0].got == []
        assert not work.done()


async def test_a_stop_is_passed_on_and_nothing_is_started_any_more() -> None:
    """Each worker ends in good order; one that is being replaced stays away."""
    async with crew(2) as (yard, work):
        yard.stop.asked.set()
        async with asyncio.timeout(5):
            await work
    assert [worker.got for worker in yard.launched] == [[signal.SIGTERM], [signal.SIGTERM]]


async def test_a_hurry_is_passed_on() -> None:
    """A second Ctrl-C reaches those who do the work."""
    async with crew(1) as (yard, work):
        [worker] = yard.launched
        worker._obeys = {signal.SIGINT}
        yard.stop.asked.set()
        yard.stop.hurried.set()
        async with asyncio.timeout(5):
            await work
    assert worker.got == [signal.SIGTERM, signal.SIGINT]


async def test_a_worker_that_does_not_end_in_time_is_killed() -> None:
    """A stop has an end."""
    async with crew(1, stop_s=0.0) as (yard, work):
        [worker] = yard.launched
        worker._obeys = {signal.SIGKILL}
        yard.stop.asked.set()
        async with asyncio.timeout(5):
            await work
    assert worker.got == [signal.SIGTERM, signal.SIGKILL]


async def test_a_start_that_is_hopeless_ends_with_the_workers_own_words() -> None:
    """The same mistake would be made again and again; the person reads it once."""
    async with crew(2) as (yard, work):
        yard.launched[0].end(1, "the database is not reachable")
        with pytest.raises(WorkersFailedError, match="the database is not reachable"):
            await work
    assert yard.launched[1].got == [signal.SIGTERM]


async def test_workers_that_die_without_a_word_are_given_up_after_a_few() -> None:
    """Such a thing may pass, but not for ever."""
    async with crew(1) as (yard, work):
        for n in range(5):
            await yard.until(launched=n + 1)
            yard.launched[n].end(-9)
        with pytest.raises(WorkersFailedError, match="status -9"):
            await work
    assert len(yard.launched) == 5


async def test_a_crew_of_which_one_serves_is_never_given_up() -> None:
    """A gateway that answers is better than none."""
    async with crew(2) as (yard, work):
        yard.launched[0].serve()
        for n in range(1, 9):
            await yard.until(launched=n + 1)
            yard.launched[n].end(1, "out of connections")
        await yard.until(launched=10)
        assert not work.done()


async def test_after_good_days_a_few_bad_starts_do_not_end_it() -> None:
    """While the database restarts, workers that die may fail to come back for a moment."""
    async with crew(1) as (yard, work):
        yard.launched[0].serve()
        await yard.until(ready=1)
        yard.launched[0].end(-9)
        for n in range(1, 4):
            await yard.until(launched=n + 1)
            yard.launched[n].end(1, "the database is not reachable")
        await yard.until(launched=5)
        assert not work.done()
