"""A loop that does durable work when it is woken, when it is due, and otherwise every few seconds."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog

from agent.errors import StoreUnavailableError

log = structlog.get_logger(__name__)
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
            try:
                if await self._work():
                    continue
                wait_s = min(POLL_S, max(0.05, await self._next_in() or POLL_S))
            except StoreUnavailableError as error:
                log.warning("store_away", during=self._name, error=str(error))
            except Exception as error:  # noqa: BLE001  one bad piece of work must not end the process
                log.error("work_failed", during=self._name, error=type(error).__name__)
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._woken.wait()
            self._woken.clear()
