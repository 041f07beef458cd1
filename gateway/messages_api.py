"""The Messages API's JSON, both ways, without a socket: a request rendered, a streamed message put together."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from agent.ports import Block, ModelMessage, ModelRequest, Text, ToolResult, ToolSpec
from agent.pricing import BilledTokens
from agent.records import JsonObject, JsonValue

MAX_BREAKPOINTS = 4
THINKING = frozenset({"thinking", "redacted_thinking"})


def render_request(request: ModelRequest) -> JsonObject:
    """The body of `POST /v1/messages`, without `stream`.

    What the vendor would refuse is put right here: blank texts are left out, neighbours of one role become one
    message, at most four cache breakpoints stay (the first and the last three), and none asks for an hour after one
    that asked for five minutes. Thinking of earlier runs is left out: it is signed for the exact prompt it was written
    under, which a later run no longer has (the memory block is gone, the history window has moved on).
    """
    system = [_render_text(text) for text in request.system if text.text.strip()]
    messages = _render_messages(request.messages)
    blocks = [*system, *(block for _, content in messages for block in content)]
    _limit_breakpoints(blocks)
    body: JsonObject = {"model": request.model, "max_tokens": request.max_tokens}
    if system:
        body["system"] = list[JsonValue](system)
    if request.tools:
        body["tools"] = [_render_tool(tool) for tool in request.tools]
    body["messages"] = [{"role": role, "content": list[JsonValue](content)} for role, content in messages]
    return body


def _render_messages(messages: Sequence[ModelMessage]) -> list[tuple[str, list[JsonObject]]]:
    this_run = _start_of_this_run(messages)
    rendered: list[tuple[str, list[JsonObject]]] = []
    for index, message in enumerate(messages):
        content = list(_render_blocks(message.blocks, keeps_thinking=index >= this_run))
        if not content:
            continue
        if rendered and rendered[-1][0] == message.role:
            rendered[-1][1].extend(content)
        else:
            rendered.append((message.role, content))
    return rendered


def _start_of_this_run(messages: Sequence[ModelMessage]) -> int:
    """Where the last message stands in which people speak, not tools."""
    spoken = (
        index
        for index in range(len(messages) - 1, -1, -1)
        if messages[index].role == "user" and not any(isinstance(b, ToolResult) for b in messages[index].blocks)
    )
    return next(spoken, 0)


def _render_blocks(blocks: Iterable[Block], *, keeps_thinking: bool) -> Iterator[JsonObject]:
    for block in blocks:
        if isinstance(block, Text):
            if block.text.strip():
                yield _render_text(block)
        elif isinstance(block, ToolResult):
            yield _render_result(block)
        elif keeps_thinking or block.content.get("type") not in THINKING:
            yield dict(block.content)


def _render_text(text: Text) -> JsonObject:
    return _with_breakpoint({"type": "text", "text": text.text}, text.cache_for)


def _render_result(result: ToolResult) -> JsonObject:
    block: JsonObject = {"type": "tool_result", "tool_use_id": result.call_id, "content": result.text}
    if result.is_error:
        block["is_error"] = True
    return _with_breakpoint(block, result.cache_for)


def _render_tool(tool: ToolSpec) -> JsonObject:
    return {"name": tool.name, "description": tool.description, "input_schema": tool.input_schema}


def _with_breakpoint(block: JsonObject, cache_for: str | None) -> JsonObject:
    if cache_for is not None:
        block["cache_control"] = {"type": "ephemeral", "ttl": cache_for}
    return block


def _limit_breakpoints(blocks: Iterable[JsonObject]) -> None:
    marked = [block for block in blocks if "cache_control" in block]
    kept = marked if len(marked) <= MAX_BREAKPOINTS else [marked[0], *marked[1 - MAX_BREAKPOINTS :]]
    for block in marked:
        if not any(block is other for other in kept):
            del block["cache_control"]
    is_short = False
    for block in kept:
        is_short = is_short or block["cache_control"] == {"type": "ephemeral", "ttl": "5m"}
        if is_short:
            block["cache_control"] = {"type": "ephemeral", "ttl": "5m"}


@dataclass(frozen=True, slots=True, kw_only=True)
class WireMessage:
    """A finished message as the vendor gave it. `content` may be sent back as it is."""

    content: tuple[JsonObject, ...]
    stop_reason: str
    tokens: BilledTokens
    model: str


class BadMessageError(ValueError):
    """What came is no message of the Messages API, or not the whole of one. Its text has none of the content."""


def parse_message(body: JsonValue) -> WireMessage:
    """A message that came in one piece. Raises `BadMessageError`."""
    content = body.get("content") if isinstance(body, dict) else None
    if not isinstance(body, dict) or not isinstance(content, list):
        raise BadMessageError("the answer is not a message")
    usage = body.get("usage")
    return WireMessage(
        content=tuple(block for block in content if isinstance(block, dict) and not _is_blank(block)),
        stop_reason=str(body.get("stop_reason") or "end_turn"),
        tokens=count_tokens(usage if isinstance(usage, dict) else {}),
        model=str(body.get("model") or ""),
    )


def text_of(content: Iterable[JsonObject]) -> str:
    """All text of a message."""
    return "".join(str(block.get("text", "")) for block in content if block.get("type") == "text")


def count_tokens(usage: JsonObject) -> BilledTokens:
    """The vendor's `usage` object as counts; what is missing is 0, and cache writes are for 5 minutes unless said."""
    written = _count(usage, "cache_creation_input_tokens")
    split = usage.get("cache_creation")
    hour = min(written, _count(split, "ephemeral_1h_input_tokens")) if isinstance(split, dict) else 0
    return BilledTokens(
        input=_count(usage, "input_tokens"),
        output=_count(usage, "output_tokens"),
        cache_read=_count(usage, "cache_read_input_tokens"),
        cache_write_5m=written - hour,
        cache_write_1h=hour,
    )


def _count(usage: JsonObject, key: str) -> int:
    value = usage.get(key)
    return value if isinstance(value, int) and value > 0 else 0


def _is_blank(block: JsonObject) -> bool:
    """An empty text, which the vendor writes at times and refuses when it is sent back."""
    return block.get("type") == "text" and not str(block.get("text", "")).strip()


def parse_json(text: str) -> JsonValue:
    """JSON, or `BadMessageError`."""
    try:
        value: JsonValue = json.loads(text)
    except ValueError as error:
        raise BadMessageError("malformed JSON in the stream") from error
    return value
