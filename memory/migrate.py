"""Numbered migrations, each applied once and remembered with its checksum.

The lock is polled: waiting inside PostgreSQL for an advisory lock deadlocks with CREATE INDEX CONCURRENTLY.
"""

import asyncio
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

import asyncpg

from memory.errors import DatabaseRoleError, DatabaseTooNewError, MigrationChangedError, StoreSetupError

APP_ROLE = "parley_app"
MINIMUM_SERVER = 160000
_LOCK_KEY = 7_260_001
_LOCK_WAIT_S = 60.0
_FILE = re.compile(r"^(\d{4})_\w+\.sql$")
_GRANTS = f"""
GRANT USAGE ON SCHEMA public TO {APP_ROLE};
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {APP_ROLE};
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {APP_ROLE};
REVOKE ALL ON migrations FROM {APP_ROLE};
REVOKE INSERT, UPDATE, DELETE ON instance FROM {APP_ROLE};
GRANT SELECT ON migrations TO {APP_ROLE};
"""
_CREATE_ROLE = f"""
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{APP_ROLE}') THEN
        CREATE ROLE {APP_ROLE} NOLOGIN;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$;
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One numbered file. `checksum` is the SHA-256 of its text, in hex."""

    version: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """What is remembered of an applied file."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def load_migrations() -> list[Migration]:
    """The migrations this version has, in order."""
    found = (
        Migration(version=int(match[1]), name=entry.name, sql=entry.read_text(encoding="utf-8"))
        for entry in files("memory").joinpath("migrations").iterdir()
        if (match := _FILE.match(entry.name))
    )
    return sorted(found, key=lambda migration: migration.version)


async def migrate(dsn: str, migrations: Sequence[Migration] | None = None) -> list[str]:
    """Bring the database to this version and return the names of what was applied.

    Safe to call from many processes at once. Raises `StoreSetupError` in one of its kinds; nothing is half applied.
    """
    wanted = load_migrations() if migrations is None else list(migrations)
    connection = await asyncpg.connect(dsn, timeout=10)
    try:
        if connection.get_server_version() < (16,):
            raise StoreSetupError(f"PostgreSQL 16 or newer is needed; this server is {connection.get_server_version()}")
        await _lock(connection)
        return await _apply(connection, wanted)
    finally:
        await connection.close(timeout=5)


async def pending_migrations(dsn: str) -> list[str]:
    """The names of what `migrate` would apply. Raises as it does."""
    connection = await asyncpg.connect(dsn, timeout=10)
    try:
        applied = await _load_applied(connection)
        return [m.name for m in _check(load_migrations(), applied)]
    finally:
        await connection.close(timeout=5)


async def _lock(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    try:
        async with asyncio.timeout(_LOCK_WAIT_S):
            while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", _LOCK_KEY):  # noqa: ASYNC110
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise StoreSetupError("another process has been migrating this database for a minute; try again") from None


async def _load_applied(connection: "asyncpg.Connection[asyncpg.Record]") -> dict[int, str]:
    if not await connection.fetchval("SELECT to_regclass('public.migrations') IS NOT NULL"):
        return {}
    return {
        row["version"]: row["checksum"] for row in await connection.fetch("SELECT version, checksum FROM migrations")
    }


def _check(wanted: Sequence[Migration], applied: dict[int, str]) -> list[Migration]:
    newest = wanted[-1].version if wanted else 0
    if (there := max(applied, default=0)) > newest:
        raise DatabaseTooNewError(
            f"the database is at migration {there:04}, this Parley knows {newest:04}: start a newer Parley"
        )
    for migration in wanted:
        if applied.get(migration.version, migration.checksum) != migration.checksum:
            raise MigrationChangedError(f"{migration.name} was changed after it had been applied to this database")
    return [migration for migration in wanted if migration.version not in applied]


async def _ensure_role(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """The application's role, usable by this user. An administrator may have made it beforehand."""
    try:
        await connection.execute(_CREATE_ROLE)
        if not await connection.fetchval(f"SELECT pg_has_role(current_user, '{APP_ROLE}', 'SET')"):
            await connection.execute(f"GRANT {APP_ROLE} TO CURRENT_USER")
    except asyncpg.InsufficientPrivilegeError:
        raise DatabaseRoleError(how_to_grant(await connection.fetchval("SELECT current_user"))) from None


def how_to_grant(user: str) -> str:
    """What an administrator has to do for a user who may not do it."""
    return (
        f"the user {user} may not use the role {APP_ROLE}; as an administrator run:"
        f" CREATE ROLE {APP_ROLE} NOLOGIN; GRANT {APP_ROLE} TO {user} (the first only where there is no such role)"
    )


async def _apply(connection: "asyncpg.Connection[asyncpg.Record]", wanted: Sequence[Migration]) -> list[str]:
    missing = _check(wanted, await _load_applied(connection))
    if not missing:
        return []
    await _ensure_role(connection)
    await connection.execute(
        "CREATE TABLE IF NOT EXISTS migrations (version int PRIMARY KEY, name text NOT NULL, checksum text NOT NULL,"
        " applied_at timestamptz NOT NULL DEFAULT now())"
    )
    for migration in missing:
        async with connection.transaction():
            await connection.execute(migration.sql)
            await connection.execute(_GRANTS)
            await connection.execute(
                "INSERT INTO migrations (version, name, checksum) VALUES ($1, $2, $3)",
                migration.version,
                migration.name,
                migration.checksum,
            )
    return [migration.name for migration in missing]
