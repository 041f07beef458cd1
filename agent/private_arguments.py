"""Arguments of calls in which stands what is remembered about a person. Pure.

Such a call belongs to the run that makes it. Others read the thread later, and a fact that was forgotten stays nowhere:
so these arguments are neither kept nor shown once the call is over.
"""

from collections.abc import Mapping
from dataclasses import replace

from agent.approvals import HIDDEN
from agent.asks import AWAITED
from agent.records import JsonObject, Turn

MEMORY_TOOL = "update_user_memory"
PRIVATE_ARGUMENTS: Mapping[str, frozenset[str]] = {MEMORY_TOOL: frozenset({"memory", "new_memory"})}
"""By the tool's name."""


def hide_arguments(turn: Turn) -> Turn:
    """The turn as it is kept, and as later runs see it: the same blocks and calls, private arguments hidden.

    A call that waits for approval keeps them: it is made with them later, and everybody was asked about them.
    """
    names = {call.call_id: call.name for call in turn.tool_calls if call.result != AWAITED}
    if PRIVATE_ARGUMENTS.keys().isdisjoint(names.values()):
        return turn
    calls = (replace(c, arguments=_hide(c.name, c.arguments)) if c.call_id in names else c for c in turn.tool_calls)
    return replace(turn, content=tuple(_hide_in(block, names) for block in turn.content), tool_calls=tuple(calls))


def _hide_in(block: JsonObject, names: Mapping[str, str]) -> JsonObject:
    name, arguments = names.get(str(block.get("id"))), block.get("input")
    if block.get("type") != "tool_use" or name is None or not isinstance(arguments, dict):
        return block
    return {**block, "input": _hide(name, arguments)}


def _hide(name: str, arguments: JsonObject) -> JsonObject:
    private = PRIVATE_ARGUMENTS.get(name, frozenset())
    return {key: HIDDEN if value and key in private else value for key, value in arguments.items()}
