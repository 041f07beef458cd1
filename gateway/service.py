"""The gateway as its channels and its owner's Python see it: `adapters.ports.Gateway`, and `create_task`."""

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager, suppress

from adapters.api.intake import identity_of
from adapters.api.names import session_id_of
from adapters.deadlines import told_in_time
from adapters.ports import SlowConsumerError
from agent.errors import InputError
from agent.ids import MessageId, RunId, SessionId, TaskId, UserId
from agent.records import Audience, RunNote, User
from agent.secret_gate import redact
from agent.speech import UNNAMED
from agent.tasks import Accepted, Inbound, TaskState, TaskStatus
from agent.text import storable, storable_object
from gateway import metrics
from gateway.agents import Agents
from gateway.approvals import ApprovalDesk
from gateway.dispatcher import Dispatcher
from gateway.follow import Events, follow
from gateway.hub import Mailbox
from gateway.memories import UserMemories
from gateway.people import PeopleService
from memory.attachments import Attachments
from memory.context import Sessions
from memory.tasks import Tasks

KNOWN_USERS = 10_000
LOOK_AGAIN_S = 2.0
_OVER = {TaskState.DONE, TaskState.STOPPED, TaskState.DEAD}


class GatewayService:
    """What every channel is given."""

    def __init__(
        self,
        tasks: Tasks,
        sessions: Sessions,
        people: PeopleService,
        memories: UserMemories,
        attachments: Attachments,
        dispatcher: Dispatcher,
        agents: Agents,
        approvals: ApprovalDesk,
    ) -> None:
        self.memories = memories
        self._tasks = tasks
        self._sessions = sessions
        self.people = people
        self._dispatcher = dispatcher
        self._hub = hub = dispatcher.hub
        self._approvals = approvals
        self.decide = approvals.decide
        self.list_approvals = approvals.list_newest
        self._agents = agents
        self._stored: OrderedDict[UserId, User] = OrderedDict()
        self.find_user = people.users.find
        self.ensure_user = people.users.ensure
        self.load_session = sessions.load_session
        self.list_sessions_of_user = sessions.list_sessions_of_user
        self.list_sessions = sessions.list_sessions
        self.join_session = sessions.join_session
        self.load_log = sessions.load_log
        self.load_messages_before = sessions.load_messages_before
        self.mark_seen = sessions.mark_seen
        self.load_task = tasks.load_status
        self.list_runs = sessions.list_runs
        self._attachments = attachments
        self.save_attachment = attachments.save
        self.find_attachments = attachments.find
        self.load_attachment = attachments.load
        self.tell_presence = hub.tell_presence
        self.hear_presence = hub.hear_presence

    async def create_task(
        self,
        *,
        prompt: str,
        user_details: User | None = None,
        session_id: str | None = None,
        agent: str | None = None,
        audience: Audience = Audience.PRIVATE,
        idempotency_key: str | None = None,
    ) -> Accepted:
        """Give the agent a task from Python. Its answer: `wait_for_task(accepted.task_id, timeout_s)`.

        Without `session_id` a new session begins. The same `idempotency_key` in the same session is the same task.
        Raises `InputError` in one of its kinds, `BusyError`, `StoreUnavailableError`.
        """
        agent_id = self._agents.require(agent)
        details = _storable_user(user_details) if user_details else None
        user = await self.ensure_user(identity_of(details), details) if details else None
        inbound = Inbound(
            channel="api",
            tenant="default",
            session_id=_session_id(session_id or f"api:{secrets.token_hex(16)}"),
            audience=audience,
            agent_id=agent_id,
            user=user,
            author_name=(user.display_name if user else "") or UNNAMED,
            text=storable(prompt),
            dedupe_key=f"python:{storable(idempotency_key or secrets.token_hex(16))}",
        )
        return await self.accept(inbound)

    async def accept(self, inbound: Inbound) -> Accepted:
        """Commit a message and its task, and start on it when its session is free.

        Whoever waits here is told in time that the database is away, also behind others of the same session.
        """
        async with told_in_time():
            user = inbound.user
            is_new = user is not None and self._stored.get(user.id) != user
            if user is not None and is_new and await self.people.users.save(user) is not None:
                self._remember(user)
            return (await self._dispatcher.accept(inbound)).accepted

    async def stop_run(self, session_id: SessionId, run_id: RunId) -> bool:
        """Stop a run that goes on or waits, also for somebody's approval. False when there is nothing to stop."""
        is_stopped = await self._dispatcher.stop_run(session_id, run_id)
        return is_stopped or await self._approvals.stop(session_id, run_id)

    def forget_people(self) -> None:
        """Look everybody up anew: somebody's id has changed its meaning."""
        self._stored.clear()

    def _remember(self, user: User) -> None:
        self._stored[user.id] = user
        self._stored.move_to_end(user.id)
        if len(self._stored) > KNOWN_USERS:
            self._stored.popitem(last=False)

    async def save_feedback(
        self, user_id: UserId, session_id: SessionId, message_id: MessageId, value: str, comment: str | None
    ) -> int | None:
        """Keep and count what a person thinks of an answer. Gives the answer's seq; none where there is none.

        Secrets in the comment are taken out.
        """
        kept = redact(comment) if comment is not None else None
        seq = await self._attachments.save_feedback(user_id, session_id, message_id, value, kept)
        if seq is not None:
            metrics.feedback.labels(value).inc()
        return seq

    async def list_opinions(
        self, user_id: UserId, session_id: SessionId, message_ids: Sequence[MessageId]
    ) -> Mapping[MessageId, str]:
        """What a person thinks of these answers, as far as they said so."""
        return await self._attachments.list_opinions(user_id, session_id, message_ids)

    def follow(self, session_id: SessionId, after: int) -> AbstractAsyncContextManager[Events]:
        """Durable events after `after`, each once and in order, and the deltas of running answers."""
        return follow(self._hub, self._sessions, session_id, after)

    async def wait_for_task(self, task_id: TaskId, timeout_s: float) -> TaskStatus | None:
        """The task once it is over, or as it stands after `timeout_s` seconds; none when there is no such task."""
        status = await self.load_task(task_id)
        if status is None or status.state in _OVER:
            return status
        mailbox = self._hub.attach(status.session_id)
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout_s):
                    while not await self._is_over(task_id):
                        try:
                            await _wait_for_end(mailbox, status.run_id)
                        except SlowConsumerError:
                            full, mailbox = mailbox, self._hub.attach(status.session_id)
                            self._hub.detach(status.session_id, full)
        finally:
            self._hub.detach(status.session_id, mailbox)
        return await self.load_task(task_id)

    async def _is_over(self, task_id: TaskId) -> bool:
        status = await self.load_task(task_id)
        return status is None or status.state in _OVER


def _session_id(text: str) -> SessionId:
    session_id = session_id_of(text)
    if session_id is None:
        raise InputError("session_id: expected 1 to 200 printable ASCII characters without spaces")
    return session_id


def _storable_user(user: User) -> User:
    return User(
        id=UserId(storable(user.id)),
        email=_storable(user.email),
        first_name=_storable(user.first_name),
        last_name=_storable(user.last_name),
        timezone=_storable(user.timezone),
        additional_attributes=storable_object(dict(user.additional_attributes)),
    )


def _storable(text: str | None) -> str | None:
    return None if text is None else storable(text)


async def _wait_for_end(mailbox: Mailbox, run_id: RunId) -> None:
    """Until the run's end is told here; at most two seconds, since it may run in another process.

    Raises `SlowConsumerError`.
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(LOOK_AGAIN_S):
            while True:
                event = await mailbox.get()
                if isinstance(event, RunNote) and event.state.is_final and event.run_id == run_id:
                    return
