"""One person's memories, opened for one transaction: to read them, or to be the only one who writes them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from agent.errors import AskerChangedError, MemoryConflictError, UserNotFoundError
from agent.ids import UserId
from agent.memories import Asked
from memory.database import Connection, Database
from memory.queries import query

_NOBODY = "user_id: there is no such user here"


async def find_current(database: Database, user_id: UserId) -> UserId:
    """The id that a person has now; one that nobody has had stays. Raises `UserNotFoundError` for an erased person."""
    try:
        row = await database.fetchrow(query("find_current_user"), user_id)
    except asyncpg.NoDataFoundError:
        raise UserNotFoundError(_NOBODY) from None
    return UserId(row["user_id"]) if row else user_id


@asynccontextmanager
async def open_for_reading(database: Database, user_id: UserId) -> AsyncIterator[Connection]:
    """The person's scope, of whom `user_id` is the current id: see `find_current`.

    Raises `UserNotFoundError` for somebody who is not known, and `AskerChangedError` for an id that became another.
    """
    async with database.scope(user_id=user_id) as connection:
        await _require_user(connection, user_id)
        yield connection


@asynccontextmanager
async def open_for_writing(
    database: Database, user_id: UserId, *, asked: Asked | None = None, account_id: UserId | None = None
) -> AsyncIterator[Connection]:
    """The same under the person's lock. Raises `MemoryConflictError` where an id turns out to be another person's.

    With `asked` it raises `AskerChangedError` where that run is not this person's, or saw what is another's by now;
    with `account_id`, the id by which the writer knows the person, where that is another's by now.
    """
    try:
        async with database.scope(user_id=user_id) as connection:
            await connection.fetchrow(query("lock_user"), user_id)
            await _require_user(connection, user_id)
            if asked is not None and await find_asker(connection, asked) != user_id:
                raise AskerChangedError("who asked is somebody else by now")
            if account_id not in {None, user_id} and account_id not in await _list_former_ids(connection, user_id):
                raise AskerChangedError("this account was parted from the person a moment ago")
            yield connection
    except asyncpg.UniqueViolationError as error:
        raise MemoryConflictError("memory_id: expected one that is free, or one of this person's") from error


async def _list_former_ids(connection: Connection, user_id: UserId) -> list[UserId]:
    return [UserId(row["user_id"]) for row in await connection.fetch(query("list_former_ids"), user_id)]


async def find_asker(connection: Connection, asked: Asked) -> UserId | None:
    """Whose the run is now; nobody's, if nobody in particular asked, or they were erased.

    Raises `AskerChangedError` where an account was parted from them since it began: it saw what was of both.
    """
    row = await connection.fetchrow(query("find_asker"), asked.session_id, asked.position)
    if row is not None and row["is_parted"]:
        raise AskerChangedError("an account was parted from the person while this ran")
    return UserId(row["user_id"]) if row is not None and row["user_id"] is not None else None


async def find_account(connection: Connection, asked: Asked) -> UserId | None:
    """The account with which whoever asked spoke, where it is a linked one."""
    row = await connection.fetchrow(query("find_asker"), asked.session_id, asked.position)
    return UserId(row["account_id"]) if row is not None and row["account_id"] is not None else None


async def _require_user(connection: Connection, user_id: UserId) -> None:
    row = await connection.fetchrow(query("find_person"), user_id)
    if row is None or not row["is_known"]:
        raise UserNotFoundError(_NOBODY)
    if row["is_former"]:
        raise AskerChangedError("user_id: this person was linked to another meanwhile; try again")
