"""The database of a gateway: the one that is configured, or the embedded one, which is kept running."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Generator, Mapping
from dataclasses import dataclass
from typing import Protocol

import structlog

from gateway.address import StoreAddress
from gateway.backoff import Backoff
from gateway.settings import Settings
from memory.embedded.errors import EmbeddedPostgresError
from memory.embedded.owner import EmbeddedPostgres

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """A database that is up. `name` is for people; `embedded` is its server where it is ours."""

    address: StoreAddress
    name: str
    embedded: EmbeddedPostgres | None = None


class Server(Protocol):
    """What `keep_running` needs of an embedded server."""

    async def wait_ended(self) -> int:
        """Return its exit status once it has ended."""
        ...

    async def restart_async(self) -> None:
        """Start it again. Raises `EmbeddedPostgresError`."""
        ...


@contextlib.contextmanager
def open_store(settings: Settings, *, server_settings: Mapping[str, str] | None = None) -> Generator[Store, None, None]:
    """The database that is configured, or the embedded one, which lives as long as the context.

    `server_settings` are for the embedded one. Raises `EmbeddedPostgresError`.
    """
    if settings.database_url is not None:
        dsn = settings.database_url.get_secret_value()
        direct = settings.database_direct_url
        address = StoreAddress(dsn=dsn, direct_dsn=direct.get_secret_value() if direct else dsn)
        yield Store(address=address, name="PostgreSQL (DATABASE_URL)")
        return
    embedded = EmbeddedPostgres(settings.data_dir, settings=server_settings)
    embedded.start()
    try:
        address = StoreAddress(dsn=embedded.dsn, direct_dsn=embedded.dsn)
        yield Store(address=address, name=f"embedded PostgreSQL in {settings.data_dir}", embedded=embedded)
    finally:
        embedded.stop()


@contextlib.asynccontextmanager
async def kept_running(server: Server | None) -> AsyncGenerator[None, None]:
    """While the context lasts, an embedded server that ends by itself is started again."""
    keeper = asyncio.create_task(keep_running(server, Backoff())) if server else None
    try:
        yield
    finally:
        if keeper is not None:
            keeper.cancel()
            await asyncio.wait([keeper])
            if not keeper.cancelled():
                keeper.result()  # it never ends by itself: what it raised is a fault


async def keep_running(server: Server, backoff: Backoff) -> None:
    """Start the embedded server again whenever it ends by itself, until cancelled; what was committed is in it."""
    while True:
        backoff.begin()
        status = await server.wait_ended()
        log.error("embedded_database_ended", status=status)
        while True:
            await asyncio.sleep(backoff.next_s())
            backoff.begin()
            try:
                await server.restart_async()
            except EmbeddedPostgresError as error:
                log.error("embedded_database_not_restarted", error=str(error).partition("\n")[0])
            else:
                log.info("embedded_database_restarted")
                break
