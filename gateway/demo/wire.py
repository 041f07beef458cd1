"""The vendor's side of the Messages API, pure: a request checked as strictly as the vendor does, a reply rendered.

The demo model and the scripted model of the tests speak through this, so that what they accept the vendor accepts.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from agent.records import JsonObject, JsonValue


class WireError(Exception):
    """A request that the vendor would answer with an error status. `kind` is the vendor's word for it."""

    def __init__(self, status: int, kind: str, message: str, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind
        self.headers = dict(headers or {})


@dataclass(frozen=True, slots=True, kw_only=True)
class WireRequest:
    """A checked request. `messages` are (role, blocks) with neighbours of one role joined; `raw` is the whole body.

    `schema` is the JSON schema the answer must follow, where one was asked for.
    """

    model: str
    max_tokens: int
    system: tuple[JsonObject, ...]
    tools: tuple[JsonObject, ...]
    messages: tuple[tuple[str, tuple[JsonObject, ...]], ...]
    is_stream: bool
    schema: JsonObject | None
    raw: JsonObject

    @property
    def tool_names(self) -> tuple[str, ...]:
        """In the order in which they were given."""
        return tuple(str(tool["name"]) for tool in self.tools)


@dataclass(frozen=True, slots=True, kw_only=True)
class WireUsage:
    """The token counts of one call."""

    input_tokens: int = 1
    output_tokens: int = 1
    cache_read_tokens: int = 0
    cache_write_5m_tokens: int = 0
    cache_write_1h_tokens: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class WireReply:
    """What a model answers: content blocks in the API's JSON form."""

    content: tuple[JsonObject, ...]
    stop_reason: str = "end_turn"
    usage: WireUsage = field(default_factory=WireUsage)
    message_id: str = "msg_demo"


def text_block(text: str) -> JsonObject:
    """A block of text."""
    return {"type": "text", "text": text}


def tool_use_block(call_id: str, name: str, arguments: JsonObject) -> JsonObject:
    """A call of a tool."""
    return {"type": "tool_use", "id": call_id, "name": name, "input": arguments}


def estimate_tokens(value: JsonValue) -> int:
    """A quarter of the bytes, at least one: near enough for accounts that cost nothing."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return max(1, len(text.encode(errors="replace")) // 4)


def digest(value: JsonValue) -> str:
    """A short name for a value, the same for the same value."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:20]


def render_error(error: WireError) -> JsonObject:
    """The body of an answer with an error status, and the data of an `error` event."""
    return {"type": "error", "error": {"type": error.kind, "message": str(error)}, "request_id": "req_demo"}


def render_usage(usage: WireUsage) -> JsonObject:
    """The `usage` object of a message."""
    return {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cache_read_input_tokens": usage.cache_read_tokens,
        "cache_creation_input_tokens": usage.cache_write_5m_tokens + usage.cache_write_1h_tokens,
        "cache_creation": {
            "ephemeral_5m_input_tokens": usage.cache_write_5m_tokens,
            "ephemeral_1h_input_tokens": usage.cache_write_1h_tokens,
        },
        "service_tier": "standard",
    }


def render_message(request: WireRequest, reply: WireReply) -> JsonObject:
    """A message in one piece."""
    return {
        "id": reply.message_id,
        "type": "message",
        "role": "assistant",
        "model": request.model,
        "content": list[JsonValue](reply.content),
        "stop_reason": reply.stop_reason,
        "stop_sequence": None,
        "usage": render_usage(reply.usage),
    }


def render_event(data: JsonObject) -> bytes:
    """One server-sent event."""
    return f"event: {data['type']}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode()


def render_start(request: WireRequest, reply: WireReply) -> JsonObject:
    """The first event's data: the message without its content."""
    message = render_message(request, reply) | {"content": [], "stop_reason": None}
    message["usage"] = render_usage(reply.usage) | {"output_tokens": 1}
    return {"type": "message_start", "message": message}


def render_end(reply: WireReply) -> tuple[JsonObject, JsonObject]:
    """The data of the last two events."""
    usage: JsonObject = {"output_tokens": reply.usage.output_tokens}
    delta: JsonObject = {"stop_reason": reply.stop_reason, "stop_sequence": None}
    return {"type": "message_delta", "delta": delta, "usage": usage}, {"type": "message_stop"}


def render_block(index: int, block: JsonObject, pieces: Sequence[str] | None = None) -> Iterator[JsonObject]:
    """The data of a block's events. `pieces` cut its growing field; by default it comes as one."""
    yield {"type": "content_block_start", "index": index, "content_block": _begin(block)}
    for delta in _deltas(block, pieces):
        yield {"type": "content_block_delta", "index": index, "delta": delta}
    yield {"type": "content_block_stop", "index": index}


def _begin(block: JsonObject) -> JsonObject:
    match block.get("type"):
        case "text":
            return block | {"text": ""}
        case "tool_use" | "server_tool_use":
            return block | {"input": {}}
        case "thinking":
            return block | {"thinking": "", "signature": ""}
        case _:
            return block


def _deltas(block: JsonObject, pieces: Sequence[str] | None) -> Iterable[JsonObject]:
    match block.get("type"):
        case "text":
            return [{"type": "text_delta", "text": p} for p in pieces or [str(block["text"])]]
        case "tool_use" | "server_tool_use":
            whole = json.dumps(block["input"], ensure_ascii=False)
            return [{"type": "input_json_delta", "partial_json": p} for p in pieces or [whole]]
        case "thinking":
            thought: list[JsonObject] = [
                {"type": "thinking_delta", "thinking": p} for p in pieces or [str(block["thinking"])]
            ]
            return [*thought, {"type": "signature_delta", "signature": block.get("signature", "")}]
        case _:
            return []
