"""What the database holds at the end of a run: the other side of the checker's comparison."""

from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredTask:
    """A row of `tasks`."""

    session_id: str
    position: int
    task_id: str
    state: str
    attempts: int
    merged_into: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredMessage:
    """A row of `messages`."""

    session_id: str
    seq: int
    message_id: str
    role: str
    text: str
    position: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredNote:
    """A row of `run_notes`."""

    session_id: str
    seq: int
    run_id: str
    state: str
    label: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPost:
    """A row of `outbox`."""

    session_id: str
    seq: int
    post_key: str
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """All rows, each kind in order of session and number. `heads` are the newest event numbers by session.

    `open_leases` are sessions with an owner or with work although nothing is going on any more.
    """

    tasks: Sequence[StoredTask]
    messages: Sequence[StoredMessage]
    notes: Sequence[StoredNote]
    outbox: Sequence[StoredPost]
    heads: dict[str, int]
    open_leases: Sequence[str]


_TASKS = "SELECT session_id, position, task_id, state, attempts, merged_into FROM tasks ORDER BY session_id, position"
_MESSAGES = "SELECT session_id, seq, message_id, role, text, position FROM messages ORDER BY session_id, seq"
_NOTES = "SELECT session_id, seq, run_id, state, label FROM run_notes ORDER BY session_id, seq"
_OUTBOX = "SELECT session_id, seq, post_key, state FROM outbox ORDER BY session_id, seq"
_OPEN = """
SELECT (SELECT count(*) FROM tasks WHERE state IN ('queued', 'running'))
     + (SELECT count(*) FROM outbox WHERE state IN ('pending', 'posting'))
"""
_LEASES = "SELECT session_id FROM session_leases WHERE owner IS NOT NULL OR queued <> 0"


async def collect_evidence(dsn: str) -> Evidence:
    """Read it all, as the server's owner, whom no policy binds."""
    connection = await asyncpg.connect(dsn)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            heads = await connection.fetch("SELECT session_id, next_seq - 1 AS head FROM sessions")
            return Evidence(
                tasks=[StoredTask(**row) for row in await connection.fetch(_TASKS)],
                messages=[StoredMessage(**row) for row in await connection.fetch(_MESSAGES)],
                notes=[StoredNote(**row) for row in await connection.fetch(_NOTES)],
                outbox=[StoredPost(**row) for row in await connection.fetch(_OUTBOX)],
                heads={row["session_id"]: row["head"] for row in heads},
                open_leases=[row["session_id"] for row in await connection.fetch(_LEASES)],
            )
    finally:
        await connection.close()


async def count_open(dsn: str) -> int:
    """How many tasks and posts are not over."""
    connection = await asyncpg.connect(dsn)
    try:
        return int(await connection.fetchval(_OPEN))
    finally:
        await connection.close()
