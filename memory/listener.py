"""The one direct connection of a process: it hears notifications, and holds the lock that says the process lives."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress

import asyncpg
import structlog

from agent.errors import StoreUnavailableError
from agent.ids import WorkerId
from memory.database import CONNECT_TIMEOUT_S, Record, store_errors
from memory.migrate import APP_ROLE
from memory.queries import query

log = structlog.get_logger(__name__)
READY = "parley_ready"
CHECK_S = 5.0
ANSWER_S = 10.0
"""How long the connection may say nothing: longer than most stalls of a database, which cost it nothing."""
_RETRY_S = 0.2


class Listener:
    """Registers the worker, holds its lock and listens, for ever; a connection that is lost is made again.

    So is one that says nothing when it is asked, and one whose worker was declared dead meanwhile, with its lock.
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
        self._woken = asyncio.Event()

    def look(self) -> None:
        """The worker may not be known any more by what the connection holds: look now."""
        self._woken.set()

    async def run(self, is_registered: asyncio.Event) -> None:
        """Listen until cancelled. `is_registered` is set once the worker is known and hears."""
        while True:
            try:
                await self._listen(is_registered)
            except StoreUnavailableError as error:
                log.warning("store_away", during="listen", error=str(error))
            except asyncpg.PostgresError as error:
                if not is_registered.is_set():
                    raise
                log.error("listening_failed", exc_info=error)
            await asyncio.sleep(_RETRY_S)

    async def _listen(self, is_registered: asyncio.Event) -> None:
        settings = {"role": APP_ROLE, "application_name": "parley listener"}
        with store_errors():
            connection = await asyncpg.connect(
                self._dsn, timeout=CONNECT_TIMEOUT_S, command_timeout=CONNECT_TIMEOUT_S, server_settings=settings
            )
            connection.add_termination_listener(lambda _: self._woken.set())
            try:
                key = await connection.fetchval(query("add_worker"), self._worker_id)
                await connection.fetchval(query("lock_worker"), key)
                for channel in self._handlers:
                    await connection.add_listener(channel, self._hear)
                is_registered.set()
                self._on_connected()
                await self._stay(connection, key)
            finally:
                connection.terminate()

    async def _stay(self, connection: "asyncpg.Connection[Record]", key: int) -> None:
        """As long as the connection stands, and the worker is known by the key that is locked on it."""
        known = key
        while known == key:
            self._woken.clear()
            if connection.is_closed():
                return
            with suppress(TimeoutError):
                async with asyncio.timeout(CHECK_S):
                    await self._woken.wait()
            known = await connection.fetchval(query("load_lock_key"), self._worker_id, timeout=ANSWER_S)
        log.warning("worker_known_anew")

    def _hear(self, _: object, __: int, channel: str, payload: object) -> None:
        self._handlers[channel](str(payload))
