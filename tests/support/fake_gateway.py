"""A scripted stand-in for the gateway: one process's log, and levers to make it stall, refuse and answer."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from adapters.ports import SlowConsumerError, WidgetGateway
from agent.approvals import Approval
from agent.asks import ApprovalState, Ask, Decision
from agent.errors import ApprovalClosedError, ApprovalNotYoursError, ConflictError, NotFoundError
from agent.handoffs import ModeNote, SessionMode
from agent.ids import AgentId, ApprovalId, AttachmentId, MessageId, RunId, SessionId, TaskId, UserId
from agent.records import (
    Attachment,
    Audience,
    Author,
    Identity,
    LogEntry,
    Message,
    Role,
    Run,
    RunNote,
    RunState,
    Session,
    User,
)
from agent.signals import Delta, Presence
from agent.tasks import Accepted, Inbound, TaskStatus

START = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
_BEHIND = 64


@dataclass
class FakeSession:
    """One session of the stand-in."""

    session_id: SessionId
    audience: Audience
    channel: str = "widget"
    tenant: str = "default"
    changed: int = 0
    members: set[UserId] = field(default_factory=set)
    log: list[LogEntry] = field(default_factory=list)
    streams: dict[RunId, str] = field(default_factory=dict)


class FakeGateway:
    """Holds what was accepted. `fault` is raised by every question; `may_commit` holds `accept` back while cleared."""

    def __init__(self) -> None:
        self.sessions: dict[SessionId, FakeSession] = {}
        self.users: dict[Identity, User] = {}
        self.inbounds: list[Inbound] = []
        self.stopped: list[tuple[SessionId, RunId]] = []
        self.seen: list[tuple[SessionId, UserId, int]] = []
        self.joined: list[tuple[SessionId, UserId]] = []
        self.fault: Exception | None = None
        self.accept_fault: Exception | None = None
        self.may_commit = asyncio.Event()
        self.may_commit.set()
        self.waiting_to_commit = asyncio.Event()
        self.followers = 0
        self._accepted: dict[tuple[SessionId, str], tuple[str, Accepted]] = {}
        self._queues: dict[SessionId, list[asyncio.Queue[LogEntry | Delta | Exception | None]]] = {}
        self._changes = 0
        self._listeners: dict[SessionId, list[Callable[[Presence], None]]] = {}
        self.files: dict[AttachmentId, tuple[UserId, SessionId, Attachment, bytes]] = {}
        self.asks: dict[ApprovalId, Ask] = {}
        self.decisions: dict[ApprovalId, Decision] = {}
        self.feedback: list[tuple[UserId, MessageId, str, str | None]] = []

    # --- levers

    def put_session(self, session_id: str, audience: Audience, *members: str) -> FakeSession:
        """A session that is there already."""
        session = FakeSession(SessionId(session_id), audience, members={UserId(one) for one in members})
        self.sessions[session.session_id] = session
        self._touch(session)
        return session

    def say(
        self,
        session_id: str,
        text: str,
        *,
        role: Role = "assistant",
        run_id: str | None = None,
        asks: tuple[Ask, ...] = (),
    ) -> Message:
        """A message that is committed now. An answer ends its stream."""
        session = self.sessions[SessionId(session_id)]
        entry = Message(
            session_id=session.session_id,
            seq=len(session.log) + 1,
            message_id=MessageId(f"msg_{len(session.log) + 1}"),
            role=role,
            author=Author(name="Agent"),
            text=text,
            at=START + timedelta(seconds=len(session.log)),
            run_id=RunId(run_id) if run_id else None,
            asks=asks,
        )
        self.asks |= {ask.approval_id: ask for ask in asks}
        if entry.run_id is not None:
            session.streams.pop(entry.run_id, None)
        self._append(session, entry)
        return entry

    def note(self, session_id: str, run_id: str, state: RunState, label: str | None = None) -> None:
        """A run's state that is committed now."""
        session = self.sessions[SessionId(session_id)]
        seq = len(session.log) + 1
        note = RunNote(session_id=session.session_id, seq=seq, run_id=RunId(run_id), state=state, at=START, label=label)
        self._append(session, note)

    def hand_over(self, session_id: str, mode: SessionMode) -> None:
        """Who answers from now on, committed now."""
        session = self.sessions[SessionId(session_id)]
        self._append(session, ModeNote(session_id=session.session_id, seq=len(session.log) + 1, mode=mode, at=START))

    def stream(self, session_id: str, run_id: str, text: str) -> None:
        """The next piece of a running answer."""
        session = self.sessions[SessionId(session_id)]
        so_far = session.streams.get(RunId(run_id), "")
        session.streams[RunId(run_id)] = so_far + text
        self._tell(session.session_id, Delta(run_id=RunId(run_id), offset=len(so_far), text=text))

    def break_off(self, session_id: str, fault: Exception | None) -> None:
        """End every follower of a session: with the fault, or as if the log were over."""
        for queue in self._queues.get(SessionId(session_id), []):
            queue.put_nowait(fault)

    # --- the port

    async def find_user(self, identity: Identity) -> User | None:
        self._fail()
        return self.users.get(identity)

    async def ensure_user(self, identity: Identity, details: User) -> User:
        self._fail()
        self.users[identity] = details
        return details

    async def accept(self, inbound: Inbound) -> Accepted:
        self.waiting_to_commit.set()
        await self.may_commit.wait()
        self._fail()
        if self.accept_fault is not None:
            raise self.accept_fault
        key = (inbound.session_id, inbound.dedupe_key)
        if key in self._accepted:
            text, accepted = self._accepted[key]
            if text != inbound.text:
                raise ConflictError("another text")
            return accepted
        self.inbounds.append(inbound)
        accepted = self._commit(inbound)
        self._accepted[key] = (inbound.text, accepted)
        return accepted

    def _commit(self, inbound: Inbound) -> Accepted:
        session = self.sessions.get(inbound.session_id)
        if session is None:
            session = self.put_session(inbound.session_id, inbound.audience)
            session.tenant = inbound.tenant
        number = len(session.log) + 1
        user_id = inbound.user.id if inbound.user else None
        if user_id is not None:
            session.members.add(user_id)
        entry = Message(
            session_id=session.session_id,
            seq=number,
            message_id=MessageId(f"msg_{number}"),
            role="user",
            author=Author(id=user_id, name=inbound.author_name),
            text=inbound.text,
            at=START + timedelta(seconds=number),
            client_id=inbound.client_id,
            attachments=inbound.attachments,
        )
        self._append(session, entry)
        return Accepted(
            message_id=entry.message_id,
            seq=number,
            task_id=TaskId(f"task_{number}"),
            run_id=RunId(f"run_{number}"),
            is_duplicate=False,
        )

    async def stop_run(self, session_id: SessionId, run_id: RunId) -> bool:
        self._fail()
        self.stopped.append((session_id, run_id))
        return True

    async def decide(self, user: User, session_id: SessionId, approval_id: ApprovalId, decision: Decision) -> Accepted:
        self._fail()
        ask = self.asks.get(approval_id)
        if ask is None:
            raise NotFoundError("no such approval")
        if ask.user_id != user.id:
            raise ApprovalNotYoursError("Only Ann, who asked, can decide this.")
        if self.decisions.setdefault(approval_id, decision) != decision:
            raise ApprovalClosedError("This was approved before.")
        return self._commit(
            Inbound(
                channel="widget",
                tenant="demo",
                session_id=session_id,
                audience=Audience.SHARED,
                agent_id=AgentId("assistant"),
                user=user,
                author_name="Ann",
                text=f"{decision.capitalize()}: {ask.title}",
                dedupe_key=approval_id,
                client_id=approval_id,
            )
        )

    async def list_approvals(self, session_id: SessionId) -> Sequence[Approval]:
        self._fail()
        return [
            Approval(
                approval_id=ask.approval_id,
                session_id=session_id,
                run_id=RunId("run_1"),
                user_id=ask.user_id,
                user_name="Ann",
                tool="refund",
                title=ask.title,
                arguments={"order": 17},
                state=ApprovalState(self.decisions.get(ask.approval_id, "waiting")),
                asked_at=START,
                expires_at=START + timedelta(days=1),
                decided_at=None,
            )
            for ask in self.asks.values()
        ]

    @asynccontextmanager
    async def follow(self, session_id: SessionId, after: int) -> AsyncIterator[AsyncIterator[LogEntry | Delta]]:
        queue: asyncio.Queue[LogEntry | Delta | Exception | None] = asyncio.Queue()
        self._queues.setdefault(session_id, []).append(queue)
        self.followers += 1
        try:
            yield self._events(session_id, after, queue)
        finally:
            self._queues[session_id].remove(queue)
            self.followers -= 1

    async def _events(
        self, session_id: SessionId, after: int, queue: asyncio.Queue[LogEntry | Delta | Exception | None]
    ) -> AsyncIterator[LogEntry | Delta]:
        session = self.sessions.get(session_id)
        for entry in list(session.log[after:]) if session else []:
            yield entry
        for run_id, text in list(session.streams.items()) if session else []:
            yield Delta(run_id=run_id, offset=0, text=text)
        while True:
            if queue.qsize() > _BEHIND:
                raise SlowConsumerError
            event = await queue.get()
            if isinstance(event, Exception):
                raise event
            if event is None:
                return
            yield event

    async def load_session(self, session_id: SessionId, user_id: UserId | None) -> Session | None:
        self._fail()
        session = self.sessions.get(session_id)
        return self._record(session, user_id) if session else None

    async def list_sessions_of_user(self, user_id: UserId, channel: str, tenant: str, limit: int) -> Sequence[Session]:
        self._fail()
        found = [
            one
            for one in self.sessions.values()
            if user_id in one.members and one.channel == channel and one.tenant == tenant
        ]
        found.sort(key=lambda one: one.changed, reverse=True)
        return [self._record(one, user_id) for one in found[:limit]]

    async def list_sessions(
        self, before: datetime | None, limit: int, mode: SessionMode | None = None
    ) -> Sequence[Session]:
        self._fail()
        return [self._record(one, None) for one in list(self.sessions.values())[:limit] if before is None]

    async def join_session(self, session_id: SessionId, user_id: UserId) -> None:
        self._fail()
        self.joined.append((session_id, user_id))
        self.sessions[session_id].members.add(user_id)

    async def load_log(self, session_id: SessionId, after: int, limit: int) -> Sequence[LogEntry]:
        self._fail()
        return self.sessions[session_id].log[after : after + limit]

    async def load_messages_before(self, session_id: SessionId, before: int, limit: int) -> Sequence[Message]:
        self._fail()
        session = self.sessions.get(session_id)
        log = session.log if session else []
        return [one for one in log if isinstance(one, Message) and one.seq < before][-limit:]

    async def mark_seen(self, session_id: SessionId, user_id: UserId, seq: int) -> None:
        self._fail()
        self.seen.append((session_id, user_id, seq))

    def tell_presence(self, session_id: SessionId, presence: Presence) -> None:
        for hear in list(self._listeners.get(session_id, ())):
            hear(presence)

    def hear_presence(self, session_id: SessionId, hear: Callable[[Presence], None]) -> Callable[[], None]:
        self._listeners.setdefault(session_id, []).append(hear)
        return lambda: self._listeners[session_id].remove(hear)

    async def save_attachment(
        self, user_id: UserId, session_id: SessionId, *, name: str, media_type: str, content: bytes
    ) -> Attachment:
        self._fail()
        attachment_id = AttachmentId(f"file_{len(self.files) + 1}")
        one = Attachment(attachment_id=attachment_id, name=name, media_type=media_type, size_bytes=len(content))
        self.files[attachment_id] = (user_id, session_id, one, content)
        return one

    async def find_attachments(self, user_id: UserId, session_id: SessionId, ids: Sequence[str]) -> list[Attachment]:
        self._fail()
        kept = (self.files[AttachmentId(one)] for one in ids if one in self.files)
        return [one for owner, place, one, _ in kept if (owner, place) == (user_id, session_id)]

    async def load_attachment(
        self, user_id: UserId, session_id: SessionId, attachment_id: AttachmentId
    ) -> tuple[Attachment, bytes] | None:
        self._fail()
        _, place, one, content = self.files[attachment_id]
        session = self.sessions[session_id]
        is_theirs = session.audience is Audience.SHARED or user_id in session.members
        return (one, content) if place == session_id and is_theirs else None

    async def save_feedback(
        self, user_id: UserId, session_id: SessionId, message_id: MessageId, value: str, comment: str | None
    ) -> int | None:
        self._fail()
        log = self.sessions[session_id].log if session_id in self.sessions else []
        seq = next((one.seq for one in log if isinstance(one, Message) and one.message_id == message_id), None)
        if seq is not None:
            self.feedback.append((user_id, message_id, value, comment))
        return seq

    async def list_opinions(
        self, user_id: UserId, session_id: SessionId, message_ids: Sequence[MessageId]
    ) -> dict[MessageId, str]:
        self._fail()
        return {one: value for by, one, value, _ in self.feedback if by == user_id and one in message_ids}

    async def load_task(self, task_id: TaskId) -> TaskStatus | None:
        raise NotImplementedError

    async def wait_for_task(self, task_id: TaskId, timeout_s: float) -> TaskStatus | None:
        raise NotImplementedError

    async def list_runs(self, session_id: SessionId, before: int | None, limit: int) -> Sequence[tuple[int, Run]]:
        raise NotImplementedError

    # --- inside

    def _fail(self) -> None:
        if self.fault is not None:
            raise self.fault

    def _touch(self, session: FakeSession) -> None:
        self._changes += 1
        session.changed = self._changes

    def _append(self, session: FakeSession, entry: LogEntry) -> None:
        session.log.append(entry)
        self._touch(session)
        self._tell(session.session_id, entry)

    def _tell(self, session_id: SessionId, event: LogEntry | Delta) -> None:
        for queue in self._queues.get(session_id, []):
            queue.put_nowait(event)

    def _record(self, session: FakeSession, user_id: UserId | None) -> Session:
        return Session(
            session_id=session.session_id,
            channel=session.channel,
            tenant=session.tenant,
            agent_id=AgentId("assistant"),
            audience=session.audience,
            head=len(session.log),
            title=None,
            is_member=user_id in session.members,
            created_at=START,
            updated_at=START + timedelta(seconds=session.changed),
        )


def as_gateway(fake: FakeGateway) -> WidgetGateway:
    """The stand-in in the place of the real one; the types are checked here."""
    return fake
