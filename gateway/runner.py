"""One attempt at one task: read the context, let the agent answer, say how it ended.

It writes nothing but the notes that people see while a run goes on; the dispatcher commits the outcome.
"""

import asyncio
import time
from dataclasses import dataclass, field, replace

import structlog

from agent.errors import LeaseLostError, StoreUnavailableError
from agent.events import Event, TextDelta, ToolStarted
from agent.ids import RunId
from agent.loop import Progress, finish_run, run_agent
from agent.ports import Model
from agent.prompt import Context, fit_memories
from agent.records import Run, RunState, Task, TaskState
from gateway.agents import AgentConfig, Agents
from gateway.hooks import Hooks, call_hook
from gateway.hub import Hub
from memory.context import Sessions
from memory.tasks import Claim, Outcome, Tasks

log = structlog.get_logger(__name__)
MEMORY_CANDIDATES = 30


@dataclass(slots=True, kw_only=True)
class Attempt:
    """A run that goes on. `task` is known once its context is read; `notes` is the last of the notes being written."""

    claim: Claim
    merged: tuple[RunId, ...] = ()
    progress: Progress
    task: Task | None = None
    notes: asyncio.Task[None] | None = None
    started_s: float = field(default_factory=time.monotonic)


class Runner:
    """Runs attempts with the gateway's agents and model."""

    def __init__(self, tasks: Tasks, sessions: Sessions, hub: Hub, model: Model, agents: Agents, hooks: Hooks) -> None:
        self._tasks = tasks
        self._sessions = sessions
        self._hub = hub
        self._model = model
        self._agents = agents
        self._hooks = hooks

    async def run(self, attempt: Attempt) -> Outcome:
        """Answer. Raises `ModelError`, `StoreUnavailableError`; cancellation leaves what was done in the attempt."""
        config = self._agents.get(attempt.claim.agent_id)
        task, context = await self._load(attempt.claim, config)
        attempt.task = task
        if self._hooks.on_task:
            hook = self._hooks.on_task
            await call_hook("on_task", lambda: hook(task))
        self._hub.begin_run(attempt.claim.session_id, attempt.claim.run_id)
        try:
            run = await run_agent(
                config.agent, self._model, task, context, lambda event: self._emit(attempt, event), attempt.progress
            )
        finally:
            self._hub.end_run(attempt.claim.session_id)
        return self._outcome(attempt, run)

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
        task = Task(
            task_id=claim.task_id,
            session_id=claim.session_id,
            position=claim.position,
            epoch=claim.epoch,
            attempt=claim.attempt,
            agent_id=claim.agent_id,
            user=context.asker,
            prompt="\n\n".join(message.text for message in context.prompt),
        )
        return task, context

    def _emit(self, attempt: Attempt, event: Event) -> None:
        if isinstance(event, TextDelta):
            self._hub.add_text(attempt.claim.session_id, event.text)
        elif isinstance(event, ToolStarted):
            attempt.notes = asyncio.create_task(self._note(attempt, attempt.notes, RunState.TOOL, event.title))

    async def _note(
        self, attempt: Attempt, earlier: asyncio.Task[None] | None, state: RunState, label: str | None
    ) -> None:
        """Make a state known after the earlier ones. A note that cannot be written is only a note."""
        if earlier is not None:
            await earlier
        try:
            note = await self._tasks.note_run(attempt.claim, state, label)
        except (LeaseLostError, StoreUnavailableError) as error:
            log.warning("note_not_written", run_id=attempt.claim.run_id, error=type(error).__name__)
        else:
            self._hub.publish(attempt.claim.session_id, [note])

    def stopped(self, attempt: Attempt) -> Outcome:
        """The outcome of a run that a person stopped: its partial text is kept."""
        run = finish_run(attempt.task, attempt.progress, RunState.STOPPED) if attempt.task else None
        text = run.text if run else ""
        outcome = Outcome(
            state=TaskState.STOPPED, run_state=RunState.STOPPED, run=run, answer=text or None, merged=attempt.merged
        )
        return replace(outcome, extract_after_s=self._extract_after(attempt))

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
        )

    def _outcome(self, attempt: Attempt, run: Run) -> Outcome:
        return Outcome(
            state=TaskState.DONE,
            run_state=run.state,
            run=run,
            answer=run.text,
            merged=attempt.merged,
            extract_after_s=self._extract_after(attempt),
        )

    def _extract_after(self, attempt: Attempt) -> float | None:
        config = self._agents.get(attempt.claim.agent_id)
        return config.extract_after_s if config.memory_mode == "agentic" and attempt.claim.user_id else None

    async def finished(self, attempt: Attempt, outcome: Outcome) -> None:
        """Tell the owner's hook about a run that is stored."""
        hook, task, run = self._hooks.on_run_finished, attempt.task, outcome.run
        if hook is not None and task is not None and run is not None:
            await call_hook("on_run_finished", lambda: hook(task, run))
