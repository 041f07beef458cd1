"""Notes when memories were last used, off the reply path: gathered here, and written little by little."""

from collections.abc import Iterable
from itertools import islice

from agent.ids import MemoryId, UserId
from agent.records import UserMemory
from memory.memories import Memories

PEOPLE_LIMIT = 10_000
"""What is not written by then is not noted: the note is worth less than the memory it takes."""
PEOPLE_AT_ONCE = 200
"""So many are written down at a time, however many come meanwhile."""


class UsedMemories:
    """What stood in memory blocks since the last writing. What a crash loses is noted with the next use."""

    def __init__(self, memories: Memories) -> None:
        self._memories = memories
        self._used: dict[UserId, set[MemoryId]] = {}

    def note(self, user_id: UserId, memories: Iterable[UserMemory]) -> None:
        """These went into a prompt."""
        ids = {memory.memory_id for memory in memories}
        if ids and (user_id in self._used or len(self._used) < PEOPLE_LIMIT):
            self._used.setdefault(user_id, set()).update(ids)

    async def write(self) -> None:
        """Write down what was noted of some people. Raises `StoreUnavailableError`; what is not written stays noted."""
        for user_id, ids in [(user_id, set(ids)) for user_id, ids in islice(self._used.items(), PEOPLE_AT_ONCE)]:
            await self._memories.mark_used(user_id, sorted(ids))
            self._used[user_id] -= ids
            if not self._used[user_id]:
                del self._used[user_id]
