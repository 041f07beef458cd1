"""What a model's reply says: its turn for the history, and the tools it asks for."""

from agent.ports import ModelReply
from agent.records import JsonObject, Turn
from agent.text import storable_object
from agent.tools import ToolUse


def asks_for_tools(reply: ModelReply) -> bool:
    """Whether there is a call in it."""
    return any(block.get("type") == "tool_use" for block in reply.content)


def read_use(block: JsonObject) -> ToolUse:
    """A call out of its block."""
    arguments = block.get("input")
    return ToolUse(
        call_id=str(block.get("id")),
        name=str(block.get("name")),
        arguments=storable_object(arguments) if isinstance(arguments, dict) else {},
    )


def read_turn(reply: ModelReply) -> Turn:
    """The turn, with no calls yet."""
    content = tuple(storable_object(block) for block in reply.content)
    return Turn(content=content, tool_calls=(), stop_reason=reply.stop_reason, usage=reply.usage)
