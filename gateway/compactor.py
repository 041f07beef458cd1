"""Puts summaries in the place of older runs: between a session's runs where possible, within a run where it must be.

run ends ─► its last call was billed near the limit? ─► queue ─► read the rows ─► plan ─► summarise ─► check ─► swap
                                                                              └── whatever fails: the history stays

Losing what is queued is harmless: the next run that is near the limit asks again, and one that is over it waits.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace

import structlog

from agent.compaction import SUMMARY_SHARE, CompactionRules, Plan, Strategy, plan_compaction
from agent.errors import LeaseLostError, ModelError, StoreUnavailableError
from agent.ids import SessionId
from agent.loop import draft_request
from agent.ports import ModelRequest
from agent.prompt import Context, Earlier
from agent.records import JsonObject, JsonValue, Run, Usage
from agent.sizes import estimate_size, is_calibrated, measure_request
from agent.summarizing import SCHEMA, Source, SummaryRefusedError, believe_summary, build_summarizing
from agent.summary import Summary, fit_summary
from agent.text import BYTES_PER_TOKEN
from gateway import metrics
from gateway.agents import AgentConfig
from gateway.spending import Spending
from gateway.windows import Windows
from memory.compactions import Compaction, Compactions, Fence
from memory.context import Sessions

log = structlog.get_logger(__name__)
SUMMARY_S = 90.0
WAITING = 1_000
AFTER_FAILURE_RUNS = 5
MOVING_RUNS, MOVING_TOKENS = 20, 8_000
"""From here on a window is worth a summary when it begins to move; a smaller one is cheap to write anew."""
KNOWN_FAILURES = 10_000
NEXT_POSITION = 2**62
"""Behind any run there is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """The thread to make room in, for an agent. A run that goes on has a fence.

    `is_moving`: its window is large and full, so that each run would move it.
    """

    session_id: SessionId
    config: AgentConfig
    fence: Fence | None = None
    is_moving: bool = False

    @property
    def rules(self) -> CompactionRules:
        """How its agent wants it."""
        return self.config.compaction

    @property
    def model(self) -> str:
        """The name of the model that writes summaries."""
        return self.rules.model or self.config.small_model


class RunRoom:
    """`agent.room.Room` for one run. One that failed is not tried again in the same run."""

    def __init__(self, compactor: "Compactor", thread: Thread) -> None:
        self._compactor = compactor
        self._thread = thread
        self._has_failed = False

    async def limit_tokens(self, size_tokens: int) -> int:
        """The size at which the older runs should be summarised."""
        return await self._compactor.limit_tokens(self._thread.config, size_tokens)

    async def count(self, request: ModelRequest) -> int | None:
        """The exact tokens of a request, at most once in twenty turns."""
        return await self._compactor.windows.count(self._thread.session_id, request)

    async def compact(self, context: Context, *, keeps_newest: bool) -> Context | None:
        """The context with a summary in the place of its older runs; none where that failed."""
        if self._has_failed:
            return None
        smaller = await self._compactor.compact(self._thread, context, keeps_newest=keeps_newest)
        self._has_failed = smaller is None
        return smaller

    async def ask(self, build: Callable[[str], ModelRequest], schema: JsonObject) -> JsonValue:
        """What the agent's small model answers; none where it did not."""
        try:
            async with asyncio.timeout(SUMMARY_S):
                return (await self._compactor.ask(self._thread, build, schema))[0]
        except (ModelError, TimeoutError) as error:
            log.warning("not_condensed", session_id=self._thread.session_id, reason=type(error).__name__)
            return None


class Compactor:
    """Makes summaries with the gateway's model."""

    def __init__(self, sessions: Sessions, compactions: Compactions, spending: Spending, windows: Windows) -> None:
        self._sessions = sessions
        self._compactions = compactions
        self.spending = spending
        self.windows = windows
        self._queue: asyncio.Queue[tuple[Thread, int]] = asyncio.Queue(WAITING)
        self._failures: OrderedDict[SessionId, int] = OrderedDict()

    async def limit_tokens(self, config: AgentConfig, size_tokens: int) -> int:
        """When a compaction is due for an agent."""
        return await self.windows.limit_tokens(config.compaction, config.agent.model, size_tokens)

    def consider(self, session_id: SessionId, config: AgentConfig, run: Run, seen_runs: int) -> None:
        """A run has ended that saw so many past runs: look later whether its thread is to be summarised."""
        is_off = config.compaction.strategy is Strategy.DISABLED or not config.history_runs
        if is_off or not run.context_tokens or self._queue.full():
            return
        is_moving = seen_runs + 1 >= config.history_runs >= MOVING_RUNS
        thread = Thread(session_id=session_id, config=config, is_moving=is_moving)
        self._queue.put_nowait((thread, run.context_tokens))

    async def run(self) -> None:
        """Work off what was considered, until cancelled."""
        while True:
            thread, tokens = await self._queue.get()
            try:
                await self.look_after(thread, tokens)
            except (StoreUnavailableError, LeaseLostError) as error:
                log.warning("compaction_put_off", session_id=thread.session_id, error=type(error).__name__)
            except Exception as error:  # noqa: BLE001  one thread must not end the work for all; its history stays
                log.error("compaction_failed", session_id=thread.session_id, error=type(error).__name__)
            finally:
                self._queue.task_done()

    async def wait_idle(self) -> None:
        """Until all that was considered is worked off."""
        await self._queue.join()

    async def look_after(self, thread: Thread, tokens: int) -> None:
        """Summarise between two runs where the next prompt would reach the limit; `tokens` stood in the last one.

        The next prompt may be smaller, since the window of `history_runs` moves on: then nothing is done. But where a
        large window begins to move with every run, a summary moves it once for many runs, for the sake of the cache.
        """
        config = thread.config
        is_moving = thread.is_moving and tokens >= MOVING_TOKENS
        if not is_moving and tokens < await self.limit_tokens(config, tokens):
            return
        if self._rests(thread.session_id):
            return
        context = await self._sessions.load_context(
            thread.session_id, None, NEXT_POSITION, history_runs=config.history_runs, memories=None
        )
        is_full = len(context.history) == config.history_runs
        size = min(tokens, _size_of(config, context)) if is_full else tokens
        if (is_moving and is_full) or size >= await self.limit_tokens(config, size):
            await self.compact(thread, context, keeps_newest=True)

    def _rests(self, session_id: SessionId) -> bool:
        """After a failure some runs go by before it is tried again."""
        left = self._failures.get(session_id, 0)
        if left:
            self._failures[session_id] = left - 1
        return left > 0

    async def compact(self, thread: Thread, context: Context, *, keeps_newest: bool) -> Context | None:
        """Summarise, check, store, and give the context as it is from now on; none: the history stays as it was.

        Raises `LeaseLostError`.
        """
        size = _size_of(thread.config, context)
        limit = min(size, await self.limit_tokens(thread.config, size))  # the window may be smaller than we thought
        limit_bytes = _bytes_of(limit, context, thread.config.agent.model)
        plan = plan_compaction(context, thread.rules.strategy, limit_bytes, keeps_newest=keeps_newest)
        if plan is None:
            return None
        try:
            return await self._apply(thread, context, plan, int(SUMMARY_SHARE * limit))
        except (ModelError, TimeoutError, SummaryRefusedError, StoreUnavailableError) as error:
            self._count_failure(thread.session_id, error)
            return None

    async def _apply(self, thread: Thread, context: Context, plan: Plan, budget_tokens: int) -> Context:
        """Raises `SummaryRefusedError`, `ModelError`, `TimeoutError`, `StoreUnavailableError`, `LeaseLostError`."""
        summary, usage = await self._summarize(thread, context, plan)
        smaller = _swap(context, plan, fit_summary(thread.session_id, summary, budget_tokens))
        before, after = _size_of(thread.config, context), _size_of(thread.config, smaller)
        if after >= before:
            raise SummaryRefusedError("it is no shorter than what it stands for")
        compaction = _compaction(thread, context, plan, smaller, (before, after), usage)
        if not await self._compactions.save(thread.session_id, compaction, thread.fence):
            raise SummaryRefusedError("the thread has changed meanwhile")
        metrics.compactions.labels("done").inc()
        metrics.compacted_tokens.inc(before - after)
        log.info(
            "compacted", session_id=thread.session_id, runs=len(plan.cut), tokens_before=before, tokens_after=after
        )
        return smaller

    async def _summarize(self, thread: Thread, context: Context, plan: Plan) -> tuple[Summary, Usage]:
        source = Source(runs=plan.cut, before=context.earlier.summary if context.earlier else None)
        async with asyncio.timeout(SUMMARY_S):
            answer, usage = await self.ask(thread, lambda model: build_summarizing(model, source), SCHEMA)
        return believe_summary(answer, source, context.memories or ()), usage

    async def ask(
        self, thread: Thread, build: Callable[[str], ModelRequest], schema: JsonObject
    ) -> tuple[JsonValue, Usage]:
        """One call of the model that writes summaries, on the session's account. Raises `ModelError`."""
        model = await self.spending.model_for(None, thread.session_id)
        return await model.complete_json(build(thread.model), schema)

    def _count_failure(self, session_id: SessionId, error: Exception) -> None:
        outcome = "refused" if isinstance(error, SummaryRefusedError) else "failed"
        reason = str(error) if isinstance(error, SummaryRefusedError) else type(error).__name__
        metrics.compactions.labels(outcome).inc()
        log.warning("not_compacted", session_id=session_id, reason=reason)
        self._failures[session_id] = AFTER_FAILURE_RUNS
        self._failures.move_to_end(session_id)
        if len(self._failures) > KNOWN_FAILURES:
            self._failures.popitem(last=False)


def _size_of(config: AgentConfig, context: Context) -> int:
    size_bytes = measure_request(draft_request(config.agent, context))
    return estimate_size(size_bytes, context.billed, config.agent.model)


def _bytes_of(tokens: int, context: Context, model: str) -> int:
    billed = context.billed
    if billed is None or not is_calibrated(billed, model):
        return tokens * BYTES_PER_TOKEN
    return tokens * billed.size_bytes // billed.tokens


def _swap(context: Context, plan: Plan, summary: Summary) -> Context:
    earlier = Earlier(upto=plan.upto, summary=summary, opening=plan.opening)
    return replace(context, history=plan.kept, earlier=earlier, summarized_upto=plan.upto)


def _compaction(
    thread: Thread, context: Context, plan: Plan, smaller: Context, sizes: tuple[int, int], usage: Usage
) -> Compaction:
    assert smaller.earlier is not None, "it has just been put there"
    return Compaction(
        base=context.summarized_upto,
        cut=plan.cut,
        opening=plan.opening.position if plan.opening else None,
        strategy=thread.rules.strategy,
        summary=smaller.earlier.summary,
        model=thread.model,
        tokens_before=sizes[0],
        tokens_after=sizes[1],
        cost_usd=usage.cost_usd,
    )
