"""Memories written back as a file has them: under their own ids, with their own times."""

from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime

from agent.ids import UserId
from agent.memories import ImportReport
from agent.records import UserMemory
from memory.database import Connection
from memory.memories import fact_hash
from memory.queries import query

AT_ONCE = 250


@dataclass(slots=True)
class _Known:
    """What is remembered already: ids of all, and of the live ones by text and by slot, with since when they hold."""

    ids: set[str] = field(default_factory=set)
    by_hash: dict[bytes, str] = field(default_factory=dict)
    by_slot: dict[str, tuple[str, datetime]] = field(default_factory=dict)

    def without(self, ids: Set[str]) -> "_Known":
        """The same, were these not there."""
        return _Known(
            ids=self.ids,
            by_hash={digest: one for digest, one in self.by_hash.items() if one not in ids},
            by_slot={slot: held for slot, held in self.by_slot.items() if held[0] not in ids},
        )


async def restore_memories(
    connection: Connection, user_id: UserId, memories: Sequence[UserMemory], account_id: UserId | None = None
) -> ImportReport:
    """Write memories, inside the person's scope and under their lock.

    What is new is the account's that came with `account_id`, where that is given. A live one is left out where the same
    is remembered under another id, or something newer stands in its slot.
    Raises asyncpg's `UniqueViolationError` for an id that is another person's.
    """
    known = await _load_known(connection, user_id)
    kept = _choose(known, memories)
    vacated = [(user_id, memory.slot, memory.memory_id) for memory in kept if memory.slot and memory.valid_to is None]
    await connection.execute(query("end_overwritten"), user_id, [memory.memory_id for memory in kept])
    await connection.executemany(query("vacate_slot"), vacated)
    for first in range(0, len(kept), AT_ONCE):  # what is sent at once has the time of one statement
        some = [(*_values(user_id, memory), account_id) for memory in kept[first : first + AT_ONCE]]
        await connection.executemany(query("restore_memory"), some)
    replaced = sum(memory.memory_id in known.ids for memory in kept)
    return ImportReport(added=len(kept) - replaced, replaced=replaced, skipped=len(memories) - len(kept))


async def _load_known(connection: Connection, user_id: UserId) -> _Known:
    known = _Known()
    for row in await connection.fetch(query("list_memory_keys"), user_id):
        known.ids.add(row["memory_id"])
        if row["is_live"]:
            known.by_hash[row["hash"]] = row["memory_id"]
            if row["slot"] is not None:
                known.by_slot[row["slot"]] = (row["memory_id"], row["valid_from"])
    return known


def _choose(known: _Known, memories: Sequence[UserMemory]) -> list[UserMemory]:
    """Those that are written. What they overwrite stands against none of them; what is left out stays, and does."""
    written = {memory.memory_id for memory in memories}
    while True:
        beside = known.without(written)
        kept = [memory for memory in memories if memory.memory_id in written and _takes_place(beside, memory)]
        if len(kept) == len(written):
            return kept
        written = {memory.memory_id for memory in kept}


def _takes_place(known: _Known, memory: UserMemory) -> bool:
    """Whether a memory is to be written; from then on it is among what is known."""
    if memory.valid_to is not None:
        return True
    digest = fact_hash(memory.memory)
    if known.by_hash.get(digest, memory.memory_id) != memory.memory_id:
        return False
    if memory.slot is not None:
        holder, since_at = known.by_slot.get(memory.slot, (memory.memory_id, memory.valid_from))
        if holder != memory.memory_id and since_at > memory.valid_from:
            return False
        known.by_slot[memory.slot] = (memory.memory_id, memory.valid_from)
    known.by_hash[digest] = memory.memory_id
    return True


def _values(user_id: UserId, memory: UserMemory) -> tuple[object, ...]:
    return (
        user_id,
        memory.memory_id,
        memory.memory,
        fact_hash(memory.memory),
        list(memory.topics),
        memory.slot,
        memory.visibility,
        memory.is_pinned,
        memory.agent_id,
        memory.team_id,
        memory.input,
        memory.feedback,
        memory.source_session_id,
        memory.source_seq,
        memory.supersedes,
        memory.replaced_by,
        memory.model,
        memory.last_used_at,
        memory.created_at,
        memory.updated_at,
        memory.valid_to,
        memory.valid_from,
    )
