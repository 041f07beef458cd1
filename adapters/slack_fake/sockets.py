"""Socket Mode: the app's connections, which share the events between them."""

import asyncio
from dataclasses import dataclass, field

from starlette.websockets import WebSocket, WebSocketDisconnect

from adapters.slack_fake.delivery import ANSWER_LIMIT_S, Attempt, Outcome
from adapters.slack_fake.json_types import Json
from adapters.slack_fake.server import FakeServer
from adapters.slack_fake.socket_frames import parse_ack, render_disconnect, render_envelope, render_hello
from adapters.slack_fake.world import Outgoing, World

MAX_CONNECTIONS = 10


@dataclass(slots=True, kw_only=True, eq=False)
class Connection:
    """One socket. `is_leaving` gets nothing new; `is_frozen` neither reads nor writes, and does not close either."""

    number: int
    socket: WebSocket
    is_leaving: bool = False
    is_frozen: bool = False
    waiting: dict[str, "asyncio.Future[Json | None]"] = field(default_factory=dict)
    acked: list[str] = field(default_factory=list)


class Sockets:
    """All connections of the app, and the way through them."""

    def __init__(self, world: World, server: FakeServer, *, answer_limit_s: float = ANSWER_LIMIT_S) -> None:
        self._world = world
        self._server = server
        self._limit_s = answer_limit_s
        self._tickets: set[str] = set()
        self._opened = 0
        self._turn = 0
        self.connections: list[Connection] = []

    def open_address(self) -> str:
        """An address that opens one connection."""
        ticket = self._world.new_secret("")
        self._tickets.add(ticket)
        return f"ws{self._world.base_url.removeprefix('http')}/link/?ticket={ticket}&app_id={self._world.app.app_id}"

    async def serve(self, socket: WebSocket) -> None:
        """Speak with one connection until it is gone."""
        ticket = socket.query_params.get("ticket", "")
        if ticket not in self._tickets:
            await socket.close()
            return
        self._tickets.discard(ticket)
        await socket.accept()
        if len(self.connections) >= MAX_CONNECTIONS:
            await socket.send_text(render_disconnect("too_many_websockets"))
            await socket.close()
            return
        self._opened += 1
        connection = Connection(number=self._opened, socket=socket)
        self.connections.append(connection)
        self._world.on_change()
        try:
            await socket.send_text(render_hello(self._world.app.app_id, len(self.connections)))
            while True:
                self._take(connection, await socket.receive_text())
        except (WebSocketDisconnect, KeyError):  # a binary frame has no text, and is no frame of the protocol
            pass
        finally:
            self._drop(connection)

    def _take(self, connection: Connection, text: str) -> None:
        ack = parse_ack(text)
        if ack is None:
            return
        envelope_id, payload = ack
        connection.acked.append(envelope_id)
        for each in self.connections:
            waiter = each.waiting.get(envelope_id)
            if waiter is not None and not waiter.done():
                waiter.set_result(payload)

    def _drop(self, connection: Connection) -> None:
        if connection in self.connections:
            self.connections.remove(connection)
        for waiter in connection.waiting.values():
            if not waiter.done():
                waiter.set_exception(ConnectionResetError())
        self._world.on_change()

    async def send(self, outgoing: Outgoing, attempt: Attempt) -> Outcome:
        """Try once, on the connection whose turn it is."""
        ready = [connection for connection in self.connections if not connection.is_leaving]
        if not ready:
            return Outcome(is_acked=False, reason="connection_failed")
        self._turn += 1
        connection = ready[self._turn % len(ready)]
        envelope_id, frame = render_envelope(outgoing, attempt)
        waiter: asyncio.Future[Json | None] = asyncio.get_running_loop().create_future()
        connection.waiting[envelope_id] = waiter
        try:
            async with asyncio.timeout(self._limit_s):
                if not connection.is_frozen:
                    await connection.socket.send_text(frame)
                return Outcome(is_acked=True, body=await waiter)
        except TimeoutError:
            return Outcome(is_acked=False, reason="timeout")
        except (ConnectionResetError, WebSocketDisconnect, RuntimeError):
            return Outcome(is_acked=False, reason="connection_failed")
        finally:
            del connection.waiting[envelope_id]

    async def ask_to_leave(self, reason: str = "refresh_requested", *, number: int | None = None) -> None:
        """Send `disconnect` frames: `warning` comes some seconds ahead, the others mean now."""
        for connection in self._chosen(number):
            connection.is_leaving = reason != "warning"
            if not connection.is_frozen:
                await connection.socket.send_text(render_disconnect(reason))

    def cut(self, *, number: int | None = None) -> None:
        """Break connections with no close frame."""
        for connection in self._chosen(number):
            self._server.cut(connection.socket.scope)

    def freeze(self, *, number: int | None = None) -> None:
        """Make connections half open: what the app sends is not read, pings are not answered, nothing comes."""
        for connection in self._chosen(number):
            connection.is_frozen = True
            self._server.freeze(connection.socket.scope)

    def thaw(self, *, number: int | None = None) -> None:
        """Let frozen connections go on."""
        for connection in self._chosen(number):
            connection.is_frozen = False
            self._server.thaw(connection.socket.scope)

    def _chosen(self, number: int | None) -> list[Connection]:
        return [c for c in self.connections if number is None or c.number == number]
