"""What has to be there before a dump can be read in: an empty database and the role that the dump's grants name."""

import asyncpg

from memory.database import store_errors
from memory.errors import StoreSetupError
from memory.migrate import _CREATE_ROLE as CREATE_ROLE
from memory.migrate import APP_ROLE

CONNECT_TIMEOUT_S = 10


async def prepare_restore(dsn: str) -> None:
    """Make an empty database ready for `pg_restore`.

    Raises `StoreSetupError` for one that is not empty or may not be prepared, and `StoreUnavailableError`.
    """
    with store_errors():
        connection = await asyncpg.connect(dsn, timeout=CONNECT_TIMEOUT_S)
    try:
        tables = await connection.fetchval("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
        if tables:
            raise StoreSetupError(f"the database has {tables} tables already: a dump is read into an empty one")
        await connection.execute(CREATE_ROLE)
        await connection.execute(f"GRANT {APP_ROLE} TO CURRENT_USER")
    except asyncpg.InsufficientPrivilegeError as error:
        raise StoreSetupError(f"the role of this address may not make the role {APP_ROLE}: {error}") from error
    finally:
        await connection.close(timeout=5)
