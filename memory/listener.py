"""The one direct connection of a process: it hears notifications, and holds the lock that says the process lives."""

import asyncio
from collections.abc import Callable

import asyncpg
import structlog

from agent.errors import StoreUnavailableError
from agent.ids import WorkerId
from memory.database import CONNECT_TIMEOUT_S, store_errors
from memory.migrate import APP_ROLE
from memory.queries import query

log = structlog.get_logger(__name__)
READY = "parley_ready"
_RETRY_S = 0.5


class Listener:
    """Registers the worker, holds its lock and listens, for ever; a connection that is lost is made again."""

    def __init__(self, dsn: str, worker_id: WorkerId, on_ready: Callable[[], None]) -> None:
        self._dsn = dsn
        self._worker_id = worker_id
        self._on_ready = on_ready

    async def run(self, is_first_done: asyncio.Event) -> None:
        """Listen until cancelled. `is_first_done` is set once the worker is registered."""
        while True:
            try:
                await self._listen(is_first_done)
            except StoreUnavailableError as error:
                log.warning("store_away", during="listen", error=str(error))
            await asyncio.sleep(_RETRY_S)

    async def _listen(self, is_first_done: asyncio.Event) -> None:
        with store_errors():
            connection = await asyncpg.connect(
                self._dsn,
                timeout=CONNECT_TIMEOUT_S,
                command_timeout=CONNECT_TIMEOUT_S,
                server_settings={"role": APP_ROLE},
            )
            lost = asyncio.Event()
            connection.add_termination_listener(lambda _: lost.set())
            try:
                key = await connection.fetchval(query("add_worker"), self._worker_id)
                await connection.fetchval(query("lock_worker"), key)
                await connection.add_listener(READY, lambda *_: self._on_ready())
                is_first_done.set()
                self._on_ready()
                await lost.wait()
            finally:
                connection.terminate()
