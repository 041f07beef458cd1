"""A small strict gateway in memory: protocol gw.v1 as docs/widget.md tells it, with faults on demand.

It keeps a durable log per session, streams a scripted answer to each message, and can cut connections, drop acks,
refuse, and restart with the same or a new epoch. What a client does against the protocol is kept in `violations`.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

Frame = dict[str, Any]

ROOT = Path(__file__).parents[2]
PAGES = {
    "/": ROOT / "gateway/pages/demo.html",
    "/demo.js": ROOT / "gateway/pages/demo.js",
    "/demo.css": ROOT / "gateway/pages/demo.css",
    "/widget.js": ROOT / "widget/dist/widget.js",
}
KINDS = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
}
CSP = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
#: Fields a client frame must and may have.
FIELDS: dict[str, tuple[set[str], set[str]]] = {
    "hello": (
        {"v", "site", "cursor"},
        {"token", "session_id", "thread", "epoch", "name", "locale", "tz", "page_url"},
    ),
    "send": ({"id", "text"}, {"attachments", "reply_to"}),
    "stop": ({"run_id"}, set()),
    "feedback": ({"id", "message_id", "value"}, {"comment"}),
    "action": ({"id", "name", "value"}, set()),
    "typing": ({"on"}, set()),
    "seen": ({"cursor"}, set()),
    "history": ({"before", "limit"}, set()),
    "sessions": ({"limit"}, set()),
    "identify": ({"id", "token"}, set()),
    "refresh": ({"token"}, set()),
    "memories": ({"id", "op"}, {"memory_id", "memory"}),
    "forget": ({"id"}, set()),
    "ping": ({"n"}, set()),
}


@dataclass(slots=True, kw_only=True)
class Session:
    """One conversation: its durable log, who wrote under which client id, the answer on its way."""

    session_id: str
    log: list[Frame] = field(default_factory=list)
    stored: dict[str, Frame] = field(default_factory=dict)
    watchers: set[Peer] = field(default_factory=set)
    partial: dict[str, str] = field(default_factory=dict)
    runs: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    @property
    def head(self) -> int:
        return len(self.log)

    def broadcast(self, frame: Frame) -> None:
        for peer in list(self.watchers):
            peer.say(frame)

    def commit(self, **frame: Any) -> Frame:
        event = {"seq": self.head + 1, **frame}
        self.log.append(event)
        self.broadcast(event)
        return event


class Peer:
    """One connection after its hello."""

    def __init__(self, socket: ServerConnection | None, session: Session, user: Frame) -> None:
        self.socket, self.session, self.user = socket, session, user
        self.queue: asyncio.Queue[Frame | None] = asyncio.Queue()

    def say(self, frame: Frame) -> None:
        self.queue.put_nowait(frame)

    async def write(self, socket: ServerConnection) -> None:
        while (frame := await self.queue.get()) is not None:
            await socket.send(json.dumps(frame))

    def abort(self) -> None:
        """As a lost network would: no close frame."""
        if self.socket:
            self.socket.transport.abort()


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
        """Says `frames` to everyone and closes with `code`."""
        for socket in [peer.socket for peer in self.peers if peer.socket]:
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
        path = request.path.split("?")[0]
        if path == "/widget/ws":
            return None
        file = PAGES.get(path)
        if file is None and path not in self.pages:
            return connection.respond(404, "no such page\n")
        body = file.read_bytes() if file else self.pages[path].encode()
        kind = KINDS[file.suffix if file else ".html"]
        headers = Headers({"Content-Type": kind, "Content-Length": str(len(body)), "Content-Security-Policy": CSP})
        return Response(200, "OK", headers, body)

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
        if isinstance(raw, bytes) or len(raw.encode()) > 32 * 1024:
            self.violations.append("a frame that is binary or over 32 KiB")
        frame: Frame = json.loads(raw)
        need, may = FIELDS.get(frame["type"], (set(), set()))
        has = set(frame) - {"type"}
        if frame["type"] not in FIELDS or need - has or has - need - may:
            self.violations.append(f"bad frame {frame}")
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
                self._stop(session, frame["run_id"])
            case "history":
                older = [e for e in session.log if e["type"] == "message" and e["seq"] < frame["before"]]
                page = older[-frame["limit"] :]
                peer.say({"type": "history", "messages": page, "has_more": len(page) < len(older)})
            case "sessions":
                rows = [{"session_id": key, "title": None, "updated_at": AT} for key in self.sessions]
                peer.say({"type": "sessions", "sessions": rows})
            case "memories":
                self._remember(frame)
                peer.say({"type": "memories", "id": frame["id"], "memories": self.memories})
            case "identify":
                user = {"id": frame["token"], "name": peer.user["name"], "verified": True}
                peer.say({"type": "identified", "user_id": user["id"], "merged_from": peer.user["id"]})
                self.tokens[frame["token"]] = peer.user = user
            case "hello":
                self.violations.append("a second hello")
        await self._tell()

    def _remember(self, frame: Frame) -> None:
        if frame["op"] == "delete":
            self.memories = [one for one in self.memories if one["memory_id"] != frame["memory_id"]]
        if frame["op"] == "update":
            for one in self.memories:
                if one["memory_id"] == frame["memory_id"]:
                    one["memory"] = frame["memory"]

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
        session.runs[run_id] = asyncio.create_task(self._answer(session, run_id))

    async def _answer(self, session: Session, run_id: str) -> None:
        text = session.log[int(run_id.removeprefix("r-")) - 1]["text"]
        session.partial.pop(run_id, None)
        session.commit(type="run", run_id=run_id, state="thinking")
        state = "done"
        whole = ""
        try:
            for piece in self.answer(text):
                await self.gate.wait()
                session.broadcast({"type": "d", "r": run_id, "o": utf16(whole), "x": piece})
                whole += piece
                session.partial[run_id] = whole
                await asyncio.sleep(0)
        except asyncio.CancelledError:
            if run_id in session.runs:
                raise
            state = "stopped"
        session.runs.pop(run_id, None)
        session.partial.pop(run_id, None)
        if whole:
            author = {"id": "agent", "name": "Parley"}
            session.commit(
                type="message",
                id=uuid.uuid4().hex,
                role="assistant",
                author=author,
                text=whole,
                run_id=run_id,
                at=AT,
            )
        session.commit(type="run", run_id=run_id, state=state)
        await self._tell()

    def _stop(self, session: Session, run_id: str) -> None:
        task = session.runs.pop(run_id, None)
        if task:
            task.cancel()


AT = "2026-11-20T10:00:00Z"


def utf16(text: str) -> int:
    """The length as JavaScript counts it."""
    return len(text.encode("utf-16-le")) // 2


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
