"""The database for an operator's command: beside a gateway that runs, or with none."""

from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager

from gateway.address import StoreAddress
from gateway.backup import BackupError, find_running
from gateway.command_errors import CommandError
from gateway.doctor_places import find_holder
from gateway.settings import Settings
from gateway.store import open_store
from memory.database import Database, store_errors
from memory.migrate import pending_migrations

POOL_SIZE = 2
STATEMENT_S = 60.0
"""A person at a terminal can wait."""


@contextmanager
def reach_store(settings: Settings) -> Generator[StoreAddress, None, None]:
    """The database, an embedded one beside the gateway that has started it. None is made. Raises `CommandError`."""
    if settings.database_url is not None:
        with open_store(settings) as store:
            yield store.address
        return
    if not (settings.data_dir / "postgres").exists():
        raise CommandError(f"there is no database in {settings.data_dir}")
    if find_holder(settings.data_dir) is None:
        with open_store(settings) as store:
            yield store.address
        return
    try:
        dsn = find_running(settings.data_dir)
    except BackupError as error:
        raise CommandError(str(error)) from error
    yield StoreAddress(dsn=dsn, direct_dsn=dsn)


@asynccontextmanager
async def open_database(address: StoreAddress) -> AsyncGenerator[Database, None]:
    """A few connections to a database of this version. Raises `CommandError`, `StoreUnavailableError`."""
    with store_errors():
        if pending := await pending_migrations(address.direct_dsn):
            raise CommandError(f"the database lacks {', '.join(pending)}: run `parley migrate`")
    database = await Database.open(
        address.dsn, size=POOL_SIZE, statement_s=STATEMENT_S, pgbouncer=address.is_pooled_elsewhere
    )
    try:
        yield database
    finally:
        await database.close()
