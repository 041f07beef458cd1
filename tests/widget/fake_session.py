"""One conversation of a test gateway: its durable log, who watches it, and the answers on their way."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.server import ServerConnection

from tests.widget.fake_frames import Frame

AT = "2026-11-20T10:00:00Z"


def utf16(text: str) -> int:
    """The length as JavaScript counts it."""
    return len(text.encode("utf-16-le")) // 2


@dataclass(slots=True, kw_only=True)
class Session:
    """One conversation: its durable log, who wrote under which client id, the answer on its way."""

    session_id: str
    log: list[Frame] = field(default_factory=list)
    stored: dict[str, Frame] = field(default_factory=dict)
    watchers: set[Peer] = field(default_factory=set)
    partial: dict[str, str] = field(default_factory=dict)
    runs: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    opinions: dict[str, str] = field(default_factory=dict)

    @property
    def head(self) -> int:
        return len(self.log)

    @property
    def mode(self) -> str:
        return next((str(event["mode"]) for event in reversed(self.log) if event["type"] == "handoff"), "agent")

    def broadcast(self, frame: Frame) -> None:
        for peer in list(self.watchers):
            peer.say(frame)

    def commit(self, **frame: Any) -> Frame:
        event = {"seq": self.head + 1, **frame}
        self.log.append(event)
        self.broadcast(event)
        return event

    async def answer(self, run_id: str, pieces: Sequence[str], gate: asyncio.Event, pause_s: float = 0.0) -> None:
        """Streams the pieces, each once the gate is open, and stores the answer, or what of it came before a stop."""
        self.partial.pop(run_id, None)
        self.commit(type="run", run_id=run_id, state="thinking")
        state = "done"
        try:
            for piece in pieces:
                await gate.wait()
                whole = self.partial.get(run_id, "")
                self.broadcast({"type": "d", "r": run_id, "o": utf16(whole), "x": piece})
                self.partial[run_id] = whole + piece
                await asyncio.sleep(pause_s)
        except asyncio.CancelledError:
            if run_id in self.runs:
                raise
            state = "stopped"
        self.runs.pop(run_id, None)
        if text := self.partial.pop(run_id, ""):
            author = {"id": "agent", "name": "Parley"}
            fields = {"role": "assistant", "author": author, "text": text, "run_id": run_id, "at": AT}
            self.commit(type="message", id=uuid.uuid4().hex, **fields)
        self.commit(type="run", run_id=run_id, state=state)

    def history(self, before: int, limit: int) -> Frame:
        """The answer to `history`."""
        older = [event for event in self.log if event["type"] == "message" and event["seq"] < before]
        page = [
            {**one, "feedback": self.opinions[one["id"]]} if one["id"] in self.opinions else one
            for one in older[-limit:]
        ]
        return {"type": "history", "messages": page, "has_more": len(older) > limit}

    def stop(self, run_id: str) -> None:
        """Ends a run. Its partial text stays."""
        task = self.runs.pop(run_id, None)
        if task:
            task.cancel()


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


def remember(memories: list[Frame], frame: Frame) -> list[Frame]:
    """The memories after a `memories` frame."""
    if frame["op"] == "delete":
        return [one for one in memories if one["memory_id"] != frame["memory_id"]]
    if frame["op"] == "update":
        return [
            {**one, "memory": frame["memory"]} if one["memory_id"] == frame["memory_id"] else one for one in memories
        ]
    return memories
