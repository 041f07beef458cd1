"""Tasks that were given up, for operators: to see, to read, and to try again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import asyncpg

from agent.ids import AgentId, SessionId, TaskId, UserId, run_id_of
from memory.database import Database
from memory.queries import query


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A task that was given up. `note` is the sentence that people were told."""

    task_id: TaskId
    session_id: SessionId
    user_id: UserId | None
    agent_id: AgentId
    attempts: int
    created_at: datetime
    died_at: datetime
    note: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """A message that was to be answered."""

    author: str
    text: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedLetter:
    """A dead letter with what was said in it. `error` says why the last attempt failed, where that is known."""

    letter: DeadLetter
    messages: Sequence[Spoken]
    error: str | None
    model: str | None


class Replay(StrEnum):
    """What came of asking for another try."""

    QUEUED = "queued"
    NOT_DEAD = "not_dead"
    UNKNOWN = "unknown"


class DeadLetters:
    """The tasks that were given up."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list_newest(self, limit: int | None = None) -> list[DeadLetter]:
        """The newest first, all of them without a limit."""
        return [_read(row) for row in await self._database.fetch(query("list_dead_letters"), limit)]

    async def load(self, task_id: TaskId) -> OpenedLetter | None:
        """One of them, with the words of the people in it. None: there is no such dead letter."""
        task = await self._database.fetchrow(query("load_task"), task_id)
        if task is None:
            return None
        async with self._database.scope(session_id=task["session_id"]) as connection:
            row = await connection.fetchrow(query("load_dead_letter"), task["session_id"], task_id)
        if row is None:
            return None
        return OpenedLetter(
            letter=_read(row),
            messages=[
                Spoken(author=author, text=text, at=datetime.fromisoformat(at))
                for author, text, at in row["messages"] or ()
            ],
            error=row["error"],
            model=row["model"] or None,
        )

    async def replay(self, task_id: TaskId) -> Replay:
        """Let a task be tried again, with all its attempts. It takes its old place, before what waits in its session.

        Doing it twice is doing it once.
        """
        task = await self._database.fetchrow(query("load_task"), task_id)
        if task is None:
            return Replay.UNKNOWN
        async with self._database.scope(session_id=task["session_id"]) as connection:
            row = await connection.fetchrow(
                query("replay_dead_letter"), task["session_id"], task_id, run_id_of(task_id)
            )
        return Replay.NOT_DEAD if row is None else Replay.QUEUED


def _read(row: asyncpg.Record) -> DeadLetter:
    return DeadLetter(
        task_id=TaskId(row["task_id"]),
        session_id=SessionId(row["session_id"]),
        user_id=UserId(row["user_id"]) if row["user_id"] else None,
        agent_id=AgentId(row["agent_id"]),
        attempts=row["attempts"],
        created_at=row["created_at"],
        died_at=row["died_at"],
        note=row["note"],
    )
