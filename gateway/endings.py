"""How a task begins and how it ends: committed first, then told to whoever watches."""

import asyncio
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace

import structlog

from agent.errors import BudgetSpentError, ModelError, ModelUnavailableError
from agent.progress import Progress
from agent.tasks import TaskState
from agent.text import storable
from gateway import metrics
from gateway.hub import Hub
from gateway.insist import insist
from gateway.runner import Attempt, Runner
from memory.task_records import Claim, Outcome
from memory.tasks import Tasks

log = structlog.get_logger(__name__)
GIVEN_UP = "I could not answer this, although I tried several times. The operators can see it and try again."


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much at once and how often. `retry_s` is the wait after the first, second, … attempt."""

    capacity: int = 1_000
    yield_after: int = 8
    retry_s: tuple[float, ...] = (2.0, 5.0, 15.0, 30.0, 60.0)
    retry_after_most_s: float = 300.0
    poll_s: float = 1.0

    @property
    def attempts(self) -> int:
        """How often a task is tried before it becomes a dead letter."""
        return len(self.retry_s) + 1


class Endings:
    """The two ends of a task. `wake` has what waits looked for; `on_posted` that an answer waits to be posted."""

    def __init__(
        self,
        tasks: Tasks,
        runner: Runner,
        hub: Hub,
        limits: Limits,
        wake: Callable[[], None],
        on_posted: Callable[[], None] | None,
    ) -> None:
        self._tasks = tasks
        self._runner = runner
        self._hub = hub
        self._limits = limits
        self._wake = wake
        self._on_posted = on_posted
        self.is_draining = False
        """Whether the process leaves: it keeps no session, and insists on nothing."""

    async def start(self, claim: Claim) -> Attempt | None:
        """Begin it. None when there is nothing to do: it was stopped, its lease is lost, or it was tried too often."""
        if claim.attempt:
            return Attempt(claim=claim, progress=Progress())
        start = await self._tasks.start(claim)
        if start is None:
            await self._tasks.release(claim)
            return None
        self._hub.publish(claim.session_id, [start.note])
        attempt = Attempt(claim=replace(claim, attempt=start.attempt), merged=start.merged, progress=Progress())
        if start.attempt > self._limits.attempts:
            await self.finish(attempt, self._runner.given_up(attempt, GIVEN_UP, "too many attempts"), may_keep=False)
            return None
        return attempt

    async def put_back(self, attempt: Attempt, after_s: float, sentence: str | None, *, counts: bool) -> None:
        """Let it wait for another attempt. `sentence` is what people read meanwhile; `counts`: it was an attempt."""
        note = await insist(
            lambda: self._tasks.put_back(attempt.claim, after_s=after_s, note=sentence, counts=counts),
            lambda: self.is_draining,
        )
        attempt.is_over = True
        self._hub.publish(attempt.claim.session_id, [note])

    async def finish(self, attempt: Attempt, outcome: Outcome, *, may_keep: bool) -> Claim | None:
        """Commit the end; the session's next claim when it is kept. While the database is away, offer it again."""
        keep = may_keep and not self.is_draining
        finish = await insist(
            lambda: self._tasks.finish(attempt.claim, outcome, may_keep=keep), lambda: self.is_draining
        )
        attempt.is_over = True
        self._hub.end_run(attempt.claim.session_id)
        self._hub.publish(attempt.claim.session_id, finish.entries)
        log.info(
            "run_finished",
            run_id=attempt.claim.run_id,
            session_id=attempt.claim.session_id,
            state=outcome.run_state,
            seconds=round(time.monotonic() - attempt.started_s, 3),
        )
        _count(attempt, outcome)
        for ask in outcome.run.asks if outcome.run else ():
            metrics.approvals.labels("asked").inc()
            log.info("approval_asked", approval_id=ask.approval_id, run_id=attempt.claim.run_id)
        if finish.waiting:
            self._wake()
        if finish.is_posted and self._on_posted:
            self._on_posted()
        await self._runner.finished(attempt, outcome)
        return finish.next

    async def handle_bug(self, attempt: Attempt, error: BaseException, *, may_keep: bool) -> Claim | None:
        """A fault of ours, or an outcome that the store does not take: nothing of what was done is kept."""
        frames = traceback.format_tb(error.__traceback__)
        log.error("run_failed", run_id=attempt.claim.run_id, error=type(error).__name__, where="".join(frames))
        attempt.task, attempt.progress = None, Progress()
        return await self.handle_fault(attempt, ModelUnavailableError(type(error).__name__), may_keep=may_keep)

    async def handle_fault(self, attempt: Attempt, error: ModelError, *, may_keep: bool) -> Claim | None:
        """The model did not answer: try again later, or say so and go on with the session's next."""
        claim = attempt.claim
        if isinstance(error, BudgetSpentError):
            log.info("budget_spent", run_id=claim.run_id, account=str(error))
            return await self.finish(attempt, self._runner.refused(attempt, error.sentence), may_keep=may_keep)
        reason = storable(f"{type(error).__name__}: {error}")
        metrics.model_faults.labels(type(error).__name__).inc()
        log.warning("model_failed", run_id=claim.run_id, attempt=claim.attempt, error=reason)
        if error.is_retryable and claim.attempt < self._limits.attempts:
            wait = self._limits.retry_s[claim.attempt - 1]
            wait = max(wait, min(error.retry_after_s or 0.0, self._limits.retry_after_most_s))
            await self.put_back(attempt, wait, error.sentence, counts=True)
            asyncio.get_running_loop().call_later(wait, self._wake)
            return None
        sentence = GIVEN_UP if error.is_retryable else error.sentence
        return await self.finish(attempt, self._runner.given_up(attempt, sentence, reason), may_keep=may_keep)


def _count(attempt: Attempt, outcome: Outcome) -> None:
    metrics.runs.labels(outcome.run_state).inc()
    metrics.run_s.observe(time.monotonic() - attempt.started_s)
    if outcome.state is TaskState.DEAD:
        metrics.dead_letters.inc()
    if outcome.run is not None:
        usage = outcome.run.usage
        metrics.count_cached(usage)
        metrics.tokens.labels("input").inc(usage.input_tokens)
        metrics.tokens.labels("output").inc(usage.output_tokens)
        metrics.tokens.labels("cache_read").inc(usage.cache_read_tokens)
        metrics.tokens.labels("cache_write").inc(usage.cache_write_tokens)
        metrics.cost_usd.inc(float(usage.cost_usd))
