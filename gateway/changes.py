"""Tells this process whose user id has changed its meaning: linked, parted or erased, here or in another process."""

from collections.abc import Callable, Collection
from datetime import datetime

from memory.links import Links

WINDOW_S = 30.0
FORGET_EVERY = 600
Change = tuple[bytes, str]
"""The SHA-256 of a user id, and `merged`, `split` or `erased`."""
Listener = Callable[[Collection[Change]], None]


class Changes:
    """Looks every second, and tells of each change while it is fresh.

    An id that is nobody's any more is told of several times, since somebody may have been let in at that very moment.
    `caches` are emptied when a change is new, and once more when it is not fresh any more.
    """

    def __init__(self, links: Links) -> None:
        self._links = links
        self._seen: set[tuple[bytes, str, datetime]] = set()
        self._looks = 0
        self.listeners: list[Listener] = []
        self.caches: list[Callable[[], None]] = []

    async def look(self) -> None:
        """Tell the listeners. Raises `StoreUnavailableError`."""
        found = set(await self._links.list_changes(WINDOW_S))
        told = {change[:2] for change in found if change[1] != "split" or change not in self._seen}
        if found != self._seen:
            for forget in self.caches:
                forget()
        self._seen = found
        if told:
            for listener in self.listeners:
                listener(told)
        self._looks += 1
        if self._looks % FORGET_EVERY == 0:
            await self._links.forget_changes()
