"""The workers of a supervisor: all of them running, whatever happens to one, until they are to stop."""

import asyncio
import signal
from collections.abc import Callable
from typing import Protocol

import structlog

from gateway.backoff import Backoff
from gateway.server import Stop
from gateway.start_errors import WorkersFailedError

log = structlog.get_logger(__name__)
MAX_FAILED_STARTS = 5
STOP_S = 13.0
"""How long workers have to end by themselves; they need less, and their supervisor has to end in time too."""
HURRY_S = 5.0


class Worker(Protocol):
    """One process."""

    @property
    def pid(self) -> int:
        """Its number."""
        ...

    async def wait_ready(self) -> str | None:
        """Return none once it serves, or why it does not, in its own words, blank if it left none."""
        ...

    async def wait_ended(self) -> int:
        """Return its exit status, minus the signal's number where one ended it, once it is gone."""
        ...

    def send(self, number: signal.Signals) -> None:
        """Send a signal; does nothing once it has ended."""
        ...


class Crew:
    """`size` workers. One that ends is replaced, at once if it had been well, else after a growing pause."""

    def __init__(
        self,
        size: int,
        launch: Callable[[int], Worker],
        *,
        make_backoff: Callable[[], Backoff] = Backoff,
        stop_s: float = STOP_S,
    ) -> None:
        self._size = size
        self._launch = launch
        self._make_backoff = make_backoff
        self._stop_s = stop_s
        self._workers: dict[int, Worker] = {}
        self._ready: set[int] = set()
        self._failed_starts = 0
        self._has_served = False

    async def run(self, stop: Stop, on_ready: Callable[[], None]) -> None:
        """Keep all running until a stop is asked for, then end them. `on_ready` is called once, when all serve.

        Raises `WorkersFailedError` when none can be started.
        """
        all_ready = asyncio.Event()
        keepers = [asyncio.create_task(self._keep(n, all_ready)) for n in range(self._size)]
        asked = asyncio.create_task(stop.asked.wait())
        ready = asyncio.create_task(all_ready.wait())
        try:
            await asyncio.wait([asked, ready, *keepers], return_when=asyncio.FIRST_COMPLETED)
            if all_ready.is_set():
                on_ready()
            await asyncio.wait([asked, *keepers], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (asked, ready, *keepers):
                task.cancel()
            await asyncio.wait(keepers)
            await self._end(stop)
        for keeper in keepers:
            if not keeper.cancelled():
                keeper.result()

    async def _keep(self, n: int, all_ready: asyncio.Event) -> None:
        backoff = self._make_backoff()
        while True:
            backoff.begin()
            worker = self._workers[n] = self._launch(n)
            reason = await worker.wait_ready()
            if reason is None:
                self._has_served, self._failed_starts = True, 0
                self._ready.add(n)
                if len(self._ready) == self._size:
                    all_ready.set()
            status = await worker.wait_ended()
            self._ready.discard(n)
            del self._workers[n]
            log.error("worker_ended", worker=n, pid=worker.pid, status=status, reason=reason)
            if reason is not None:
                self._count_failure(reason, status)
            await asyncio.sleep(backoff.next_s())

    def _count_failure(self, reason: str, status: int) -> None:
        """A worker ended before it served. Raises `WorkersFailedError` when there is no point in trying again."""
        self._failed_starts += 1
        is_hopeless = bool(reason) and not self._has_served
        if not self._ready and (is_hopeless or self._failed_starts >= MAX_FAILED_STARTS):
            raise WorkersFailedError(reason or f"the workers cannot be started: they end with status {status}")

    async def _end(self, stop: Stop) -> None:
        workers = list(self._workers.values())
        if not workers:
            return
        _send(workers, signal.SIGTERM)
        ending = asyncio.create_task(_wait_ended(workers))
        hurried = asyncio.create_task(stop.hurried.wait())
        await asyncio.wait([ending, hurried], timeout=self._stop_s, return_when=asyncio.FIRST_COMPLETED)
        hurried.cancel()
        if not ending.done() and stop.hurried.is_set():
            _send(workers, signal.SIGINT)
            await asyncio.wait([ending], timeout=HURRY_S)
        if not ending.done():
            log.error("workers_killed")
            _send(workers, signal.SIGKILL)
        await ending


def _send(workers: list[Worker], number: signal.Signals) -> None:
    for worker in workers:
        worker.send(number)


async def _wait_ended(workers: list[Worker]) -> None:
    for worker in workers:
        await worker.wait_ended()
