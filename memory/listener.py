"""The one direct connection of a process: it hears notifications, and holds the lock that says the process lives."""

import asyncio
from collections.abc import Callable, Mapping

import asyncpg
import structlog

from agent.errors import StoreUnavailableError
from agent.ids import WorkerId
from memory.database import CONNECT_TIMEOUT_S, store_errors
from memory.migrate import APP_ROLE
from memory.queries import query

log = structlog.get_logger(__name__)
READY = "parley_ready"
_RETRY_S = 0.2


class Listener:
    """Registers the worker, holds its lock and listens, for ever; a connection that is lost is made again.

    `handlers` get the payloads by channel; `on_connected` is called each time that something may have been missed.
    """

    def __init__(
        self,
        dsn: str,
        worker_id: WorkerId,
        handlers: Mapping[str, Callable[[str], None]],
        on_connected: Callable[[], None],
    ) -> None:
        self._dsn = dsn
        self._worker_id = worker_id
        self._handlers = handlers
        self._on_connected = on_connected

    async def run(self, is_registered: asyncio.Event) -> None:
        """Listen until cancelled. `is_registered` is set once the worker is known and hears."""
        while True:
            try:
                await self._listen(is_registered)
            except StoreUnavailableError as error:
                log.warning("store_away", during="listen", error=str(error))
            await asyncio.sleep(_RETRY_S)

    async def _listen(self, is_registered: asyncio.Event) -> None:
        settings = {"role": APP_ROLE, "application_name": "parley listener"}
        with store_errors():
            connection = await asyncpg.connect(
                self._dsn, timeout=CONNECT_TIMEOUT_S, command_timeout=CONNECT_TIMEOUT_S, server_settings=settings
            )
            lost = asyncio.Event()
            connection.add_termination_listener(lambda _: lost.set())
            try:
                key = await connection.fetchval(query("add_worker"), self._worker_id)
                await connection.fetchval(query("lock_worker"), key)
                for channel in self._handlers:
                    await connection.add_listener(channel, self._hear)
                is_registered.set()
                self._on_connected()
                await lost.wait()
            finally:
                connection.terminate()

    def _hear(self, _: object, __: int, channel: str, payload: object) -> None:
        self._handlers[channel](str(payload))
