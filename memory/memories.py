"""What is remembered about people: one live row per fact and per slot, history kept, and no way to another person's."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

from agent.extraction import FactChange
from agent.ids import AgentId, MemoryId, SessionId, UserId, new_memory_id
from agent.memories import fold_fact
from agent.ranking import FoundMemory, rank_memories
from agent.records import Audience, Message, UserMemory
from memory.database import Connection, Database, Record
from memory.errors import WordsMovedError
from memory.forgetting import forget_memories
from memory.queries import query
from memory.rows import read_message

_AS_THEY_ARE = (
    *("memory", "slot", "visibility", "agent_id", "team_id", "input", "feedback", "source_session_id", "source_seq"),
    *("supersedes", "replaced_by", "is_pinned", "model", "last_used_at"),
    *("valid_from", "valid_to", "created_at", "updated_at"),
)
CANDIDATES = 40
"""Memories that the words alone choose, at least; among them the ranking decides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What was read for facts: the words of one speaker in a session, from one number to another, for an agent.

    `said` and `known` are the messages and memories that a model was shown: each must still be the speaker's when its
    facts are stored, and the messages must still say the same.
    """

    session_id: SessionId
    first_seq: int
    last_seq: int
    audience: Audience
    agent_id: AgentId
    model: str | None = None
    said: tuple[Message, ...] = ()
    known: tuple[MemoryId, ...] = ()


def fact_hash(text: str) -> bytes:
    """The key of what a text says: see `fold_fact`."""
    return hashlib.sha256(fold_fact(text).encode()).digest()


class Memories:
    """The memories of the user group. Every method takes the person first."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list_all(self, user_id: UserId, limit: int = 1000) -> Sequence[UserMemory]:
        """The live memories, newest first."""
        async with self._database.scope(user_id=user_id) as connection:
            return [read_record(row) for row in await connection.fetch(query("list_memories"), user_id, limit)]

    async def find_related(self, user_id: UserId, text: str, limit: int, audience: Audience) -> Sequence[UserMemory]:
        """The live memories that share most with a text, best first: those that this audience may hear."""
        async with self._database.scope(user_id=user_id) as connection:
            return [memory for memory, _ in await find_ranked(connection, user_id, text, audience, limit)]

    async def mark_used(self, user_id: UserId, memory_ids: Sequence[MemoryId]) -> None:
        """Remember that these were in a prompt now; within an hour of the last time nothing is written."""
        async with self._database.scope(user_id=user_id) as connection:
            await connection.execute(query("mark_used"), user_id, list(memory_ids))

    async def load_new_words(
        self, user_id: UserId, session_id: SessionId, limit: int, unread: Sequence[AgentId] = ()
    ) -> tuple[Sequence[Message], bool]:
        """What the person said in a session since it was last read for facts, in order; and whether there is more.

        Nothing of what was said to the agents `unread`.
        Only what was said by one of their accounts: a fact goes with the account that said it when the link is undone,
        so nothing may be drawn from the words of two.
        """
        async with self._database.scope(user_id=user_id, session_id=session_id) as connection:
            rows = await connection.fetch(query("load_new_words"), session_id, user_id, limit + 1, list(unread))
        words = list(takewhile(lambda row: row["account_id"] == rows[0]["account_id"], rows[:limit]))
        return [read_message(session_id, row) for row in words], len(words) < len(rows)

    async def apply(self, user_id: UserId, changes: Sequence[FactChange], reading: Reading) -> int:
        """Store believed changes and how far was read, in one transaction. Returns how many facts changed.

        That is none where somebody else has read these words meanwhile. A fact said in front of others may be used in
        front of others; one said in private stays private, and so does what it becomes. Words that are older than a
        fact neither end nor replace it. Raises `WordsMovedError` and stores nothing when some of what was read, words
        or memories, is not the person's any more, or says something else.
        """
        async with self._database.scope(user_id=user_id, session_id=reading.session_id) as connection:
            await connection.fetchrow(query("lock_user"), user_id)
            seqs = [message.seq for message in reading.said]
            digests = [hashlib.sha256(message.text.encode()).digest() for message in reading.said]
            read = (reading.session_id, user_id, seqs, digests, list(reading.known))
            row = await connection.fetchrow(query("count_own"), *read)
            if row is None or row["own"] != len(reading.said) + len(reading.known):
                raise WordsMovedError
            moved = await connection.fetchrow(
                query("move_watermark"), reading.session_id, user_id, reading.first_seq, reading.last_seq
            )
            if moved is None:
                return 0
            changed = sum([await _apply(connection, user_id, change, reading) for change in changes])
            for change in changes:
                await _forget(connection, user_id, change)
            return changed


async def _apply(connection: Connection, user_id: UserId, change: FactChange, reading: Reading) -> int:
    if change.op == "retire":
        return await _retire(connection, user_id, change)
    same = await connection.fetchrow(query("find_live_memory_by_hash"), user_id, fact_hash(change.text))
    if same is not None:
        return await _restate(connection, user_id, change, read_record(same))
    if await _is_barred(connection, user_id, change, fact_hash(change.text), change.slot):
        return 0
    memory_id = new_memory_id()
    is_private = reading.audience is Audience.PRIVATE or (change.known and change.known.visibility == "private")
    ended = await _make_room(connection, user_id, change, change.slot, memory_id)
    row = await connection.fetchrow(
        query("add_memory"),
        user_id,
        memory_id,
        change.text,
        fact_hash(change.text),
        list(change.topics) or ended.topics,
        change.slot,
        "private" if is_private else "thread",
        reading.agent_id,
        change.input,
        change.evidence.session_id,
        change.evidence.seq,
        ended.memory_id or (change.known.memory_id if change.known else None),
        change.evidence.at,
        reading.model,
        ended.is_pinned,
    )
    return int(row is not None)


async def _restate(connection: Connection, user_id: UserId, change: FactChange, same: UserMemory) -> int:
    """The text is remembered already: that memory takes the place of what the words change."""
    if change.known is not None and change.known.memory_id == same.memory_id:
        change = replace(change, known=None)
    slot = change.slot if same.slot is None else None
    if await _is_barred(connection, user_id, change, None, slot):
        return 0
    ended = await _make_room(connection, user_id, change, slot, same.memory_id)
    if slot is None and ended.memory_id is None:
        return 0
    took = (user_id, same.memory_id, slot, ended.memory_id, change.evidence.at, ended.is_pinned)
    return int(await connection.fetchrow(query("take_place"), *took) is not None)


async def _is_barred(
    connection: Connection, user_id: UserId, change: FactChange, digest: bytes | None, slot: str | None
) -> bool:
    known_id = change.known.memory_id if change.known else None
    row = await connection.fetchrow(query("is_barred"), user_id, digest, slot, known_id, change.evidence.at)
    return row is None or bool(row["is_barred"])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ended:
    """What a fact took the place of, whether that was pinned, and the topics of the fact that it updates."""

    memory_id: MemoryId | None
    is_pinned: bool
    topics: list[str]


async def _make_room(
    connection: Connection, user_id: UserId, change: FactChange, slot: str | None, memory_id: MemoryId
) -> _Ended:
    """End what a fact changes and what stands in its slot."""
    known = older = None
    said_at = change.evidence.at
    if change.known is not None:
        known = await connection.fetchrow(query("end_memory"), user_id, change.known.memory_id, said_at, memory_id)
    if slot is not None:
        older = await connection.fetchrow(query("end_slot"), user_id, slot, said_at, memory_id)
    ended = older or known
    return _Ended(
        memory_id=MemoryId(ended["memory_id"]) if ended else None,
        is_pinned=any(row["is_pinned"] for row in (known, older) if row),
        topics=known["topics"] if known else [],
    )


async def _retire(connection: Connection, user_id: UserId, change: FactChange) -> int:
    assert change.known is not None, "only a known fact is retired"
    said_at = change.evidence.at
    ended = await connection.fetchrow(query("end_memory"), user_id, change.known.memory_id, said_at, None)
    if ended is not None:
        await connection.execute(query("add_tombstone"), user_id, ended["hash"], said_at)
    return int(ended is not None)


async def _forget(connection: Connection, user_id: UserId, change: FactChange) -> None:
    """Delete what is to be forgotten, once all else that was read has taken its place."""
    if change.known is None or not change.is_forgotten:
        return
    row = await connection.fetchrow(query("find_memory"), user_id, change.known.memory_id)
    if row is not None and row["valid_to"] is not None and row["valid_from"] <= change.evidence.at:
        await forget_memories(connection, user_id, [change.known.memory_id], change.evidence.at)


async def find_ranked(
    connection: Connection, user_id: UserId, text: str, audience: Audience, limit: int = CANDIDATES
) -> list[tuple[UserMemory, float]]:
    """The live memories in which words of a text stand, best first, with their scores; in the person's scope."""
    asked = (user_id, text, audience is Audience.PRIVATE, max(limit, CANDIDATES))
    rows = await connection.fetch(query("find_memories"), *asked)
    found = [FoundMemory(memory=read_record(row), found=tuple(row["found"]), length=row["length"]) for row in rows]
    return rank_memories(found, rows[0]["size"], rows[0]["counts"])[:limit] if rows else []


def read_record(row: Record) -> UserMemory:
    """A memory out of all of its columns."""
    return UserMemory(
        memory_id=MemoryId(row["memory_id"]),
        user_id=UserId(row["user_id"]),
        topics=tuple(row["topics"]),
        **{name: row[name] for name in _AS_THEY_ARE},
    )
