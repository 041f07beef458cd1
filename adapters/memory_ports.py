"""What a channel asks of the memories, and of who bears a person's token. `gateway` gives both."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from agent.ids import MemoryId, UserId
from agent.memories import (
    Forgotten,
    ImportReport,
    MemoryDraft,
    MemoryPage,
    MemorySort,
    MemoryStats,
    SearchMethod,
)
from agent.memory_merging import Optimization
from agent.open_threads import OpenThreads
from agent.records import Audience, JsonObject, JsonValue, Message, UserMemory


class Memories(Protocol):
    """What is remembered about people. Every method takes the person first.

    Raises `UserNotFoundError` for one who is not known, `MemoryInvalidError` for what cannot be kept,
    `MemoryNotFoundError`, `MemoryConflictError` and `StoreUnavailableError`.
    """

    async def list_memories(
        self,
        user_id: UserId,
        *,
        topics: Sequence[str] = (),
        sort: MemorySort = MemorySort.UPDATED,
        is_descending: bool = True,
        page: int = 1,
        limit: int = 50,
    ) -> MemoryPage:
        """A page of the live memories, those that have all of the topics."""
        ...

    async def load_memory(self, user_id: UserId, memory_id: MemoryId) -> UserMemory:
        """One memory."""
        ...

    async def add_memory(self, user_id: UserId, draft: MemoryDraft, *, must_be_plain: bool = False) -> UserMemory:
        """Remember something; what is known already is given back as it stands."""
        ...

    async def upsert_memory(self, user_id: UserId, memory_id: MemoryId, draft: MemoryDraft) -> tuple[UserMemory, bool]:
        """Write the memory of that id; the second result says whether it is new."""
        ...

    async def replace_memory(
        self, user_id: UserId, memory_id: MemoryId, draft: MemoryDraft, *, must_be_plain: bool = False
    ) -> UserMemory:
        """Correct a memory that is there."""
        ...

    async def delete_memory(self, user_id: UserId, memory_id: MemoryId) -> Forgotten:
        """Delete one with its older versions."""
        ...

    async def delete_memories(self, user_id: UserId, memory_ids: Sequence[MemoryId]) -> Forgotten:
        """Delete several; the result says which were there."""
        ...

    async def clear_memories(self, user_id: UserId) -> Forgotten:
        """Delete all of this person's."""
        ...

    async def search_memories(
        self,
        user_id: UserId,
        query: str = "",
        *,
        method: SearchMethod = SearchMethod.RELEVANCE,
        limit: int = 10,
        audience: Audience = Audience.PRIVATE,
    ) -> Sequence[UserMemory]:
        """Live memories, the best first, that this audience may hear. Raises `ModelError` where a model has to pick."""
        ...

    async def list_topics(self, user_id: UserId) -> Sequence[tuple[str, int]]:
        """The topics with how many memories have them."""
        ...

    async def load_stats(self, user_id: UserId) -> MemoryStats:
        """Figures."""
        ...

    async def export_memories(self, user_id: UserId, *, with_replaced: bool = True) -> JsonObject:
        """All memories as JSON."""
        ...

    async def import_memories(
        self,
        user_id: UserId,
        file: JsonValue,
        *,
        with_new_ids: bool = False,
        must_be_plain: bool = False,
        most: int = 50_000,
    ) -> ImportReport:
        """Write what was exported, at most so many: all or nothing."""
        ...

    async def optimize_memories(
        self, user_id: UserId, strategy: Literal["summarize"] = "summarize", *, apply: bool = True
    ) -> Optimization:
        """Make the memories fewer. Raises `ModelError`, and `MemoryConflictError` where they changed meanwhile."""
        ...

    async def undo_optimization(self, user_id: UserId, optimization_id: str | None = None) -> Sequence[MemoryId]:
        """Part again what the newest optimisation merged."""
        ...


class FoundTurn(Protocol):
    """A message that was found, and how well it answers beside the others; greater is better."""

    @property
    def message(self) -> Message:
        """What was said."""
        ...

    @property
    def score(self) -> float:
        """How well."""
        ...


class TurnSearch(Protocol):
    """A person's search in what was said."""

    async def find_turns(
        self, user_id: UserId, text: str, limit: int, open_threads: OpenThreads | None = None
    ) -> Sequence[FoundTurn]:
        """Messages of all threads that the person takes part in, the best first; for that person's eyes only.

        With `open_threads` no other shared thread of a website is among them.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who bears a token, and which shared threads it opens. `origin_id` is the id that their account came with."""

    user_id: UserId
    origin_id: UserId
    open_threads: OpenThreads


class PersonTokens(Protocol):
    """Who people are by the tokens that they carry themselves."""

    async def find_person(self, token: str) -> Person | None:
        """The person that the token speaks of; none where it is not valid, or nobody is known by it."""
        ...
