"""The protocol over websockets, and the checks that come before its first frame.

A page's script can read a close code, and not the status of a refused handshake. So a page of an origin that no site
allows is closed with 4403 as soon as the websocket is open, before a frame is read. A client without an origin is no
page: if no site lets such clients in, its handshake is refused with 403.
"""

import contextlib
from collections.abc import Callable

from starlette.types import Receive, Scope, Send

from adapters.widget.codes import CloseCode
from adapters.widget.connections import Connections
from adapters.widget.frames import SUBPROTOCOL
from adapters.widget.origins import address_of, origin_of


class WebsocketTransport:
    """An accepted websocket as a path for text frames.

    Plain ASGI, as Starlette's own class costs 4 KiB for each of thousands of idle connections. When the peer is gone a
    server raises `OSError`, or `RuntimeError` if it had closed by itself; the reader learns of either.
    """

    __slots__ = ("_receive", "_send", "_send_now")

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        now: dict[str, Callable[[str], bool]] = scope.get("extensions", {}).get("parley.send_now", {})
        self._send_now = now.get("send_now")

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

    def send_now(self, text: str) -> bool:
        """Hand it over without a wait, if the server can do so and the peer's buffers have room."""
        return self._send_now is not None and self._send_now(text)

    async def close(self, code: int, reason: str) -> None:
        """The closing frame."""
        with contextlib.suppress(OSError, RuntimeError):
            await self._send({"type": "websocket.close", "code": code, "reason": reason})


class WebsocketEndpoint:
    """An ASGI application: one websocket from handshake to end."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve it."""
        await receive()
        origin = origin_of(scope)
        is_known = self._connections.door.knows_origin(origin)
        if not is_known and origin is None:
            await send({"type": "websocket.close"})
            return
        offered: list[str] = scope["subprotocols"]
        subprotocol = SUBPROTOCOL if SUBPROTOCOL in offered else next(iter(offered), None)
        await send({"type": "websocket.accept", "subprotocol": subprotocol, "headers": []})
        transport = WebsocketTransport(scope, receive, send)
        address = address_of(scope)
        # Who is refused here was accepted all the same: a browser can read the code only of a websocket that opened.
        if not is_known:
            await transport.close(CloseCode.FORBIDDEN, "origin: expected one that a site allows")
        elif SUBPROTOCOL not in offered:
            await transport.close(CloseCode.VERSION, f"subprotocol: expected {SUBPROTOCOL}")
        elif (refusal := self._connections.find_refusal(address)) is not None:
            await transport.close(*refusal)
        else:
            await self._connections.serve(transport, origin, address)
