"""A gateway in memory, for the API's tests: it keeps what it was given and does what a test tells it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from agent.approvals import Approval
from agent.asks import Decision
from agent.errors import BusyError, ConflictError, NotFoundError, StoreUnavailableError
from agent.handoffs import SessionMode
from agent.ids import ApprovalId, RunId, SessionId, TaskId, UserId, new_task_id, run_id_of
from agent.records import Identity, LogEntry, Message, Run, RunNote, RunState, Session, Usage, User
from agent.signals import Delta
from agent.tasks import Accepted, Inbound, TaskState, TaskStatus
from tests.adapters.api.threads import FakeThreads, drain

USAGE = Usage(input_tokens=10, output_tokens=4, cost_usd=Decimal("0.00012"))


class FakeGateway(FakeThreads):
    """Threads, tasks and users in dictionaries."""

    def __init__(self) -> None:
        super().__init__()
        self.tasks: dict[TaskId, TaskStatus] = {}
        self.runs: dict[SessionId, list[tuple[int, Run]]] = {}
        self.users: dict[Identity, User] = {}
        self.accepted: list[Inbound] = []
        self.stopped: list[tuple[SessionId, RunId]] = []
        self.waited_s: list[float] = []
        self.partial: dict[RunId, str] = {}
        self.on_accept: Callable[[TaskId], object] = lambda task_id: None
        self.on_load_session: Callable[[], object] = lambda: None
        self.is_away = False
        self.busy_s: float | None = None
        self._keys: dict[tuple[SessionId, str], tuple[str, Accepted]] = {}

    async def decide(self, user: User, session_id: SessionId, approval_id: ApprovalId, decision: Decision) -> Accepted:
        """One call waits; the task that goes on with it is the first of the session."""
        self._ask()
        if approval_id != "appr_1":
            raise NotFoundError("there is no such approval here")
        return next(accepted for (of, _), (_, accepted) in self._keys.items() if of == session_id)

    async def list_approvals(self, session_id: SessionId) -> Sequence[Approval]:
        """Nothing waits here."""
        self._ask()
        return []

    # What a test does ------------------------------------------------------------------------------------------------

    def note(self, task_id: TaskId, state: RunState, label: str | None = None) -> RunNote:
        """A durable change of a run's state; the task's state follows it."""
        status = self.tasks[task_id]
        note = RunNote(
            session_id=status.session_id,
            seq=self._next_seq(status.session_id),
            run_id=run_id_of(task_id),
            state=state,
            at=self._at,
            label=label,
        )
        final = {RunState.DONE: TaskState.DONE, RunState.STOPPED: TaskState.STOPPED, RunState.FAILED: TaskState.DEAD}
        waiting = TaskState.QUEUED if state is RunState.QUEUED else TaskState.RUNNING
        finished_at = self._at if state.is_final else None
        self.tasks[task_id] = replace(status, state=final.get(state, waiting), finished_at=finished_at)
        self._publish(note)
        return note

    def delta(self, task_id: TaskId, text: str) -> None:
        """A piece of a running answer."""
        run_id = run_id_of(task_id)
        before = self.partial.get(run_id, "")
        self.partial[run_id] = before + text
        self._send(self.tasks[task_id].session_id, Delta(run_id=run_id, offset=len(before), text=text))

    def answer(self, task_id: TaskId, text: str, *merged: TaskId) -> None:
        """A whole run: thinking, the answer in two pieces, the message, done; `merged` tasks end with it."""
        self.note(task_id, RunState.THINKING)
        for other in merged:
            self.merge(other, task_id)
        self.delta(task_id, text[:3])
        self.delta(task_id, text[3:])
        self.finish(task_id, text, *merged)

    def merge(self, task_id: TaskId, into: TaskId) -> None:
        """A waiting task is from now on answered by the run of another one."""
        self.tasks[task_id] = replace(
            self.tasks[task_id], run_id=run_id_of(into), state=TaskState.RUNNING, finished_at=self._at
        )

    def finish(self, task_id: TaskId, text: str, *merged: TaskId) -> None:
        """The end of a run, which is one commit: the answer and the final notes."""
        self.partial.pop(run_id_of(task_id), None)
        self.say(self.tasks[task_id].session_id, text, "assistant", run_id_of(task_id))
        for each in (task_id, *merged):
            self.tasks[each] = replace(self.tasks[each], text=text, usage=USAGE)
            self.note(each, RunState.DONE)

    # What the port asks ----------------------------------------------------------------------------------------------

    async def find_user(self, identity: Identity) -> User | None:
        """The person behind an account."""
        self._ask()
        return self.users.get(identity)

    async def ensure_user(self, identity: Identity, details: User) -> User:
        """The person behind an account, made known."""
        self._ask()
        known = self.users.get(identity)
        user_id = known.id if known else details.id or UserId(f"usr_{len(self.users)}")
        self.users[identity] = replace(details, id=user_id)
        return self.users[identity]

    async def accept(self, inbound: Inbound) -> Accepted:
        """Keep a message and its task."""
        self._ask()
        if self.busy_s is not None:
            raise BusyError("Too many questions are waiting here.", retry_after_s=self.busy_s)
        key = (inbound.session_id, inbound.dedupe_key)
        if key in self._keys:
            text, accepted = self._keys[key]
            if text != inbound.text:
                raise ConflictError("The same key was used before for another prompt.")
            return replace(accepted, is_duplicate=True)
        self.accepted.append(inbound)
        accepted = self._accept(inbound)
        self._keys[key] = (inbound.text, accepted)
        self.on_accept(accepted.task_id)
        return accepted

    async def stop_run(self, session_id: SessionId, run_id: RunId) -> bool:
        """Stop a run that is not over."""
        self._ask()
        self.stopped.append((session_id, run_id))
        status = next(status for status in self.tasks.values() if status.run_id == run_id)
        if status.state not in {TaskState.QUEUED, TaskState.RUNNING}:
            return False
        self.note(status.task_id, RunState.STOPPED)
        return True

    @asynccontextmanager
    async def follow(self, session_id: SessionId, after: int) -> AsyncIterator[AsyncIterator[LogEntry | Delta]]:
        """A session's events, the old ones first, then a running answer's text so far."""
        self._ask()
        queue: asyncio.Queue[LogEntry | Delta | Exception | None] = asyncio.Queue()
        for entry in self.logs.get(session_id, []):
            if entry.seq > after:
                queue.put_nowait(entry)
        for status in self.tasks.values():
            if status.session_id == session_id and self.partial.get(run_id_of(status.task_id)):
                run_id = run_id_of(status.task_id)
                queue.put_nowait(Delta(run_id=run_id, offset=0, text=self.partial[run_id]))
        self.watchers.append((session_id, queue))
        try:
            yield drain(queue)
        finally:
            self.watchers.remove((session_id, queue))

    async def load_session(self, session_id: SessionId, user_id: UserId | None) -> Session | None:
        """A session."""
        self._ask()
        self.on_load_session()
        return self.sessions.get(session_id)

    async def list_sessions_of_user(self, user_id: UserId, channel: str, tenant: str, limit: int) -> Sequence[Session]:
        """Not asked by the API."""
        raise AssertionError("the API has no use for this")

    async def list_sessions(
        self, before: datetime | None, limit: int, mode: SessionMode | None = None
    ) -> Sequence[Session]:
        """All sessions, the one that changed last first."""
        self._ask()
        newest_first = sorted(self.sessions.values(), key=lambda session: session.updated_at, reverse=True)
        in_mode = [session for session in newest_first if mode is None or session.mode is mode]
        return [session for session in in_mode if before is None or session.updated_at < before][:limit]

    async def join_session(self, session_id: SessionId, user_id: UserId) -> None:
        """Not asked by the API."""
        raise AssertionError("the API has no use for this")

    async def load_log(self, session_id: SessionId, after: int, limit: int) -> Sequence[LogEntry]:
        """Not asked by the API."""
        raise AssertionError("the API has no use for this")

    async def load_messages_before(self, session_id: SessionId, before: int, limit: int) -> Sequence[Message]:
        """The newest messages before one."""
        self._ask()
        log = self.logs.get(session_id, [])
        return [entry for entry in log if isinstance(entry, Message) and entry.seq < before][-limit:]

    async def mark_seen(self, session_id: SessionId, user_id: UserId, seq: int) -> None:
        """Not asked by the API."""
        raise AssertionError("the API has no use for this")

    async def load_task(self, task_id: TaskId) -> TaskStatus | None:
        """A task."""
        self._ask()
        return self.tasks.get(task_id)

    async def wait_for_task(self, task_id: TaskId, timeout_s: float) -> TaskStatus | None:
        """A task once it is over; one that nothing moves on is out of time at once."""
        self._ask()
        self.waited_s.append(timeout_s)
        await asyncio.sleep(0)
        return self.tasks.get(task_id)

    async def list_runs(self, session_id: SessionId, before: int | None, limit: int) -> Sequence[tuple[int, Run]]:
        """Runs, the newest first."""
        self._ask()
        runs = sorted(self.runs.get(session_id, []), key=lambda run: run[0], reverse=True)
        return [run for run in runs if before is None or run[0] < before][:limit]

    # Within ----------------------------------------------------------------------------------------------------------

    def _ask(self) -> None:
        if self.is_away:
            raise StoreUnavailableError("connection refused by 10.1.2.3")

    def _accept(self, inbound: Inbound) -> Accepted:
        self._ensure_session(inbound.session_id, inbound.channel, inbound.tenant, inbound.agent_id, inbound.audience)
        task_id = new_task_id()
        message = self._say(inbound.session_id, inbound.text, "user", run_id_of(task_id), inbound.author_name)
        self.tasks[task_id] = TaskStatus(
            task_id=task_id,
            session_id=inbound.session_id,
            run_id=run_id_of(task_id),
            user_id=inbound.user.id if inbound.user else None,
            state=TaskState.QUEUED,
            attempts=0,
            created_at=self._at,
            finished_at=None,
            text=None,
            note=None,
            usage=Usage(),
        )
        self.note(task_id, RunState.QUEUED)
        return Accepted(
            message_id=message.message_id,
            seq=message.seq,
            task_id=task_id,
            run_id=run_id_of(task_id),
            is_duplicate=False,
        )
