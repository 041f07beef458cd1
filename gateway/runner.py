"""One attempt at one task: read the context, let the agent answer, say how it ended.

It writes nothing but the turns of runs that use tools, as they happen; the dispatcher commits the outcome.
"""

import time
from dataclasses import dataclass, field, replace

import structlog

from agent.errors import LeaseLostError
from agent.events import Event, TextDelta
from agent.ids import RunId, channel_of
from agent.loop import Agent, Work, run_agent
from agent.progress import Progress, finish_run
from agent.prompt import Context, fit_memories
from agent.records import Message, Run, RunState, Turn
from agent.tasks import Task, TaskState
from gateway.agents import AgentConfig, AgentSource
from gateway.compactor import Compactor, RunRoom, Thread
from gateway.hooks import Hooks, call_hook
from gateway.hub import Hub
from gateway.used_memories import UsedMemories
from memory.compactions import Fence
from memory.context import Sessions
from memory.task_records import Claim, Outcome
from memory.tasks import Tasks

log = structlog.get_logger(__name__)
MEMORY_CANDIDATES = 20
LABEL_LIMIT = 200


@dataclass(slots=True, kw_only=True)
class Attempt:
    """A run that goes on. `task` is known once its context is read; `is_over` says that its end is committed."""

    claim: Claim
    merged: tuple[RunId, ...] = ()
    progress: Progress
    task: Task | None = None
    is_over: bool = False
    started_s: float = field(default_factory=time.monotonic)


@dataclass(frozen=True, slots=True)
class _Journal:
    """`agent.ports.Journal` over the store; with a turn's calls people learn that a tool runs."""

    tasks: Tasks
    hub: Hub
    claim: Claim
    agent: Agent
    pause_s: float

    async def record_calls(self, n: int, turn: Turn) -> None:
        """Raises `LeaseLostError`, `StoreUnavailableError`: then no tool may run.

        A process that was paused meanwhile may have lost its lease since the commit: it must not run tools either.
        """
        asked_at_s = time.monotonic()
        titles = (self.agent.tools[c.name].title if c.name in self.agent.tools else c.name for c in turn.tool_calls)
        label = ", ".join(dict.fromkeys(titles))
        note = await self.tasks.record_calls(self.claim, n, turn, label[:LABEL_LIMIT] or "Working")
        if time.monotonic() - asked_at_s > self.pause_s:
            raise LeaseLostError(self.claim.session_id)
        self.hub.publish(self.claim.session_id, [note])

    async def record_results(self, n: int, turn: Turn) -> None:
        """Raises `LeaseLostError`, `StoreUnavailableError`."""
        await self.tasks.record_results(self.claim, n, turn)


class Runner:
    """Runs attempts with the gateway's agents and model."""

    def __init__(
        self,
        tasks: Tasks,
        sessions: Sessions,
        hub: Hub,
        compactor: Compactor,
        agents: AgentSource,
        hooks: Hooks,
        used: UsedMemories,
        lease_s: float = 15.0,
    ) -> None:
        self._used = used
        self._pause_s = lease_s / 3
        self._tasks = tasks
        self._sessions = sessions
        self._hub = hub
        self._spending = compactor.spending
        self._compactor = compactor
        self._agents = agents
        self._hooks = hooks

    async def run(self, attempt: Attempt) -> Outcome:
        """Answer. Raises `ModelError`, `StoreUnavailableError`; cancellation leaves what was done in the attempt."""
        config = self._agents.get(attempt.claim.agent_id).on_channel(channel_of(attempt.claim.session_id))
        task, context = await self._load(attempt.claim, config)
        attempt.task = task
        if self._hooks.on_task:
            hook = self._hooks.on_task
            await call_hook("on_task", lambda: hook(task))
        self._hub.begin_run(attempt.claim.session_id, attempt.claim.run_id)
        work = Work(
            agent=config.agent,
            model=await self._spending.model_for(attempt.claim.user_id, attempt.claim.session_id),
            task=task,
            journal=_Journal(self._tasks, self._hub, attempt.claim, config.agent, self._pause_s),
            emit=lambda event: self._emit(attempt, event),
            progress=attempt.progress,
            room=self._build_room(attempt.claim, config),
        )
        try:
            run = await run_agent(work, context)
        finally:
            self._hub.end_run(attempt.claim.session_id)
        return self._outcome(attempt, run)

    def _build_room(self, claim: Claim, config: AgentConfig) -> RunRoom:
        fence = Fence(owner=self._tasks.worker_id, epoch=claim.epoch)
        return RunRoom(self._compactor, Thread(session_id=claim.session_id, config=config, fence=fence))

    async def _load(self, claim: Claim, config: AgentConfig) -> tuple[Task, Context]:
        context = await self._sessions.load_context(
            claim.session_id,
            claim.user_id,
            claim.position,
            history_runs=config.history_runs,
            memories=None if config.memory_mode == "off" else MEMORY_CANDIDATES,
        )
        if context.memories is not None:
            context = replace(context, memories=fit_memories(context.memories))
            if claim.user_id is not None:
                self._used.note(claim.user_id, context.memories or ())
        task = Task(
            task_id=claim.task_id,
            session_id=claim.session_id,
            position=claim.position,
            epoch=claim.epoch,
            attempt=claim.attempt,
            agent_id=claim.agent_id,
            user=context.asker,
            prompt="\n\n".join(message.text for message in context.prompt),
            asker_words="\n\n".join(message.text for message in context.prompt if _is_askers(message, context)),
        )
        return task, context

    def _emit(self, attempt: Attempt, event: Event) -> None:
        if isinstance(event, TextDelta):
            self._hub.add_text(attempt.claim.session_id, event.text)

    def stopped(self, attempt: Attempt) -> Outcome:
        """The outcome of a run that a person stopped: its partial text is kept."""
        run = finish_run(attempt.task, attempt.progress, RunState.STOPPED) if attempt.task else None
        text = run.text if run else ""
        outcome = Outcome(
            state=TaskState.STOPPED, run_state=RunState.STOPPED, run=run, answer=text or None, merged=attempt.merged
        )
        return replace(
            outcome,
            extract_after_s=self._extract_after(attempt),
            is_unread=self._is_unread(attempt),
            title_after_s=self._title_after(attempt),
        )

    def given_up(self, attempt: Attempt, sentence: str, reason: str) -> Outcome:
        """The outcome of a task whose processing always fails: the person is told, the thread goes on."""
        run = finish_run(attempt.task, attempt.progress, RunState.FAILED) if attempt.task else None
        return Outcome(
            state=TaskState.DEAD,
            run_state=RunState.FAILED,
            run=replace(run, error=reason) if run else None,
            answer=sentence,
            answer_role="system",
            note=sentence,
            merged=attempt.merged,
            is_unread=self._is_unread(attempt),
        )

    def refused(self, attempt: Attempt, sentence: str) -> Outcome:
        """The outcome of a run that a budget forbids to go on: the person is told, and nothing is to be tried again."""
        run = finish_run(attempt.task, attempt.progress, RunState.FAILED) if attempt.task else None
        return Outcome(
            state=TaskState.DONE,
            run_state=RunState.DONE,
            run=replace(run, error="budget") if run else None,
            answer=sentence,
            answer_role="system",
            note=sentence,
            merged=attempt.merged,
            is_unread=self._is_unread(attempt),
        )

    def _outcome(self, attempt: Attempt, run: Run) -> Outcome:
        return Outcome(
            state=TaskState.DONE,
            run_state=run.state,
            run=run,
            answer=run.text,
            merged=attempt.merged,
            extract_after_s=self._extract_after(attempt),
            is_unread=self._is_unread(attempt),
            title_after_s=self._title_after(attempt),
            approval_s=self._agents.get(attempt.claim.agent_id).approval_s,
        )

    def _extract_after(self, attempt: Attempt) -> float | None:
        config = self._agents.get(attempt.claim.agent_id)
        return config.extract_after_s if config.memory_mode == "agentic" and attempt.claim.user_id else None

    def _is_unread(self, attempt: Attempt) -> bool:
        return self._agents.get(attempt.claim.agent_id).memory_mode != "agentic"

    def _title_after(self, attempt: Attempt) -> float | None:
        config = self._agents.get(attempt.claim.agent_id)
        return config.title_after_s if config.has_titles else None

    async def finished(self, attempt: Attempt, outcome: Outcome) -> None:
        """Tell the owner's hook about a run that is stored, and see whether the thread has to be summarised."""
        hook, task, run = self._hooks.on_run_finished, attempt.task, outcome.run
        if run is not None:
            config = self._agents.get(attempt.claim.agent_id)
            seen_runs = len(attempt.progress.context.history) if attempt.progress.context else 0
            self._compactor.consider(attempt.claim.session_id, config, run, seen_runs)
        if hook is not None and task is not None and run is not None:
            await call_hook("on_run_finished", lambda: hook(task, run))


def _is_askers(message: Message, context: Context) -> bool:
    return message.role == "user" and context.asker is not None and message.author.id == context.asker.id
