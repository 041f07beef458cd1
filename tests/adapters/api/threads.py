"""Threads in memory: their events, numbered, and who watches them. Time goes on by a second with every event."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from agent.ids import AgentId, MessageId, RunId, SessionId
from agent.records import Audience, Author, LogEntry, Message, Role, Session
from agent.signals import Delta

START = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)


class FakeThreads:
    """The sessions of a gateway and their logs."""

    def __init__(self) -> None:
        self.sessions: dict[SessionId, Session] = {}
        self.logs: dict[SessionId, list[LogEntry]] = {}
        self.watchers: list[tuple[SessionId, asyncio.Queue[LogEntry | Delta | Exception | None]]] = []
        self._at = START

    def add_session(
        self, session_id: str, *, audience: Audience = Audience.SHARED, agent_id: str = "support"
    ) -> SessionId:
        """A session of another channel."""
        self._ensure_session(SessionId(session_id), "widget", "demo", AgentId(agent_id), audience)
        return SessionId(session_id)

    def say(self, session_id: SessionId, text: str, role: Role = "user", run_id: RunId | None = None) -> Message:
        """A message in a session."""
        return self._say(session_id, text, role, run_id)

    def send_watchers(self, item: Exception | None) -> None:
        """End every open `follow`: with an error, or with none as when the process leaves."""
        for _, queue in self.watchers:
            queue.put_nowait(item)

    def _say(
        self, session_id: SessionId, text: str, role: Role, run_id: RunId | None, name: str = "Assistant"
    ) -> Message:
        seq = self._next_seq(session_id)
        message = Message(
            session_id=session_id,
            seq=seq,
            message_id=MessageId(f"msg_{seq}"),
            role=role,
            author=Author(name=name),
            text=text,
            at=self._at,
            run_id=run_id,
        )
        self._publish(message)
        return message

    def _ensure_session(
        self, session_id: SessionId, channel: str, tenant: str, agent_id: AgentId, audience: Audience
    ) -> None:
        if session_id not in self.sessions:
            self._at += timedelta(seconds=1)
            self.sessions[session_id] = Session(
                session_id=session_id,
                channel=channel,
                tenant=tenant,
                agent_id=agent_id,
                audience=audience,
                head=0,
                title=None,
                is_member=False,
                created_at=self._at,
                updated_at=self._at,
            )

    def _next_seq(self, session_id: SessionId) -> int:
        self._at += timedelta(seconds=1)
        session = self.sessions[session_id]
        self.sessions[session_id] = replace(session, head=session.head + 1, updated_at=self._at)
        return session.head + 1

    def _publish(self, entry: LogEntry) -> None:
        self.logs.setdefault(entry.session_id, []).append(entry)
        self._send(entry.session_id, entry)

    def _send(self, session_id: SessionId, item: LogEntry | Delta) -> None:
        for watched_id, queue in self.watchers:
            if watched_id == session_id:
                queue.put_nowait(item)


async def drain(queue: "asyncio.Queue[LogEntry | Delta | Exception | None]") -> AsyncIterator[LogEntry | Delta]:
    """What a watcher gets; an exception is raised, none is the end."""
    while (item := await queue.get()) is not None:
        if isinstance(item, Exception):
            raise item
        yield item
