"""A terminal that remembers what it was given, and that a test can wait for."""

import asyncio
from collections.abc import AsyncIterator, Callable

from gateway.chat import Console

FAR = 10


class Terminal(Console):
    """A terminal that remembers, and that one can wait for."""

    def __init__(self) -> None:
        self.shown = ""
        self.remarks: list[str] = []
        self.keys = asyncio.Queue[str | None]()
        self._changed = asyncio.Condition()

    def write(self, text: str) -> None:
        self.shown += text
        self._tell()

    def remark(self, text: str) -> None:
        self.remarks.append(text)
        self._tell()

    def type(self, *lines: str) -> None:
        """Lines, as a person would type them."""
        for line in lines:
            self.keys.put_nowait(line)

    def close(self) -> None:
        """No more lines will come."""
        self.keys.put_nowait(None)

    async def lines(self) -> AsyncIterator[str]:
        while (line := await self.keys.get()) is not None:
            yield line

    async def until(self, is_true: Callable[[], bool]) -> None:
        """Waits for something that the terminal will show."""
        async with asyncio.timeout(FAR), self._changed:
            await self._changed.wait_for(is_true)

    def _tell(self) -> None:
        asyncio.get_running_loop().create_task(self._notify())

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()
