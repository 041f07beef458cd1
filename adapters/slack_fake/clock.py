"""Time in the workspace: the wall clock, or one that a test moves by hand."""

import asyncio
import heapq
import time
from typing import Protocol


class Clock(Protocol):
    """Seconds since 1970, and a sleep by the same count."""

    def now(self) -> float:
        """The time, in seconds since 1970."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Come back when the clock stands `seconds` later; at once for zero or less."""
        ...


class WallClock:
    """The machine's own clock."""

    def now(self) -> float:
        """The time, in seconds since 1970."""
        return time.time()

    async def sleep(self, seconds: float) -> None:
        """Sleep for real."""
        await asyncio.sleep(max(0.0, seconds))


class ManualClock:
    """A clock that stands still until `advance` moves it. It begins at the real time, so that signatures are fresh."""

    def __init__(self) -> None:
        self._now = time.time()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._count = 0

    def now(self) -> float:
        """The time, in seconds since 1970."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Move on, and wake in order whoever slept until then."""
        self._now += seconds
        while self._sleepers and self._sleepers[0][0] <= self._now:
            _, _, waiter = heapq.heappop(self._sleepers)
            if not waiter.done():
                waiter.set_result(None)

    async def sleep(self, seconds: float) -> None:
        """Sleep until `advance` has moved the clock that far."""
        if seconds <= 0:
            return
        waiter = asyncio.get_running_loop().create_future()
        self._count += 1
        heapq.heappush(self._sleepers, (self._now + seconds, self._count, waiter))
        await waiter
