"""The statements fit the schema."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from memory.database import Database
from memory.queries import load_queries
from tests.support.database import new_database


@pytest.fixture(scope="module")
async def untouched(postgres_url: str) -> AsyncIterator[Database]:
    """A migrated database in which nothing is ever written, for all statements."""
    async with new_database(postgres_url) as url:
        database = await Database.open(url, size=1, statement_s=30)
        yield database
        await database.close()


@pytest.mark.parametrize("name", sorted(load_queries()))
async def test_every_statement_can_be_prepared_against_the_migrated_schema(untouched: Database, name: str) -> None:
    """A typo in a statement must not wait for the day it is first needed."""
    async with untouched.connection() as connection:
        statement = await connection.prepare(load_queries()[name])
        assert isinstance(statement.get_query(), str)


async def test_a_statement_without_a_scope_is_an_error_and_not_an_empty_answer(database: Database) -> None:
    """A forgotten scope has to be seen at once, never to look like a person without data. Proves: UM-10."""
    async with database.connection() as connection:
        await connection.execute("INSERT INTO dedupe VALUES ('s', 'k', '', 1, 'm', 't')")
        for table in ("messages", "runs", "turns", "tool_calls", "run_notes"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(f"INSERT INTO {table} (session_id) VALUES ('s')")


async def test_the_application_role_cannot_leave_row_level_security(database: Database) -> None:
    """The pool's role must not be able to see everything. Proves: UM-10."""
    async with database.connection() as connection:
        assert await connection.fetchval("SELECT current_user") == "parley_app"
        assert not await connection.fetchval(
            "SELECT rolbypassrls OR rolsuper FROM pg_roles WHERE rolname = current_user"
        )
        forced = await connection.fetch(
            "SELECT relname FROM pg_class WHERE relrowsecurity AND relforcerowsecurity AND relkind = 'r'"
        )
    assert {row["relname"] for row in forced} == {
        "messages",
        "run_notes",
        "runs",
        "turns",
        "tool_calls",
        "compactions",
        "participants",
        "sessions",
        "users",
        "identities",
        "user_memories",
        "memory_words",
        "tombstones",
        "memory_optimizations",
        "attachments",
        "feedback",
        "handoffs",
    }
