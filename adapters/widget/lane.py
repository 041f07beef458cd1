"""One thing after another, in a task that lives only while there is something to do: an idle connection has none."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Generic, TypeVar

Item = TypeVar("Item")
Spawn = Callable[[Coroutine[None, None, None]], "asyncio.Task[None]"]


class Lane(Generic[Item]):
    """Hands items to `handle` in order, never two at a time. At most `room` wait."""

    __slots__ = ("_handle", "_items", "_room", "_spawn", "_task")

    def __init__(self, spawn: Spawn, handle: Callable[[Item], Awaitable[None]], room: int) -> None:
        self._spawn = spawn
        self._handle = handle
        self._room = room
        self._items: list[Item] = []
        self._task: asyncio.Task[None] | None = None

    @property
    def is_busy(self) -> bool:
        """Whether something waits or is being done."""
        return self._task is not None

    def put(self, item: Item) -> bool:
        """Never waits. False when there is no room."""
        if len(self._items) >= self._room:
            return False
        self._items.append(item)
        if self._task is None:
            self._task = self._spawn(self._run())
        return True

    async def _run(self) -> None:
        try:
            while self._items:
                await self._handle(self._items.pop(0))
        finally:
            self._task = None

    async def drained(self) -> None:
        """Returns once nothing is left to do."""
        while self._task is not None:
            await asyncio.wait([self._task])

    def clear(self) -> None:
        """Forget what waits. What is being done goes on to its end."""
        self._items.clear()
