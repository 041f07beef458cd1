"""Migrations: once each, whoever runs them and however many at once, and only on a database that is ours to change."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from urllib.parse import urlsplit

import asyncpg
import pytest

from memory.database import Database
from memory.errors import DatabaseRoleError, DatabaseTooNewError, MigrationChangedError
from memory.migrate import Migration, load_migrations, migrate, pending_migrations
from tests.support.database import new_database
from tests.support.gateway import run_sql

NAMES = [migration.name for migration in load_migrations()]


@pytest.fixture
async def empty_url(postgres_url: str) -> AsyncIterator[str]:
    """A database that nobody has migrated."""
    async with new_database(postgres_url, is_migrated=False) as url:
        yield url


async def describe(url: str) -> list[str]:
    """The schema, as far as it could differ."""
    columns = await run_sql(
        url,
        "SELECT table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable || ' ' ||"
        " coalesce(column_default, '') FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1",
    )
    indexes = await run_sql(url, "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1")
    policies = await run_sql(url, "SELECT tablename || policyname || coalesce(qual, '') FROM pg_policies ORDER BY 1")
    return [row[0] for row in (*columns, *indexes, *policies)]


async def test_a_fresh_database_gets_all_and_a_second_time_nothing(empty_url: str) -> None:
    """`parley migrate` may be run at every deploy."""
    assert await pending_migrations(empty_url) == NAMES
    assert await migrate(empty_url) == NAMES
    assert await pending_migrations(empty_url) == []
    assert await migrate(empty_url) == []


async def test_many_processes_that_migrate_at_once_apply_each_once(empty_url: str) -> None:
    """A fleet is started all at once. Proves: OP-3."""
    async with asyncio.timeout(30):
        applied = await asyncio.gather(*(migrate(empty_url) for _ in range(6)))
    assert sorted(name for names in applied for name in names) == NAMES


async def test_one_step_at_a_time_gives_the_same_database_as_all_at_once(empty_url: str, database_url: str) -> None:
    """An old installation must not end up with another schema than a new one."""
    known = load_migrations()
    for count in range(1, len(known) + 1):
        assert await migrate(empty_url, known[:count]) == [known[count - 1].name]
    assert await describe(empty_url) == await describe(database_url)


async def test_a_file_that_was_changed_after_it_was_applied_is_refused(database_url: str) -> None:
    """Nobody would know what schema there is."""
    changed = [replace(migration, sql=migration.sql + "\n-- changed") for migration in load_migrations()]
    with pytest.raises(MigrationChangedError, match=NAMES[0]):
        await migrate(database_url, changed)


async def test_a_database_of_a_newer_version_is_refused(database_url: str) -> None:
    """An old process would write what the new one no longer reads. Proves: OP-3."""
    await run_sql(database_url, "INSERT INTO migrations (version, name, checksum) VALUES (9999, 'later', '')")
    with pytest.raises(DatabaseTooNewError, match="9999"):
        await migrate(database_url)
    with pytest.raises(DatabaseTooNewError):
        await pending_migrations(database_url)


async def test_a_migration_that_fails_leaves_nothing_half_done(database_url: str) -> None:
    """It can be mended and run again."""
    bad = Migration(version=9000, name="9000_bad.sql", sql="CREATE TABLE half (n int); SELECT 1 / 0;")
    with pytest.raises(asyncpg.DivisionByZeroError):
        await migrate(database_url, [*load_migrations(), bad])
    assert (await run_sql(database_url, "SELECT to_regclass('half')"))[0][0] is None
    assert await migrate(database_url) == []


@asynccontextmanager
async def owner(postgres_url: str, *, attributes: str, grant: str = "") -> AsyncIterator[str]:
    """The address of an empty database whose owner is a role that is no superuser."""
    name = f"parley_owner_{secrets.token_hex(4)}"
    async with new_database(postgres_url, is_migrated=False) as url:
        database = urlsplit(url).path.lstrip("/")
        await run_sql(postgres_url, f"CREATE ROLE {name} LOGIN {attributes}")
        try:
            await run_sql(postgres_url, f"ALTER DATABASE {database} OWNER TO {name}")
            if grant:
                await run_sql(postgres_url, f"GRANT parley_app TO {name} {grant}")
            parts = urlsplit(url)
            yield parts._replace(netloc=parts.netloc.replace(f"{parts.username}@", f"{name}@")).geturl()
        finally:
            await run_sql(postgres_url, f"ALTER DATABASE {database} OWNER TO CURRENT_USER")
            await run_sql(url, f"REASSIGN OWNED BY {name} TO CURRENT_USER")
            await run_sql(url, f"DROP OWNED BY {name}")
            await run_sql(postgres_url, f"DROP ROLE {name}")


async def test_an_owner_that_is_no_superuser_can_migrate_and_serve(postgres_url: str, database_url: str) -> None:
    """That is what a managed database gives. The application still runs in the role without rights. Proves: UM-10."""
    assert database_url, "the application's role is there"
    async with owner(postgres_url, attributes="CREATEROLE", grant="WITH ADMIN OPTION") as url:
        assert await migrate(url) == NAMES
        database = await Database.open(url, size=2)
        assert (await database.fetch("SELECT current_user"))[0][0] == "parley_app"
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await database.execute("INSERT INTO messages (session_id) VALUES ('s')")
        await database.close()


async def test_an_owner_that_was_given_the_role_needs_no_right_to_make_roles(
    postgres_url: str, database_url: str
) -> None:
    """Where an administrator made the role beforehand. Proves: UM-10."""
    assert database_url, "the application's role is there"
    async with owner(postgres_url, attributes="NOCREATEROLE", grant="WITH SET TRUE") as url:
        assert await migrate(url) == NAMES


async def test_an_owner_that_may_not_use_the_role_is_told_what_to_do(postgres_url: str, database_url: str) -> None:
    """In one line, and nothing is half done."""
    assert database_url, "the application's role is there"
    async with owner(postgres_url, attributes="NOCREATEROLE") as url:
        with pytest.raises(DatabaseRoleError, match="GRANT parley_app TO parley_owner_"):
            await migrate(url)
        assert (await run_sql(url, "SELECT to_regclass('messages')"))[0][0] is None
        with pytest.raises(DatabaseRoleError, match="GRANT parley_app TO the user"):
            await Database.open(url, size=1)


async def test_a_role_that_would_see_everything_is_refused(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Row level security would hold nothing back. Proves: UM-10."""
    name = f"parley_sees_all_{secrets.token_hex(4)}"
    await run_sql(postgres_url, f"CREATE ROLE {name} NOLOGIN BYPASSRLS")
    monkeypatch.setattr("memory.database.APP_ROLE", name)
    try:
        with pytest.raises(DatabaseRoleError, match="BYPASSRLS"):
            await Database.open(postgres_url, size=1)
    finally:
        await run_sql(postgres_url, f"DROP ROLE {name}")
