"""Memories and people for the API's tests: one memory of one person, and what was asked."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from adapters.memory_ports import Person
from agent.errors import MemoryNotFoundError, UserNotFoundError
from agent.ids import MemoryId, MessageId, SessionId, UserId
from agent.memories import (
    Forgotten,
    ImportReport,
    MemoryDraft,
    MemoryPage,
    MemorySort,
    MemoryStats,
    SearchMethod,
)
from agent.memory_merging import Optimization, PlannedMerge, measure
from agent.open_threads import OpenThreads
from agent.records import Audience, Author, JsonObject, JsonValue, Message, UserMemory

AT = datetime(2026, 5, 4, 12, tzinfo=UTC)
ANN = UserId("ann")
TEA = UserMemory(
    memory_id=MemoryId("mem_1"), user_id=ANN, memory="likes tea", valid_from=AT, created_at=AT, updated_at=AT
)
ANNS_TOKEN = "anns-own-token"


class FakeMemories:
    """Ann's. `asked` holds whose memories were asked for, and how."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, UserId]] = []
        self.drafts: list[tuple[MemoryDraft, bool]] = []

    def _ask(self, what: str, user_id: UserId, memory_id: MemoryId | None = None) -> None:
        self.asked.append((what, user_id))
        if user_id != ANN:
            raise UserNotFoundError("user_id: there is no such user here")
        if memory_id not in (None, TEA.memory_id):
            raise MemoryNotFoundError("memory_id: there is no such memory here")

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
        """The one."""
        self._ask(f"list {'+'.join(topics)} {sort} {is_descending} {page} {limit}", user_id)
        return MemoryPage(memories=(TEA,), page=page, limit=limit, total=1)

    async def load_memory(self, user_id: UserId, memory_id: MemoryId) -> UserMemory:
        """The one."""
        self._ask("load", user_id, memory_id)
        return TEA

    async def add_memory(self, user_id: UserId, draft: MemoryDraft, *, must_be_plain: bool = False) -> UserMemory:
        """The one."""
        self._ask("add", user_id)
        self.drafts.append((draft, must_be_plain))
        return TEA

    async def upsert_memory(self, user_id: UserId, memory_id: MemoryId, draft: MemoryDraft) -> tuple[UserMemory, bool]:
        """The one, which is new under any other name."""
        self._ask("upsert", user_id)
        self.drafts.append((draft, False))
        return TEA, memory_id != TEA.memory_id

    async def replace_memory(
        self, user_id: UserId, memory_id: MemoryId, draft: MemoryDraft, *, must_be_plain: bool = False
    ) -> UserMemory:
        """The one."""
        self._ask("replace", user_id, memory_id)
        self.drafts.append((draft, must_be_plain))
        return TEA

    async def delete_memory(self, user_id: UserId, memory_id: MemoryId) -> Forgotten:
        """As if."""
        self._ask("delete", user_id, memory_id)
        return Forgotten(memory_ids=(memory_id,), versions=0)

    async def delete_memories(self, user_id: UserId, memory_ids: Sequence[MemoryId]) -> Forgotten:
        """As if."""
        self._ask("delete many", user_id)
        return Forgotten(memory_ids=tuple(m for m in memory_ids if m == TEA.memory_id), versions=0)

    async def clear_memories(self, user_id: UserId) -> Forgotten:
        """As if."""
        self._ask("clear", user_id)
        return Forgotten(memory_ids=(TEA.memory_id,), versions=2)

    async def search_memories(
        self,
        user_id: UserId,
        query: str = "",
        *,
        method: SearchMethod = SearchMethod.RELEVANCE,
        limit: int = 10,
        audience: Audience = Audience.PRIVATE,
    ) -> Sequence[UserMemory]:
        """The one."""
        self._ask(f"search {query} {method} {limit} {audience}", user_id)
        return (TEA,)

    async def list_topics(self, user_id: UserId) -> Sequence[tuple[str, int]]:
        """Two."""
        self._ask("topics", user_id)
        return [("food", 2), ("drinks", 1)]

    async def load_stats(self, user_id: UserId) -> MemoryStats:
        """Of the one."""
        self._ask("stats", user_id)
        return MemoryStats(user_id=user_id, total=1, pinned=0, replaced=0, tokens=3)

    async def export_memories(self, user_id: UserId, *, with_replaced: bool = True) -> JsonObject:
        """An empty file."""
        self._ask(f"export {with_replaced}", user_id)
        return {"version": 1, "user_id": user_id, "memories": []}

    async def import_memories(
        self,
        user_id: UserId,
        file: JsonValue,
        *,
        with_new_ids: bool = False,
        must_be_plain: bool = False,
        most: int = 50_000,
    ) -> ImportReport:
        """As if."""
        self._ask(f"import {with_new_ids} {must_be_plain} {most}", user_id)
        return ImportReport(added=1, replaced=0, skipped=0)

    async def optimize_memories(
        self, user_id: UserId, strategy: Literal["summarize"] = "summarize", *, apply: bool = True
    ) -> Optimization:
        """As if."""
        self._ask(f"optimize {strategy} {apply}", user_id)
        return measure(strategy, (PlannedMerge(draft=MemoryDraft(memory="x"), sources=(TEA,)),), (TEA,), "opt_1")

    async def undo_optimization(self, user_id: UserId, optimization_id: str | None = None) -> Sequence[MemoryId]:
        """As if."""
        self._ask(f"undo {optimization_id}", user_id)
        return (TEA.memory_id,)


@dataclass(frozen=True, slots=True)
class Hit:
    """A message that was found."""

    message: Message
    score: float


class FakeTurns:
    """One message of Ann's that answers everything."""

    async def find_turns(
        self, user_id: UserId, text: str, limit: int, open_threads: OpenThreads | None = None
    ) -> Sequence[Hit]:
        """It, for Ann."""
        if user_id != ANN:
            return []
        author = Author(id=ANN, name="Ann")
        said = Message(
            session_id=SessionId("web:demo:1"),
            seq=7,
            message_id=MessageId("msg_1"),
            role="user",
            author=author,
            text=f"I like tea, not {text}",
            at=TEA.created_at,
        )
        return [Hit(message=said, score=1.5)][:limit]


class FakeTokens:
    """Ann, by her token."""

    async def find_person(self, token: str) -> Person | None:
        """Ann, or nobody."""
        return Person(user_id=ANN, origin_id=ANN, open_threads=OpenThreads()) if token == ANNS_TOKEN else None
