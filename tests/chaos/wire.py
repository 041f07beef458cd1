"""A TCP wire between the gateways and PostgreSQL that can be cut, stalled, and left half open."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import parse_qs, urlsplit


class Wire:
    """Leads to the Unix socket of the embedded server with the address `dsn`."""

    def __init__(self, dsn: str) -> None:
        parts = urlsplit(dsn)
        options = parse_qs(parts.query)
        self._socket = f"{options['host'][0]}/.s.PGSQL.{options['port'][0]}"
        self._user, self._database = parts.username or "", parts.path.lstrip("/")
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._mute: set[asyncio.StreamWriter] = set()
        self._pumps: set[asyncio.Task[None]] = set()
        self._flows = asyncio.Event()
        self._flows.set()

    @property
    def dsn(self) -> str:
        """The address through the wire."""
        assert self._server is not None
        port = self._server.sockets[0].getsockname()[1]
        return f"postgresql://{self._user}@127.0.0.1:{port}/{self._database}?sslmode=disable"

    def cut(self) -> None:
        """Every connection is reset; new ones can be made."""
        for writer in self._writers:
            writer.transport.abort()

    def stall(self) -> None:
        """Nothing moves until `flow`."""
        self._flows.clear()

    def flow(self) -> None:
        """All moves again."""
        self._flows.set()

    def half_open(self) -> None:
        """Nothing passes through the connections of now any more, and nobody is told. New ones are well."""
        self._mute |= self._writers

    async def start(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)

    async def stop(self) -> None:
        """End every connection."""
        assert self._server is not None
        self._server.close()
        self._flows.set()
        self.cut()
        for pump in self._pumps:
            pump.cancel()
        await asyncio.gather(*self._pumps, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._flows.wait()
        try:
            far_reader, far_writer = await asyncio.open_unix_connection(self._socket)
        except OSError:
            writer.transport.abort()
            return
        for pump in (self._pump(reader, far_writer), self._pump(far_reader, writer)):
            task = asyncio.create_task(pump)
            self._pumps.add(task)
            task.add_done_callback(self._pumps.discard)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            with suppress(OSError):
                while data := await reader.read(65536):
                    await self._flows.wait()
                    if writer not in self._mute:
                        writer.write(data)
                        await writer.drain()
                if writer in self._mute:
                    await asyncio.Event().wait()  # the end is not passed on either
        finally:
            self._writers.discard(writer)
            self._mute.discard(writer)
            writer.close()


@asynccontextmanager
async def open_wire(dsn: str) -> AsyncIterator[Wire]:
    """A wire to the embedded server with the address `dsn`."""
    wire = Wire(dsn)
    await wire.start()
    try:
        yield wire
    finally:
        await wire.stop()
