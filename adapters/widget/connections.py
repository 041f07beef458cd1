"""All connections of a process: how many an address has, and their end before a restart."""

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import Collection

from starlette.types import Scope

from adapters.widget.codes import CloseCode
from adapters.widget.door import Door
from adapters.widget.limits import Quotas
from adapters.widget.origins import origin_of
from adapters.widget.socket import Connection, PeerStuckError, Service, Transport, read_moment
from adapters.widget.wire import Wire

Refusal = tuple[CloseCode, str]
_CLOSE_S = 1.0


class Connections:
    """Serves transports with what they share. `door` says who may come in."""

    def __init__(self, door: Door, service: Service) -> None:
        self.door = door
        self.service = service
        self.is_draining = False
        self._quotas = Quotas(service.limits)
        self._by_address: Counter[str] = Counter()
        self._open: set[Connection] = set()
        self._is_one_gone = asyncio.Event()

    def __len__(self) -> int:
        """How many peers are connected."""
        return len(self._open)

    def build_wire(self, origin: str | None, address: str) -> Wire:
        """The protocol for a new peer, within the limits that all peers share."""
        return Wire(self.door, self._quotas, self.service.limits, origin=origin, address=address, at=read_moment())

    def find_page(self, scope: Scope) -> str | None:
        """The origin of the page that asks; none where no site allows it, and where no page asks."""
        origin = origin_of(scope)
        return origin if self.door.knows_origin(origin) else None

    def find_refusal(self, address: str) -> Refusal | None:
        """Why no further connection from this address is served; none when it is."""
        if self.is_draining:
            return CloseCode.RESTART, "restart"
        if self._by_address[address] >= self.service.limits.sockets_per_ip:
            return CloseCode.RATE, "too many connections"
        return None

    async def serve(self, transport: Transport, origin: str | None, address: str) -> None:
        """One peer, until it is gone."""
        connection = Connection(transport, self.build_wire(origin, address), self.service)
        self._open.add(connection)
        self._by_address[address] += 1
        try:
            await connection.run()
        except Exception:
            await _close_failed(transport)
            raise
        finally:
            self._open.discard(connection)
            self._by_address[address] -= 1
            if not self._by_address[address]:
                del self._by_address[address]
            self._is_one_gone.set()

    def see_off(self, changes: Collection[tuple[bytes, str]]) -> None:
        """Close the connections of people whose id (its SHA-256) has changed its meaning."""
        for connection in list(self._open):
            connection.see_off(changes)

    async def drain(self, within_s: float, reconnect_after_ms: int) -> None:
        """See everybody off. Returns when all are gone, or after `within_s`."""
        self.is_draining = True
        for connection in self._open:
            connection.drain(round(reconnect_after_ms * random.uniform(1, 2)))  # noqa: S311 -- spreads, hides nothing
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while self._open:
                    self._is_one_gone.clear()
                    await self._is_one_gone.wait()


async def _close_failed(transport: Transport) -> None:
    """After a fault of ours: the peer is told to resume, and not what happened."""
    with contextlib.suppress(TimeoutError, PeerStuckError):
        async with asyncio.timeout(_CLOSE_S):
            await transport.close(CloseCode.FAILED, "failed")
