"""A small strict gateway in memory: protocol gw.v1 as docs/widget.md tells it, with faults on demand.

It keeps a durable log per session, streams a scripted answer to each message, and can cut connections, drop acks,
refuse, and restart with the same or a new epoch. What a client does against the protocol is kept in `violations`.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from tests.widget.fake_frames import Frame, read_frame
from tests.widget.fake_pages import serve_page
from tests.widget.fake_session import AT, Peer, Session, remember


class FakeGateway:
    """`async with serving() as gateway`: listens on a free port of 127.0.0.1 at `url`."""

    def __init__(self) -> None:
        self.epoch = "e1"
        self.sessions: dict[str, Session] = {}
        self.tokens: dict[str, Frame] = {}
        self.peers: set[Peer] = set()
        self.sockets: set[ServerConnection] = set()
        self.frames: list[Frame] = []
        self.violations: list[str] = []
        self.config: Frame = {}
        self.heartbeat_s = 25.0
        self.drop_acks = 0
        self.refuse_with: tuple[int, Frame | None] | None = None
        self.nacks: list[Frame] = []
        self.is_mute = False
        self.kept_from = 0
        self.answer: Callable[[str], list[str]] = lambda text: ["You said: ", text, "."]
        self.pause_s = 0.0
        self.gate = asyncio.Event()
        self.gate.set()
        self.changed = asyncio.Condition()
        self.connections = 0
        self.pages: dict[str, str] = {}
        self.memories: list[Frame] = []
        self.port = 0
        self._server: Server | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        self._server = await serve(
            self._socket,
            "127.0.0.1",
            self.port,
            subprotocols=["gw.v1"],  # type: ignore[list-item]
            process_request=self._page,
            compression=None,
            ping_interval=None,
        )
        self.port = next(iter(self._server.sockets)).getsockname()[1]

    async def stop(self) -> None:
        if self._server:
            for listener in self._server.sockets:
                asyncio.get_running_loop().remove_reader(listener)
            await asyncio.sleep(0)  # asyncio drops, unclosed, what was accepted but not begun when a server closes
            self._server.close(close_connections=False)
            self.cut()
            await self._server.wait_closed()
            self._server = None

    async def restart(self, *, epoch: str | None = None) -> None:
        """Stops and starts on the same port. The log stays; runs start over; a new epoch loses the log."""
        await self.stop()
        for session in self.sessions.values():
            for task in session.runs.values():
                task.cancel()
        if epoch:
            self.epoch = epoch
        await self.start()
        for session in self.sessions.values():
            for run_id in list(session.runs):
                self._run(session, run_id)

    def cut(self) -> None:
        """Drops every connection as a lost network would: no close frame."""
        for socket in list(self.sockets):
            socket.transport.abort()

    async def close(self, code: int, *frames: Frame) -> None:
        """Says `frames` to everyone who is still there and closes with `code`."""
        for socket in [peer.socket for peer in self.peers if peer.socket]:
            with suppress(ConnectionClosed):
                for frame in frames:
                    await socket.send(json.dumps(frame))
            await socket.close(code)

    async def until(self, is_true: Callable[[], bool]) -> None:
        """Waits for something this server will see."""
        async with asyncio.timeout(10), self.changed:
            await self.changed.wait_for(is_true)

    def sent(self, kind: str) -> list[Frame]:
        """The frames of a kind that clients sent, in their order."""
        return [frame for frame in self.frames if frame["type"] == kind]

    @property
    def session(self) -> Session:
        """The one session there is."""
        (only,) = self.sessions.values()
        return only

    def texts(self) -> list[str]:
        """The stored messages of the one session, in their order."""
        return [event["text"] for event in self.session.log if event["type"] == "message"]

    def say_as(self, name: str, text: str, *, role: str = "user") -> None:
        """A message of somebody else in the one session."""
        author = {"id": f"u-{name}", "name": name}
        self.session.commit(type="message", id=uuid.uuid4().hex, role=role, author=author, text=text, at=AT)

    async def _page(self, connection: ServerConnection, request: Request) -> Response | None:
        return None if request.path == "/widget/ws" else serve_page(connection, request, self.pages)

    async def _socket(self, socket: ServerConnection) -> None:
        self.connections += 1
        self.sockets.add(socket)
        await self._tell()
        try:
            async with asyncio.timeout(5):
                hello = self._read(await socket.recv())
            if hello["type"] != "hello":
                self.violations.append("something came before hello")
                return await socket.close(4400)
            if self.is_mute:
                return await socket.wait_closed()
            if self.refuse_with:
                code, frame = self.refuse_with
                if frame:
                    await socket.send(json.dumps(frame))
                return await socket.close(code, "refused")
            await self._serve(socket, hello)
        except (ConnectionClosed, TimeoutError):
            return None
        finally:
            self.sockets.discard(socket)
        return None

    async def _serve(self, socket: ServerConnection, hello: Frame) -> None:
        peer = await self.join(hello, socket)
        writer = asyncio.create_task(peer.write(socket))
        try:
            async for text in socket:
                if not self.is_mute:
                    await self.take(peer, text)
        finally:
            writer.cancel()
            await self.leave(peer)

    async def join(self, hello: Frame, socket: ServerConnection | None = None) -> Peer:
        """Somebody who said hello: their welcome, and what they missed, are in the queue."""
        token = hello.get("token") or f"t-{uuid.uuid4().hex}"
        user = self.tokens.setdefault(
            token, {"id": f"u-{len(self.tokens) + 1}", "name": hello.get("name"), "verified": False}
        )
        session = self._session(hello, token)
        peer = Peer(socket, session, user)
        self._welcome(peer, hello, token)
        self.peers.add(peer)
        session.watchers.add(peer)
        await self._tell()
        return peer

    async def leave(self, peer: Peer) -> None:
        self.peers.discard(peer)
        peer.session.watchers.discard(peer)
        await self._tell()

    async def take(self, peer: Peer, text: str | bytes) -> None:
        """A frame of somebody who was welcomed."""
        await self._frame(peer, self._read(text))

    def _session(self, hello: Frame, token: str) -> Session:
        wanted = hello.get("session_id")
        if wanted == "new":
            session_id = f"web:demo:{uuid.uuid4().hex}"
        else:
            session_id = wanted or f"web:demo:{hello.get('thread') or token}"
        return self.sessions.setdefault(session_id, Session(session_id=session_id))

    def _welcome(self, peer: Peer, hello: Frame, token: str) -> None:
        session, cursor = peer.session, hello["cursor"]
        is_other = hello.get("epoch") not in (None, self.epoch)
        is_lost = is_other or cursor < self.kept_from or cursor > session.head
        welcome = {
            "type": "welcome",
            "session_id": session.session_id,
            "token": token,
            "epoch": self.epoch,
            "head": session.head,
            "cursor": session.head if is_lost else cursor,
            "resumed": not is_lost and cursor > 0,
            "user": peer.user,
            "config": self.config,
            "hb_s": self.heartbeat_s,
            "server_time": AT,
            "mode": session.mode,
        }
        peer.say(welcome)
        if is_lost:
            peer.say({"type": "reset", "reason": "epoch" if is_other else "cursor"})
        else:
            for event in session.log[cursor:]:
                peer.say(event)
        for run_id, text in session.partial.items():
            peer.say({"type": "d", "r": run_id, "o": 0, "x": text})

    def _read(self, raw: str | bytes) -> Frame:
        frame, wrong = read_frame(raw)
        if wrong:
            self.violations.append(wrong)
        self.frames.append(frame)
        return frame

    async def _tell(self) -> None:
        async with self.changed:
            self.changed.notify_all()

    async def _frame(self, peer: Peer, frame: Frame) -> None:
        session = peer.session
        match frame["type"]:
            case "ping":
                peer.say({"type": "pong", "n": frame["n"]})
            case "send":
                self._send(peer, frame)
            case "stop":
                session.stop(frame["run_id"])
            case "history":
                peer.say(session.history(frame["before"], frame["limit"]))
            case "feedback":
                session.opinions[frame["message_id"]] = frame["value"]
            case "sessions":
                rows = [{"session_id": key, "title": None, "updated_at": AT} for key in self.sessions]
                peer.say({"type": "sessions", "sessions": rows})
            case "memories":
                self.memories = remember(self.memories, frame)
                peer.say({"type": "memories", "id": frame["id"], "memories": self.memories})
            case "forget":
                self.sessions.clear()
                self.tokens.clear()
                peer.say({"type": "forgotten", "id": frame["id"], "erased": 3, "left": 0})
            case "identify":
                user = {"id": frame["token"], "name": peer.user["name"], "verified": True}
                peer.say({"type": "identified", "user_id": user["id"], "merged_from": peer.user["id"]})
                self.tokens[frame["token"]] = peer.user = user
            case "hello":
                self.violations.append("a second hello")
        await self._tell()

    def _send(self, peer: Peer, frame: Frame) -> None:
        session = peer.session
        if self.nacks:
            peer.say({"type": "nack", "id": frame["id"], **self.nacks.pop(0)})
            return
        stored = session.stored.get(frame["id"])
        if stored and stored["text"] != frame["text"]:
            peer.say({"type": "nack", "id": frame["id"], "code": "conflict", "message": "another text has this id"})
            return
        if not stored:
            stored = session.stored[frame["id"]] = self._store(peer, frame)
            run_id = f"r-{session.head}"
            self._run(session, run_id)
        if self.drop_acks > 0:
            self.drop_acks -= 1
            peer.abort()
            return
        peer.say({"type": "ack", "id": frame["id"], "seq": stored["seq"], "message_id": stored["id"]})

    def _store(self, peer: Peer, frame: Frame) -> Frame:
        author = {"id": peer.user["id"], "name": peer.user["name"]}
        return peer.session.commit(
            type="message",
            id=uuid.uuid4().hex,
            client_id=frame["id"],
            role="user",
            author=author,
            text=frame["text"],
            at=AT,
        )

    def _run(self, session: Session, run_id: str) -> None:
        text: str = session.log[int(run_id.removeprefix("r-")) - 1]["text"]
        session.runs[run_id] = asyncio.create_task(self._answer(session, run_id, text))

    async def _answer(self, session: Session, run_id: str, text: str) -> None:
        await session.answer(run_id, self.answer(text), self.gate, self.pause_s)
        await self._tell()


@asynccontextmanager
async def serving() -> AsyncIterator[FakeGateway]:
    """A gateway for one test. Afterwards it must have seen nothing against the protocol."""
    gateway = FakeGateway()
    await gateway.start()
    try:
        yield gateway
    finally:
        gateway.gate.set()
        for session in gateway.sessions.values():
            for task in list(session.runs.values()):
                task.cancel()
        await gateway.stop()
    assert gateway.violations == []
