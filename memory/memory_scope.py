"""One person's memories, opened for one transaction: to read them, or to be the only one who writes them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from agent.errors import MemoryConflictError, UserNotFoundError
from agent.ids import UserId
from memory.database import Connection, Database
from memory.queries import query


@asynccontextmanager
async def open_for_reading(database: Database, user_id: UserId) -> AsyncIterator[Connection]:
    """The person's scope. Raises `UserNotFoundError` for somebody who is not known."""
    async with database.scope(user_id=user_id) as connection:
        await _require_user(connection, user_id)
        yield connection


@asynccontextmanager
async def open_for_writing(database: Database, user_id: UserId) -> AsyncIterator[Connection]:
    """The same under the person's lock. Raises `MemoryConflictError` where an id turns out to be another person's."""
    try:
        async with database.scope(user_id=user_id) as connection:
            await connection.fetchrow(query("lock_user"), user_id)
            await _require_user(connection, user_id)
            yield connection
    except asyncpg.UniqueViolationError as error:
        raise MemoryConflictError("memory_id: expected one that is free, or one of this person's") from error


async def _require_user(connection: Connection, user_id: UserId) -> None:
    row = await connection.fetchrow(query("user_exists"), user_id)
    if row is None or not row[0]:
        raise UserNotFoundError("user_id: there is no such user here")
