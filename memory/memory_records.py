"""A person's memories as people and programs handle them: read by page, written on purpose, deleted for good.

Drafts come checked (`agent.memories.check_draft`). Every method takes the person first, by their current id, and raises
`UserNotFoundError` for one who is not known; a writer holds the person's lock, so that one writes at a time.
"""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime

from agent.errors import MemoryConflictError, MemoryNotFoundError
from agent.ids import MemoryId, UserId, new_memory_id
from agent.memories import Asked, Forgotten, ImportReport, MemoryDraft, MemoryPage, MemorySort, MemoryStats
from agent.records import Audience, UserMemory
from memory.database import Connection, Database
from memory.forgetting import forget_memories
from memory.memories import fact_hash, read_record
from memory.memory_restore import restore_memories
from memory.memory_scope import find_account, find_asker, find_current, open_for_reading, open_for_writing
from memory.queries import query

RESTORE_S = 120.0
"""A file may hold tens of thousands."""


class MemoryRecords:
    """The memories of the user group, for those who handle them on purpose."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find_asker(self, asked: Asked) -> UserId | None:
        """Whose a run is now. Raises `AskerChangedError` where an account was parted from them since it began."""
        async with self._database.scope() as connection:
            return await find_asker(connection, asked)

    async def current_id(self, user_id: UserId) -> UserId:
        """The id that a person has now. Raises `UserNotFoundError` for one who was erased."""
        return await find_current(self._database, user_id)

    async def require(self, user_id: UserId) -> None:
        """Raises `UserNotFoundError` for somebody who is not known."""
        async with self._reading(user_id):
            pass

    async def page(
        self, user_id: UserId, *, topics: Sequence[str], sort: MemorySort, is_descending: bool, page: int, limit: int
    ) -> MemoryPage:
        """The live memories that have all of the topics. Pages count from 1."""
        wanted = list(topics)
        async with self._reading(user_id) as connection:
            total = await connection.fetchrow(query("count_memories"), user_id, wanted)
            rows = await connection.fetch(
                query("page_memories"), user_id, wanted, sort.value, is_descending, limit, (page - 1) * limit
            )
        found = tuple(read_record(row) for row in rows)
        return MemoryPage(memories=found, page=page, limit=limit, total=total["total"] if total else 0)

    async def find(self, user_id: UserId, memory_id: MemoryId) -> UserMemory | None:
        """A memory by id, live or replaced."""
        async with self._reading(user_id) as connection:
            return await _find(connection, user_id, memory_id)

    async def find_by_text(self, user_id: UserId, text: str) -> UserMemory | None:
        """The live memory that says just this, but for case and spaces."""
        async with self._reading(user_id) as connection:
            row = await connection.fetchrow(query("find_live_memory_by_hash"), user_id, fact_hash(text))
            return read_record(row) if row else None

    async def dump(self, user_id: UserId, *, with_replaced: bool = False) -> Sequence[UserMemory]:
        """All of them, the oldest first."""
        async with self._reading(user_id) as connection:
            return [read_record(row) for row in await connection.fetch(query("dump_memories"), user_id, with_replaced)]

    async def list_by_age(
        self, user_id: UserId, limit: int, audience: Audience, *, is_newest: bool
    ) -> Sequence[UserMemory]:
        """The newest or the oldest live memories that this audience may hear."""
        async with self._reading(user_id) as connection:
            is_private = audience is Audience.PRIVATE
            rows = await connection.fetch(query("list_memories_by_age"), user_id, is_newest, is_private, limit)
            return [read_record(row) for row in rows]

    async def list_topics(self, user_id: UserId) -> Sequence[tuple[str, int]]:
        """Topics of live memories with how many have them, the commonest first."""
        async with self._reading(user_id) as connection:
            rows = await connection.fetch(query("list_memory_topics"), user_id)
            return [(row["topic"], row["total"]) for row in rows]

    async def load_stats(self, user_id: UserId) -> MemoryStats:
        """Figures."""
        async with self._reading(user_id) as connection:
            row = await connection.fetchrow(query("load_memory_stats"), user_id)
        assert row is not None, "the statement always gives one row"
        return MemoryStats(
            user_id=user_id,
            total=row["total"],
            pinned=row["pinned"],
            replaced=row["replaced"],
            tokens=row["tokens"],
            by_visibility=row["by_visibility"] or {},
            by_agent=row["by_agent"] or {},
            first_at=row["first_at"],
            last_at=row["last_at"],
        )

    async def add(
        self, user_id: UserId, draft: MemoryDraft, *, account_id: UserId | None = None, asked: Asked | None = None
    ) -> UserMemory:
        """A new memory; where the same is remembered already, that one as it stands, in the slot if it had none.

        Here and below: `account_id` is the id that the account of whoever writes came with, this or a former one of the
        person's; none for an operator. With `asked` it is found, and `AskerChangedError` is raised where that run is
        not this person's any more.
        """
        async with self._writing(user_id, asked=asked, account_id=account_id) as connection:
            same = await connection.fetchrow(query("find_live_memory_by_hash"), user_id, fact_hash(draft.memory))
            if same is not None:
                return await _adopt(connection, user_id, read_record(same), draft)
            speaker_id = await _find_speaker(connection, user_id, account_id, asked)
            return await _put(connection, user_id, new_memory_id(), draft, speaker_id)

    async def save(
        self, user_id: UserId, memory_id: MemoryId, draft: MemoryDraft, *, account_id: UserId | None = None
    ) -> tuple[UserMemory, bool]:
        """Write the memory of that id, whether it is there or not. The second result says whether it is new.

        Raises `MemoryConflictError` when the id is another person's, or the text another memory's.
        """
        async with self._writing(user_id, account_id=account_id) as connection:
            if await _find(connection, user_id, memory_id) is None:
                await _refuse_twin(connection, user_id, memory_id, draft)
                return await _put(connection, user_id, memory_id, draft, account_id), True
            return await _correct(connection, user_id, memory_id, draft, account_id), False

    async def replace(
        self,
        user_id: UserId,
        memory_id: MemoryId,
        draft: MemoryDraft,
        *,
        account_id: UserId | None = None,
        asked: Asked | None = None,
    ) -> UserMemory:
        """Write a live memory anew. Raises `MemoryNotFoundError` and `MemoryConflictError`."""
        async with self._writing(user_id, asked=asked, account_id=account_id) as connection:
            speaker_id = await _find_speaker(connection, user_id, account_id, asked)
            return await _correct(connection, user_id, memory_id, draft, speaker_id)

    async def delete(self, user_id: UserId, memory_ids: Sequence[MemoryId], *, asked: Asked | None = None) -> Forgotten:
        """Delete memories and their older versions for good: see `forget_memories`."""
        async with self._writing(user_id, asked=asked) as connection:
            return await forget_memories(connection, user_id, memory_ids)

    async def clear(self, user_id: UserId, *, asked: Asked | None = None) -> Forgotten:
        """Delete all there is of this person, and let nothing said before become a memory."""
        async with self._writing(user_id, asked=asked) as connection:
            rows = await connection.fetch(query("clear_memories"), user_id)
        live = tuple(MemoryId(row["memory_id"]) for row in rows if row["valid_to"] is None)
        return Forgotten(memory_ids=live, versions=len(rows) - len(live))

    async def restore(
        self, user_id: UserId, memories: Sequence[UserMemory], *, account_id: UserId | None = None
    ) -> ImportReport:
        """Write memories as they are, ids and times too: all of them or none. Raises `MemoryConflictError`."""
        patient = self._database.with_patience(RESTORE_S)
        async with open_for_writing(patient, user_id, account_id=account_id) as connection:
            return await restore_memories(connection, user_id, memories, account_id)

    def _reading(self, user_id: UserId) -> AbstractAsyncContextManager[Connection]:
        return open_for_reading(self._database, user_id)

    def _writing(
        self, user_id: UserId, *, asked: Asked | None = None, account_id: UserId | None = None
    ) -> AbstractAsyncContextManager[Connection]:
        return open_for_writing(self._database, user_id, asked=asked, account_id=account_id)


async def _find(connection: Connection, user_id: UserId, memory_id: MemoryId) -> UserMemory | None:
    row = await connection.fetchrow(query("find_memory"), user_id, memory_id)
    return read_record(row) if row else None


async def _refuse_twin(connection: Connection, user_id: UserId, memory_id: MemoryId, draft: MemoryDraft) -> None:
    row = await connection.fetchrow(query("find_live_memory_by_hash"), user_id, fact_hash(draft.memory))
    if row is not None and row["memory_id"] != memory_id:
        raise MemoryConflictError(f"memory: the same is remembered already as {row['memory_id']}")


async def _find_speaker(
    connection: Connection, user_id: UserId, account_id: UserId | None, asked: Asked | None
) -> UserId | None:
    return account_id if asked is None else await find_account(connection, asked) or user_id


async def _put(
    connection: Connection, user_id: UserId, memory_id: MemoryId, draft: MemoryDraft, account_id: UserId | None
) -> UserMemory:
    older = await _vacate(connection, user_id, memory_id, draft)
    former_id = account_id if account_id != user_id else None
    row = await connection.fetchrow(query("put_memory"), user_id, memory_id, *_values(draft), older, former_id)
    assert row is not None, "an insert gives its row, or raises"
    return read_record(row)


async def _correct(
    connection: Connection, user_id: UserId, memory_id: MemoryId, draft: MemoryDraft, account_id: UserId | None
) -> UserMemory:
    known = await _find(connection, user_id, memory_id)
    if known is None or known.valid_to is not None:
        raise MemoryNotFoundError("memory_id: there is no such memory here, or a newer one has taken its place")
    await _refuse_twin(connection, user_id, memory_id, draft)
    older = await _vacate(connection, user_id, memory_id, draft)
    row = await connection.fetchrow(query("correct_memory"), user_id, memory_id, *_values(draft), older, account_id)
    assert row is not None, "the row was found under the person's lock"
    return read_record(row)


async def _adopt(connection: Connection, user_id: UserId, same: UserMemory, draft: MemoryDraft) -> UserMemory:
    """The memory as it stands, in the draft's slot if it had none."""
    if draft.slot is None or same.slot is not None:
        return same
    older = await _vacate(connection, user_id, same.memory_id, draft)
    took = (user_id, same.memory_id, draft.slot, older, datetime.now(UTC), same.is_pinned)
    await connection.fetchrow(query("take_place"), *took)
    return await _find(connection, user_id, same.memory_id) or same


async def _vacate(connection: Connection, user_id: UserId, memory_id: MemoryId, draft: MemoryDraft) -> str | None:
    if draft.slot is None:
        return None
    row = await connection.fetchrow(query("vacate_slot"), user_id, draft.slot, memory_id)
    return row["memory_id"] if row else None


def _values(draft: MemoryDraft) -> tuple[object, ...]:
    return (
        draft.memory,
        fact_hash(draft.memory),
        list(draft.topics),
        draft.slot,
        draft.visibility,
        draft.is_pinned,
        draft.agent_id,
        draft.team_id,
        draft.input,
        draft.feedback,
        draft.source_session_id,
    )
