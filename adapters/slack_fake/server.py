"""uvicorn inside a running event loop, with a hand on each connection's transport."""

import asyncio
import contextlib
import socket
from collections.abc import Generator, MutableMapping
from typing import Any

import uvicorn
from starlette.types import ASGIApp

Scope = MutableMapping[str, Any]


class _Server(uvicorn.Server):
    """uvicorn that says when it is up, and leaves signals alone."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.is_up = asyncio.Event()
        self.is_over = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.is_up.set()

    async def main_loop(self) -> None:
        while not self.is_over.is_set():
            await self.on_tick(0)  # sets the date that answers carry
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await self.is_over.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for connection in [*self.server_state.connections]:
            _transport(connection).abort()
        tasks = [*self.server_state.tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


class FakeServer:
    """One listening socket. `port` 0 takes a free one."""

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        self._listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._listener.bind((host, port))
        except OSError:
            self._listener.close()
            raise
        self._server: _Server | None = None
        self._running: asyncio.Task[None] | None = None
        self.url = f"http://{host}:{self._listener.getsockname()[1]}"

    async def start(self, app: ASGIApp) -> None:
        """Serve an application; when this returns, it answers."""
        config = uvicorn.Config(
            app,
            http="h11",
            ws="websockets-sansio",
            lifespan="off",
            log_config=None,
            access_log=False,
            timeout_keep_alive=60,
        )
        self._server = _Server(config)
        self._running = asyncio.create_task(self._server.serve(sockets=[self._listener]))
        up = asyncio.create_task(self._server.is_up.wait())
        await asyncio.wait({up, self._running}, return_when=asyncio.FIRST_COMPLETED)
        up.cancel()
        if self._running.done():
            await self._running

    async def stop(self) -> None:
        """Break all connections and end."""
        if self._server is None or self._running is None:
            self._listener.close()
            return
        self._server.is_over.set()
        await self._running
        self._listener.close()

    def cut(self, scope: Scope) -> None:
        """Break the connection that a request came on, at once."""
        for transport in self._transports(scope):
            transport.abort()

    def freeze(self, scope: Scope) -> None:
        """Read no more from a connection."""
        for transport in self._transports(scope):
            transport.pause_reading()

    def thaw(self, scope: Scope) -> None:
        """Read from a frozen connection again."""
        for transport in self._transports(scope):
            transport.resume_reading()

    def _transports(self, scope: Scope) -> list[asyncio.Transport]:
        if self._server is None:
            return []
        connections = [*self._server.server_state.connections]
        return [_transport(c) for c in connections if getattr(c, "client", None) == scope["client"]]


def _transport(connection: Any) -> asyncio.Transport:
    transport: asyncio.Transport = connection.transport
    return transport
