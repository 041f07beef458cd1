"""The pool of connections, all in the application role, and the one direct connection that listens.

What belongs to a person or a thread is opened by a scope: the statements of the reply path set theirs themselves; the
rest runs inside `Database.scope`. A connection that was lost or a server that is away becomes `StoreUnavailableError`.

Behind a pooler such as PgBouncer, in transaction mode, nothing that is set or prepared on a connection outlasts a
transaction. There every statement gets a transaction of its own that takes the application role: some round trips more.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, nullcontext
from functools import partial
from typing import Self, TypeAlias

import asyncpg

from agent.errors import StoreUnavailableError, TextInvalidError
from memory.errors import DatabaseRoleError, StoreSetupError
from memory.migrate import APP_ROLE
from memory.queries import query

Record = asyncpg.Record
Connection: TypeAlias = "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"
CONNECT_TIMEOUT_S = 1.4
STATEMENT_S = 1.4
KEPT_S = 3600
"""How long a connection that nothing happens on, and a statement that was planned on one, is kept.

To make a connection and to plan there what a turn needs takes far longer than the turn, and comes just when there is
more to do than usual. The server asks every minute whether we are there, so no network forgets a quiet connection.
"""
_NOTICED_IN = "1s"
"""How soon the server ends a statement, be it one that waits for a lock, whose connection has been closed."""
_POOLER = "a pooler such as PgBouncer seems to stand before the database: set DATABASE_DIRECT_URL to the server itself"

_AWAY = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a connection that was given up while it was being made
    asyncpg.OperatorInterventionError,  # shut down, crashed, starting, cancelled
    asyncpg.InsufficientResourcesError,  # connections, memory, disk
    asyncpg.ObjectNotInPrerequisiteStateError,  # the database takes no connections just now
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    OSError,
    TimeoutError,
)


_UNTEXT = (asyncpg.CharacterNotInRepertoireError, asyncpg.UntranslatableCharacterError)
_NO_ROLE = (asyncpg.InsufficientPrivilegeError, asyncpg.InvalidParameterValueError)
_ROLE_HELP = (
    f"this address may not act as the role {APP_ROLE}: run parley migrate, or as an administrator"
    f" GRANT {APP_ROLE} TO the user that it names"
)


@contextmanager
def store_errors() -> Iterator[None]:
    """What says that the database is away becomes `StoreUnavailableError`; a NUL in a text, `TextInvalidError`."""
    try:
        yield
    except _UNTEXT as error:
        raise TextInvalidError("expected text without NUL characters") from error
    except _AWAY as error:
        raise StoreUnavailableError(f"{type(error).__name__}: {error}") from error


async def prepare_connection(connection: "asyncpg.Connection[Record]", *, is_behind_pooler: bool = False) -> None:
    """Make a new connection ready. One that is given up meanwhile is closed at once.

    Left open, the pool would close it in good order and wait for a server that does not answer, however little time
    its caller has left.
    """
    try:
        async with connection.transaction() if is_behind_pooler else nullcontext():
            for kind in ("json", "jsonb"):
                await connection.set_type_codec(kind, encoder=json.dumps, decoder=json.loads, schema="pg_catalog")
    except (asyncio.CancelledError, TimeoutError):
        connection.terminate()
        raise


def build_settings(statement_s: float) -> dict[str, str]:
    """What the server is told of a connection: whom it acts as, and when a statement is waited for no more.

    A statement that is given up here goes on there until the server hears of it. What is closed it notices by itself
    within a second; where the wire is silent, the time that we wait ends it.
    """
    return {
        "role": APP_ROLE,
        "jit": "off",
        "statement_timeout": str(round(1000 * statement_s)),
        "client_connection_check_interval": _NOTICED_IN,
    }


def _render_begin(settings: Mapping[str, str]) -> str:
    return "; ".join(["BEGIN", *(f"SET LOCAL {name} = '{value}'" for name, value in settings.items())])


@asynccontextmanager
async def _in_transaction(connection: Connection, begin: str) -> AsyncIterator[None]:
    """A transaction that starts with `begin`. One that is interrupted is left to whoever closes the connection."""
    try:
        await connection.execute(begin)
        yield
    except (asyncio.CancelledError, TimeoutError):
        raise
    except BaseException:
        if not connection.is_closed():
            await connection.execute("ROLLBACK")
        raise
    await connection.execute("COMMIT")


async def _keep(_: object) -> None:
    """Nothing to reset: every setting is local to its transaction."""


class Database:
    """A pool in the application role. `statement_s` bounds every use of a connection."""

    def __init__(self, pool: "asyncpg.Pool[Record]", statement_s: float, *, is_behind_pooler: bool = False) -> None:
        self._pool = pool
        self._statement_s = statement_s
        self._is_behind_pooler = is_behind_pooler
        self._begin = _render_begin(build_settings(statement_s))

    @classmethod
    async def open(cls, dsn: str, *, size: int = 16, statement_s: float = STATEMENT_S, pgbouncer: bool = False) -> Self:
        """Connect. Raises `StoreUnavailableError`, or `DatabaseRoleError` when the role would see everything."""
        settings = {} if pgbouncer else {**build_settings(statement_s), "tcp_keepalives_idle": "60"}
        try:
            with store_errors():
                pool = await asyncpg.create_pool(
                    dsn,
                    min_size=min(2, size),
                    max_size=size,
                    timeout=max(CONNECT_TIMEOUT_S, statement_s),
                    command_timeout=statement_s,
                    max_inactive_connection_lifetime=KEPT_S,
                    max_queries=sys.maxsize,
                    statement_cache_size=0 if pgbouncer else 200,
                    max_cached_statement_lifetime=KEPT_S,
                    init=partial(prepare_connection, is_behind_pooler=pgbouncer),
                    reset=_keep,
                    server_settings={"application_name": "parley", **settings},
                )
        except StoreUnavailableError as error:
            if isinstance(error.__cause__, asyncpg.ProtocolViolationError):
                raise StoreSetupError(_POOLER) from error
            raise
        except _NO_ROLE as error:
            raise DatabaseRoleError(_ROLE_HELP) from error
        database = cls(pool, statement_s, is_behind_pooler=pgbouncer)
        try:
            await database._check_role()
        except BaseException:
            await database.close()
            raise
        return database

    async def _check_role(self) -> None:
        try:
            row = await self.fetchrow("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
        except _NO_ROLE as error:
            raise DatabaseRoleError(_ROLE_HELP) from error
        if row is None or row[0]:
            raise DatabaseRoleError(f"the role {APP_ROLE} must not be a superuser and must not have BYPASSRLS")

    def with_patience(self, statement_s: float) -> Self:
        """The same connections for work that may take longer; each of its statements still has the pool's limit."""
        return type(self)(self._pool, statement_s, is_behind_pooler=self._is_behind_pooler)

    async def close(self) -> None:
        """Close every connection, those in use after at most five seconds."""
        try:
            async with asyncio.timeout(5):
                await self._pool.close()
        except TimeoutError:
            self._pool.terminate()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A connection for one statement that sets its own scope. Raises `StoreUnavailableError`.

        All of it, the wait for a free connection too, takes at most `statement_s`. A connection on which an answer is
        still to come is closed, since to wait for it would take as long again.
        """
        with store_errors():
            async with asyncio.timeout(self._statement_s):
                connection = await self._pool.acquire()
                try:
                    async with _in_transaction(connection, self._begin) if self._is_behind_pooler else nullcontext():
                        yield connection
                except (asyncio.CancelledError, TimeoutError):
                    connection.terminate()
                    raise
                finally:
                    await self._pool.release(connection)

    async def fetchrow(self, sql: str, *arguments: object) -> Record | None:
        """One statement, at most one row."""
        async with self.connection() as connection:
            return await connection.fetchrow(sql, *arguments)

    async def fetch(self, sql: str, *arguments: object) -> list[Record]:
        """One statement, all rows."""
        async with self.connection() as connection:
            return await connection.fetch(sql, *arguments)

    async def execute(self, sql: str, *arguments: object) -> None:
        """One statement, no rows."""
        async with self.connection() as connection:
            await connection.execute(sql, *arguments)

    @asynccontextmanager
    async def scope(self, *, user_id: str = "", session_id: str = "", identity: str = "") -> AsyncIterator[Connection]:
        """One transaction that sees what belongs to this person, this session or this account, and nothing else."""
        async with (
            self.connection() as connection,
            nullcontext() if self._is_behind_pooler else connection.transaction(),
        ):
            await connection.fetchrow(query("set_scope"), user_id, session_id, identity)
            yield connection
