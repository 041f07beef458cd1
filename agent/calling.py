"""How a turn's calls of tools are made: what needs approval is held back, the rest runs side by side."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from agent.approvals import Decided, hold_calls, list_approved
from agent.events import Event, ToolStarted
from agent.payloads import add_excerpt
from agent.records import ToolCall
from agent.tasks import Task
from agent.tools import Tool, ToolContext, ToolUse, call_tools

OUTCOME_UNKNOWN = (
    "The outcome is unknown: the process ended while this tool ran, and running it again may do it twice. "
    "Find out what happened before you try again, or tell the person."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who calls: the run's tools and task, what was decided about earlier calls, how long a result may be; the asker's
    own words."""

    tools: Mapping[str, Tool]
    task: Task
    decided: Sequence[Decided]
    result_tokens: int
    said: str = ""

    async def call(self, uses: Sequence[ToolUse]) -> list[ToolCall]:
        """Make these calls side by side."""
        context = ToolContext(task=self.task, said=self.said)
        return await call_tools(self.tools, uses, context, list_approved(self.decided))

    def hold(self, uses: Sequence[ToolUse]) -> dict[str, ToolCall]:
        """By call id what must not run now."""
        return hold_calls(self.tools, uses, self.decided, has_asker=self.task.user is not None)


async def make_calls(caller: Caller, uses: Sequence[ToolUse], emit: Callable[[Event], None]) -> list[ToolCall]:
    """Make the calls that may be made; what came of each, in the order asked."""
    held = caller.hold(uses)
    free = [use for use in uses if use.call_id not in held]
    for use in free:
        title = caller.tools[use.name].title if use.name in caller.tools else use.name
        emit(ToolStarted(call_id=use.call_id, name=use.name, title=title))
    made = iter(await caller.call(free))
    return [held[use.call_id] if use.call_id in held else _cut(caller, next(made)) for use in uses]


async def make_calls_again(caller: Caller, calls: Sequence[ToolCall]) -> list[ToolCall]:
    """An earlier attempt ended in these. What was held back did not run; the rest runs again where that is harmless."""
    left = [ToolUse(call_id=c.call_id, name=c.name, arguments=c.arguments) for c in calls if not c.is_done]
    held = caller.hold(left)
    repeatable = {name for name, tool in caller.tools.items() if tool.is_repeatable}
    again = [use for use in left if use.call_id not in held and use.name in repeatable]
    made = await caller.call(again)
    done = held | {call.call_id: _cut(caller, call) for call in made}
    return [c if c.is_done else done.get(c.call_id) or _end_unknown(c) for c in calls]


def _cut(caller: Caller, call: ToolCall) -> ToolCall:
    return add_excerpt(call, caller.result_tokens)


def _end_unknown(call: ToolCall) -> ToolCall:
    return replace(call, result=OUTCOME_UNKNOWN, is_error=True, is_done=True)
