"""The agent: one loop that calls the model, runs its tools, and emits typed events.

    build the thread ──► call the model ──► end_turn ────────────► the answer
                            ▲                 tool_use, pause_turn
                            └── results ◄──── run the tools side by side ──► one needs approval: the question

It knows no store, no vendor and no channel. Whoever cancels it finds what was done so far in its `Progress`.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace

from agent.approvals import NEEDS_APPROVAL, Decided, build_ask, build_calls, find_awaited, render_question
from agent.calling import Caller, make_calls, make_calls_again
from agent.condensing import condense_results
from agent.errors import ContextWindowExceededError, ModelError
from agent.events import Event, TextDelta, ToolFinished
from agent.ids import AgentId
from agent.payloads import ResultRules
from agent.ports import Journal, Model, ModelReply, ModelRequest
from agent.progress import Progress, finish_run
from agent.prompt import Context, build_system, build_thread, build_turns, find_asker_words
from agent.records import Run, RunState, ToolCall, Turn
from agent.replies import asks_for_tools, read_turn, read_use
from agent.room import Room, make_room
from agent.tasks import Task
from agent.text import storable
from agent.tools import Tool

CUT = "_(The answer reached its length limit and was cut here.)_"
REFUSED = "I can't help with that request."
TOO_MANY_CALLS = "The limit of tool calls for this answer is reached. Answer with what you have."
OUT_OF_TIME = "_(This took too long and was ended here.)_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """How an agent thinks: its model, instructions, tools and limits."""

    agent_id: AgentId
    model: str
    instructions: str
    tools: Mapping[str, Tool] = field(default_factory=dict)
    max_tokens: int = 8_000
    max_tool_calls: int = 20
    run_s: float = 600.0
    results: ResultRules = field(default_factory=ResultRules)


Emit = Callable[[Event], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One attempt at one task: whose, with what, and where what happens is told and kept."""

    agent: Agent
    model: Model
    task: Task
    journal: Journal
    emit: Emit
    progress: Progress
    room: Room | None = None


async def run_agent(work: Work, context: Context) -> Run:
    """Answer the context's prompt, going on after the turns of an earlier attempt where there was one.

    Raises `ModelError`; cancellation passes through, and `work.progress` keeps what was done.
    """
    limit = asyncio.timeout(work.agent.run_s)
    try:
        async with limit:
            work.progress.context = context
            await _take_up(work, context.turns)
            await _go_on(work, context.decided)
            return _ask(work, context) or await _run_with_smaller_window(work, context)
    except TimeoutError:
        if not limit.expired():
            raise
        work.progress.stop_reason = "out_of_time"
        return finish_run(work.task, work.progress, RunState.DONE, note=OUT_OF_TIME)


async def _take_up(work: Work, turns: Sequence[Turn]) -> None:
    """What an earlier attempt said and did stands. A tool that was running runs again only where that does no harm."""
    progress = work.progress
    for n, turn in enumerate(turns):
        for text in (str(block["text"]) for block in turn.content if block.get("type") == "text"):
            work.emit(TextDelta(text=progress.add_text(text)))
        progress.open_text = ""
        progress.usage += turn.usage
        progress.calls += len(turn.tool_calls)
        if all(call.is_done for call in turn.tool_calls):
            progress.turns.append(turn)
        else:
            progress.turns.append(
                replace(turn, tool_calls=tuple(await make_calls_again(_caller(work), turn.tool_calls)))
            )
            await work.journal.record_results(n, progress.turns[n])


def _caller(work: Work) -> Caller:
    agent, context = work.agent, work.progress.context
    decided = context.decided if context else ()
    return Caller(
        tools=agent.tools,
        task=work.task,
        decided=decided,
        result_tokens=agent.results.result_tokens,
        said=find_asker_words(context) if context else "",
    )


async def _go_on(work: Work, decided: Sequence[Decided]) -> None:
    """What was decided about calls of earlier runs stands as calls of this one, once."""
    made = {call.call_id for turn in work.progress.turns for call in turn.tool_calls}
    if left := [one for one in decided if one.approval_id not in made]:
        await _run_tools(work, build_calls(left, work.agent.model))


def _ask(work: Work, context: Context) -> Run | None:
    """The end of a run that has made calls which need approval; none where it has made none."""
    turns, task = work.progress.turns, work.task
    if task.user is None or not (awaited := find_awaited(work.agent.tools, turns)):
        return None
    asks = [(build_ask(work.agent.tools, call, task.user.id), call) for call in awaited]
    work.progress.stop_reason = NEEDS_APPROVAL
    question = render_question(asks, context.prompt[-1].author.name if context.prompt else task.user.display_name)
    run = finish_run(task, work.progress, RunState.DONE, note=question)
    return replace(run, asks=tuple(ask for ask, _ in asks))


async def _run_with_smaller_window(work: Work, context: Context) -> Run:
    """A thread that does not fit is summarised and tried once more; without a summary, with only its last run."""
    progress = work.progress
    try:
        return await _loop(work, context)
    except ContextWindowExceededError:
        context = progress.context or context
        smaller = await work.room.compact(context, keeps_newest=False) if work.room else None
        if smaller is None and (len(context.history) <= 1 or progress.turns):
            raise
        progress.context = smaller or replace(context, history=context.history[-1:])
        progress.drop_open_text()
        return await _loop(work, context)


def draft_request(agent: Agent, context: Context, turns: Sequence[Turn] = (), shortened: int = 0) -> ModelRequest:
    """The request of an agent after these turns of a run; the first `shortened` of them stand with short results."""
    return ModelRequest(
        model=agent.model,
        max_tokens=agent.max_tokens,
        system=build_system(agent.instructions),
        tools=tuple(tool.spec for tool in agent.tools.values()),
        messages=(*build_thread(context, agent.results), *build_turns(turns, shortened)),
    )


async def _fit_request(work: Work) -> ModelRequest:
    """The next request. Where nothing older can give way, the run's own older results do."""
    progress = work.progress
    assert progress.context is not None, "a run begins with its context"

    def draft(context: Context) -> ModelRequest:
        return draft_request(work.agent, context, progress.turns, progress.shortened)

    if work.room is None:
        return draft(progress.context)
    billed = progress.billed or progress.context.billed
    progress.context, request, fits = await make_room(work.room, progress.context, draft, billed)
    if fits or progress.shortened >= len(progress.turns) - 1:
        return request
    progress.shortened = len(progress.turns) - 1
    return draft(progress.context)


async def _loop(work: Work, context: Context) -> Run:
    agent, task, progress = work.agent, work.task, work.progress
    while True:
        reply = await _call_model(work, await _fit_request(work))
        match reply.stop_reason:
            case "tool_use" if asks_for_tools(reply):
                await _run_tools(work, reply)
                if (run := _ask(work, context)) is not None:
                    return run
            case "pause_turn":
                progress.calls += 1
                await work.journal.record_calls(len(progress.turns), read_turn(reply))
                progress.turns.append(read_turn(reply))
            case "refusal":
                progress.text = ""
                return finish_run(task, progress, RunState.DONE, note=REFUSED)
            case "max_tokens":
                return _finish_last(task, progress, reply, note=CUT)
            case "model_context_window_exceeded":
                if not any(block.get("type") == "text" for block in reply.content):
                    raise ContextWindowExceededError(reply.stop_reason)
                return _finish_last(task, progress, reply, note=CUT)
            case _:
                return _finish_last(task, progress, reply)
        if progress.calls > 2 * agent.max_tool_calls:
            return finish_run(task, progress, RunState.DONE, note=CUT)


async def _call_model(work: Work, request: ModelRequest) -> ModelReply:
    async with aclosing(work.model.stream(request)) as stream:
        async for item in stream:
            if isinstance(item, ModelReply):
                work.progress.close_turn(request, item)
                return item
            work.emit(TextDelta(text=work.progress.add_text(storable(item))))
    raise ModelError("the stream ended without a reply")


async def _run_tools(work: Work, reply: ModelReply) -> None:
    """Write the calls down, run them side by side, and write down what came of them."""
    agent, progress = work.agent, work.progress
    uses = [read_use(block) for block in reply.content if block.get("type") == "tool_use"]
    pending = (ToolCall(call_id=u.call_id, name=u.name, arguments=u.arguments, is_done=False) for u in uses)
    turn, n = replace(read_turn(reply), tool_calls=tuple(pending)), len(progress.turns)
    await work.journal.record_calls(n, turn)
    progress.calls += len(uses)
    if progress.calls > agent.max_tool_calls:
        calls = [replace(c, result=TOO_MANY_CALLS, is_error=True, is_done=True) for c in turn.tool_calls]
    else:
        calls = await make_calls(_caller(work), uses, work.emit)
    turn = replace(turn, tool_calls=tuple(calls))
    progress.turns.append(turn)
    for call in calls:
        work.emit(ToolFinished(call=call))
    await work.journal.record_results(n, turn)
    if work.room is not None:
        await condense_results(progress.turns, agent.results, work.room, work.journal)


def _finish_last(task: Task, progress: Progress, reply: ModelReply, note: str | None = None) -> Run:
    """The last turn is kept beside the earlier ones, so that the next request repeats this one word for word."""
    if progress.turns and (said := [b for b in reply.content if b.get("type") == "text" and b.get("text")]):
        progress.turns.append(read_turn(replace(reply, content=tuple(said))))
    return finish_run(task, progress, RunState.DONE, note=note)
