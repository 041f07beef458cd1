"""The agent: one loop that calls the model, runs its tools, and emits typed events.

    build the thread ──► call the model ──► end_turn ────────────► the answer
                            ▲                 tool_use, pause_turn
                            └── results ◄──── run the tools side by side

It knows no store, no vendor and no channel. Whoever cancels it finds what was done so far in its `Progress`.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field, replace

from agent.errors import ContextWindowExceededError, ModelError
from agent.events import Event, TextDelta, ToolFinished, ToolStarted
from agent.ids import AgentId
from agent.ports import Model, ModelReply, ModelRequest
from agent.prompt import Context, build_system, build_thread, build_turns
from agent.records import JsonObject, Run, RunState, Task, Turn, Usage
from agent.text import storable, storable_object
from agent.tools import Tool, ToolContext, ToolUse, call_tools

CUT = "_(The answer reached its length limit and was cut here.)_"
REFUSED = "I can't help with that request."
TOO_MANY_CALLS = "The limit of tool calls for this answer is reached. Answer with what you have."
OUT_OF_TIME = "_(This took too long and was ended here.)_"
EMPTY = "I have nothing to say to that."
BETWEEN_TURNS = "\n\n"


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


@dataclass(slots=True, kw_only=True)
class Progress:
    """What a run has done so far: always fit to be kept, whenever the run is ended."""

    text: str = ""
    turns: list[Turn] = field(default_factory=list)
    usage: Usage = field(default_factory=Usage)
    model: str = ""
    stop_reason: str = ""
    calls: int = 0
    open_text: str = ""

    def add_text(self, text: str) -> str:
        """Take in a piece of the current turn's text; returns what is new of the whole."""
        piece = BETWEEN_TURNS + text if self.text and not self.open_text else text
        self.open_text += text
        self.text += piece
        return piece

    def close_turn(self, reply: ModelReply) -> None:
        """A model call is over."""
        self.usage += reply.usage
        self.model, self.stop_reason, self.open_text = reply.model, reply.stop_reason, ""


Emit = Callable[[Event], None]


async def run_agent(agent: Agent, model: Model, task: Task, context: Context, emit: Emit, progress: Progress) -> Run:
    """Answer the context's prompt. Raises `ModelError`; cancellation passes through, `progress` keeps what was done."""
    try:
        async with asyncio.timeout(agent.run_s):
            return await _run_with_smaller_window(agent, model, task, context, emit, progress)
    except TimeoutError:
        progress.stop_reason = "out_of_time"
        return finish_run(task, progress, RunState.DONE, note=OUT_OF_TIME)


async def _run_with_smaller_window(
    agent: Agent, model: Model, task: Task, context: Context, emit: Emit, progress: Progress
) -> Run:
    """A thread that does not fit is tried once more with only its last run."""
    try:
        return await _loop(agent, model, task, context, emit, progress)
    except ContextWindowExceededError:
        if len(context.history) <= 1 or progress.turns:
            raise
        return await _loop(agent, model, task, replace(context, history=context.history[-1:]), emit, progress)


async def _loop(agent: Agent, model: Model, task: Task, context: Context, emit: Emit, progress: Progress) -> Run:
    thread = build_thread(context)
    while True:
        request = ModelRequest(
            model=agent.model,
            max_tokens=agent.max_tokens,
            system=build_system(agent.instructions),
            tools=tuple(tool.spec for tool in agent.tools.values()),
            messages=(*thread, *build_turns(progress.turns)),
        )
        reply = await _call_model(model, request, emit, progress)
        match reply.stop_reason:
            case "tool_use":
                await _run_tools(agent, task, reply, emit, progress)
                if progress.calls > 2 * agent.max_tool_calls:
                    return finish_run(task, progress, RunState.DONE, note=CUT)
            case "pause_turn":
                progress.turns.append(_turn(reply))
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


async def _call_model(model: Model, request: ModelRequest, emit: Emit, progress: Progress) -> ModelReply:
    async with aclosing(model.stream(request)) as stream:
        async for item in stream:
            if isinstance(item, ModelReply):
                progress.close_turn(item)
                return item
            emit(TextDelta(text=progress.add_text(storable(item))))
    raise ModelError("the stream ended without a reply")


async def _run_tools(agent: Agent, task: Task, reply: ModelReply, emit: Emit, progress: Progress) -> None:
    uses = [_read_use(block) for block in reply.content if block.get("type") == "tool_use"]
    progress.calls += len(uses)
    if progress.calls > agent.max_tool_calls:
        calls = [replace(call, result=TOO_MANY_CALLS) for call in await call_tools({}, uses, ToolContext(task=task))]
    else:
        for use in uses:
            title = agent.tools[use.name].title if use.name in agent.tools else use.name
            emit(ToolStarted(call_id=use.call_id, name=use.name, title=title))
        calls = await call_tools(agent.tools, uses, ToolContext(task=task))
    for call in calls:
        emit(ToolFinished(call=call))
    progress.turns.append(replace(_turn(reply), tool_calls=tuple(calls)))


def _read_use(block: JsonObject) -> ToolUse:
    arguments = block.get("input")
    return ToolUse(
        call_id=str(block.get("id")),
        name=str(block.get("name")),
        arguments=arguments if isinstance(arguments, dict) else {},
    )


def _turn(reply: ModelReply) -> Turn:
    content = tuple(storable_object(block) for block in reply.content)
    return Turn(content=content, tool_calls=(), stop_reason=reply.stop_reason, usage=reply.usage)


def _finish_last(task: Task, progress: Progress, reply: ModelReply, note: str | None = None) -> Run:
    """The last turn is kept beside the earlier ones, so that the next request repeats this one word for word."""
    if progress.turns and (said := [b for b in reply.content if b.get("type") == "text" and b.get("text")]):
        progress.turns.append(_turn(replace(reply, content=tuple(said))))
    return finish_run(task, progress, RunState.DONE, note=note)


def finish_run(task: Task, progress: Progress, state: RunState, note: str | None = None) -> Run:
    """The run as it is to be kept; `note` is a sentence that follows what was said."""
    text = BETWEEN_TURNS.join(part for part in (progress.text.strip(), note) if part)
    return Run(
        run_id=task.run_id,
        session_id=task.session_id,
        state=state,
        text=text or (EMPTY if state is RunState.DONE else ""),
        model=progress.model,
        turns=tuple(progress.turns),
        stop_reason=progress.stop_reason,
        usage=progress.usage,
    )
