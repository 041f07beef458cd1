"""Where the widget's protocol is served, and the checks that come before its first frame.

A wrong origin is met in two steps. Before the websocket is accepted it is only known that *no* site allows the origin:
then the handshake is refused with 403. Which site is meant is known from `hello`; an origin which another site allows
is closed with 4403, which a browser's script can read, as it cannot read the 403.
"""

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import Mapping

from starlette.datastructures import Headers
from starlette.routing import BaseRoute, WebSocketRoute
from starlette.types import Receive, Scope, Send

from adapters.ports import Gateway
from adapters.widget.codes import CloseCode
from adapters.widget.door import Door
from adapters.widget.errors import SiteInvalidError
from adapters.widget.frames import SUBPROTOCOL
from adapters.widget.greeting import Greeter
from adapters.widget.keys import derive_secret
from adapters.widget.limits import Limits, Quotas, address_key
from adapters.widget.sites import Site
from adapters.widget.socket import Connection, Service, Transport, read_moment
from adapters.widget.wire import Wire

PATH = "/widget/ws"


class WebsocketTransport:
    """An accepted websocket as a path for text frames.

    Plain ASGI, as Starlette's own class costs 4 KiB for each of thousands of idle connections. When the peer is gone a
    server raises `OSError`, or `RuntimeError` if it had closed by itself; the reader learns of either.
    """

    __slots__ = ("_receive", "_send")

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send

    async def receive(self) -> str | bytes | None:
        """The next frame, none when the peer is gone."""
        message = await self._receive()
        if message["type"] == "websocket.disconnect":
            return None
        text: str | None = message.get("text")
        data: bytes = message.get("bytes") or b""
        return data if text is None else text

    async def send(self, text: str) -> None:
        """Waits while the peer's buffers are full."""
        with contextlib.suppress(OSError, RuntimeError):
            await self._send({"type": "websocket.send", "text": text})

    async def close(self, code: int, reason: str) -> None:
        """The closing frame."""
        with contextlib.suppress(OSError, RuntimeError):
            await self._send({"type": "websocket.close", "code": code, "reason": reason})


class Widget:
    """All connections of this process. `routes` are to be mounted; `drain` ends them before a restart."""

    def __init__(self, door: Door, service: Service) -> None:
        self._door = door
        self._service = service
        self._quotas = Quotas(service.limits)
        self._sockets: Counter[str] = Counter()
        self._connections: set[Connection] = set()
        self._is_draining = False
        self._is_one_gone = asyncio.Event()
        self.routes: list[BaseRoute] = [WebSocketRoute(PATH, self)]

    @property
    def connection_count(self) -> int:
        """How many peers are connected."""
        return len(self._connections)

    async def drain(self, within_s: float = 5.0, reconnect_after_ms: int = 1_000) -> None:
        """Tell every peer to come back after the time given (up to twice that, each another), and see them off.

        Returns when all are gone, or after `within_s`. Who comes later is turned away with 1012.
        """
        self._is_draining = True
        for connection in self._connections:
            connection.drain(round(reconnect_after_ms * random.uniform(1, 2)))  # noqa: S311 -- spreads, hides nothing
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while self._connections:
                    self._is_one_gone.clear()
                    await self._is_one_gone.wait()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One websocket, from handshake to end: an ASGI application."""
        await receive()
        origins = Headers(scope=scope).getlist("origin")
        origin = origins[0] if origins else None
        if len(origins) > 1 or not self._door.knows_origin(origin):
            await send({"type": "websocket.close"})
            return
        offered: list[str] = scope["subprotocols"]
        subprotocol = SUBPROTOCOL if SUBPROTOCOL in offered else next(iter(offered), None)
        await send({"type": "websocket.accept", "subprotocol": subprotocol, "headers": []})
        transport = WebsocketTransport(receive, send)
        address = address_key(scope["client"][0]) if scope["client"] else ""
        refusal = self._find_refusal(offered, address)
        if refusal is not None:
            await transport.close(*refusal)
            return
        await self._serve(transport, origin, address)

    def _find_refusal(self, offered: list[str], address: str) -> tuple[CloseCode, str] | None:
        """Why a connection ends before its first frame. It was accepted even so: else a browser could not say why."""
        if SUBPROTOCOL not in offered:
            return CloseCode.VERSION, f"subprotocol: expected {SUBPROTOCOL}"
        if self._is_draining:
            return CloseCode.RESTART, "restart"
        if self._sockets[address] >= self._service.limits.sockets_per_ip:
            return CloseCode.RATE, "too many connections"
        return None

    async def _serve(self, transport: Transport, origin: str | None, address: str) -> None:
        limits = self._service.limits
        wire = Wire(self._door, self._quotas, limits, origin=origin, address=address, at=read_moment())
        connection = Connection(transport, wire, self._service)
        self._connections.add(connection)
        self._sockets[address] += 1
        try:
            await connection.run()
        finally:
            self._connections.discard(connection)
            self._sockets[address] -= 1
            if not self._sockets[address]:
                del self._sockets[address]
            self._is_one_gone.set()


def build_widget(
    gateway: Gateway, sites: Mapping[str, Site], secret: bytes, instance_id: str, limits: Limits | None = None
) -> Widget:
    """The widget's server side. `secret` signs what visitors keep: another one makes strangers of them all.

    `instance_id` names the database. Raises `SiteInvalidError` for a bad secret, or a site under another's key.
    """
    for key, site in sites.items():
        if key != site.key:
            raise SiteInvalidError(f"sites.{key}: expected the site of this key")
    derived = derive_secret(secret)
    service = Service(gateway=gateway, greeter=Greeter(gateway, derived, instance_id), limits=limits or Limits())
    return Widget(Door(sites, derived), service)
