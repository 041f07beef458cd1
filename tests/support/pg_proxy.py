"""A wire between the gateway and PostgreSQL that can be cut, stalled, or lose the server's answers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import parse_qs, urlsplit


class PgProxy:
    """All connections through one wire. `url` leads through it."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        options = parse_qs(parts.query)
        self._host = options.get("host", [parts.hostname or "127.0.0.1"])[0]
        self._port = options.get("port", [parts.port or 5432])[0]
        self._user, self._database = parts.username, parts.path
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._pumps: set[asyncio.Task[None]] = set()
        self._flows = asyncio.Event()
        self._flows.set()
        self._is_cut = False
        self._is_deaf = False
        self._dropped = 0

    @property
    def url(self) -> str:
        """The address through the wire."""
        assert self._server is not None
        port = self._server.sockets[0].getsockname()[1]
        return f"postgresql://{self._user}@127.0.0.1:{port}{self._database}?sslmode=disable"

    def cut(self) -> None:
        """Every connection dies, and none is let in."""
        self._is_cut = True
        self._close()

    def stall(self) -> None:
        """Nothing moves any more, and nobody is told."""
        self._flows.clear()

    def lose_answers(self) -> None:
        """What is asked arrives; what is answered does not."""
        self._is_deaf = True

    def drop(self) -> None:
        """What stands now carries nothing any more, and nobody is told. New connections are as good as ever."""
        self._dropped += 1

    def mend(self) -> None:
        """All is well again. What stood on a wire that lost something is gone with it."""
        if self._is_deaf:
            self._close()
        self._is_cut = self._is_deaf = False
        self._flows.set()

    def _close(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    async def start(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)

    async def stop(self) -> None:
        """Cut everything and listen no more."""
        assert self._server is not None
        self._server.close()
        self.cut()
        for pump in self._pumps:
            pump.cancel()
        await asyncio.gather(*self._pumps, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_cut:
            writer.transport.abort()
            return
        if self._host.startswith("/"):
            path = f"{self._host}/.s.PGSQL.{self._port}"
            far_reader, far_writer = await asyncio.open_unix_connection(path)
        else:
            far_reader, far_writer = await asyncio.open_connection(self._host, int(self._port))
        for pump in (self._pump(reader, far_writer, is_answer=False), self._pump(far_reader, writer, is_answer=True)):
            task = asyncio.create_task(pump)
            self._pumps.add(task)
            task.add_done_callback(self._pumps.discard)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_answer: bool) -> None:
        self._writers.add(writer)
        dropped = self._dropped
        try:
            with suppress(OSError):
                while data := await reader.read(65536):
                    await self._flows.wait()
                    if not (is_answer and self._is_deaf) and dropped == self._dropped:
                        writer.write(data)
                        await writer.drain()
        finally:
            if dropped == self._dropped:  # else the other end hears of nothing
                self._writers.discard(writer)
                writer.close()


@asynccontextmanager
async def open_proxy(url: str) -> AsyncIterator[PgProxy]:
    """A wire to that database."""
    proxy = PgProxy(url)
    await proxy.start()
    try:
        yield proxy
    finally:
        await proxy.stop()
