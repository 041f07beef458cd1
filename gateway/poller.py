"""A loop that does durable work when it is woken, when it is due, and otherwise every few seconds."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from gateway.faults import outlive_faults

POLL_S = 5.0


class Poller:
    """Repeats `work` while it says it did something, then waits until `next_in` seconds have gone by."""

    def __init__(
        self, name: str, work: Callable[[], Awaitable[bool]], next_in: Callable[[], Awaitable[float | None]]
    ) -> None:
        self._name = name
        self._work = work
        self._next_in = next_in
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """There may be work: look now."""
        self._woken.set()

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            wait_s = POLL_S
            with outlive_faults(self._name):
                if await self._work():
                    continue
                wait_s = min(POLL_S, max(0.05, await self._next_in() or POLL_S))
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._woken.wait()
            self._woken.clear()
