"""A path between client and gateway that is cut on demand, counts what goes down, and outlives the gateway."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

CHUNK = 65_536


class CuttingProxy:
    """Passes bytes on. `cut` ends every connection without a word, as a lost network would.

    `cut_at_ack` cuts the next connection on which the gateway acknowledges a message, before the acknowledgement
    passes: to the client it is as if the gateway had been killed between commit and ack.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self.own_port = 0
        self.down_bytes = 0
        self.cuts = 0
        self.cut_at_ack = False
        self._writers: set[asyncio.StreamWriter] = set()

    def cut(self) -> None:
        """Every connection ends now."""
        self.cuts += 1
        for writer in list(self._writers):
            writer.transport.abort()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        try:
            up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            writer.transport.abort()
            return
        mine = {writer, up_writer}
        self._writers |= mine
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pump(reader, up_writer))
                group.create_task(self._pump(up_reader, writer, is_down=True))
        except* (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            self._writers -= mine
            for one in mine:
                one.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_down: bool = False) -> None:
        while data := await reader.read(CHUNK):
            if is_down:
                self.down_bytes += len(data)
                if self.cut_at_ack and b'{"type":"ack"' in data:
                    self.cut_at_ack = False
                    self.cuts += 1
                    raise OSError
            writer.write(data)
            await writer.drain()
        raise OSError


@asynccontextmanager
async def serve_proxy(port: int) -> AsyncIterator[CuttingProxy]:
    """A proxy before a port of this machine, on a free port."""
    proxy = CuttingProxy(port)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.own_port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        proxy.cut()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(2):
                await server.wait_closed()
