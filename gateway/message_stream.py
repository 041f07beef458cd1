"""A message put together from the vendor's stream of events. Pure: events in, text out, one message at the end.

The SDK's own helper parses a tool's arguments anew at every piece; here the pieces are joined once, at the end.
"""

import json
from dataclasses import dataclass, field

from agent.records import JsonObject, JsonValue
from gateway.messages_api import BadMessageError, WireMessage, count_tokens, parse_json

_CUT_SHORT = frozenset({"max_tokens", "model_context_window_exceeded", "refusal"})


class StreamedError(Exception):
    """The vendor broke the stream off with an `error` event. `kind` is the vendor's word, `message` its sentence."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(kind)
        self.kind = kind
        self.message = message


@dataclass(slots=True)
class _Part:
    """A content block while it comes: as it began, and the pieces of its growing fields."""

    block: JsonObject
    pieces: dict[str, list[str]] = field(default_factory=dict)
    citations: list[JsonValue] = field(default_factory=list)


class MessageStream:
    """Feed it the data of each event; `finish` gives the message.

    Block types and fields it does not know are kept as they came; event types it does not know are skipped.
    """

    def __init__(self) -> None:
        self._parts: dict[int, _Part] = {}
        self._usage: JsonObject = {}
        self._model = ""
        self._stop_reason = ""
        self._is_started = False
        self._is_finished = False

    def add(self, data: str) -> str:
        """Takes one event and gives the text it adds to the answer, often none.

        Raises `StreamedError` on an `error` event and `BadMessageError` on nonsense.
        """
        event = parse_json(data)
        if not isinstance(event, dict):
            raise BadMessageError("an event is not an object")
        kind = event.get("type")
        if kind == "content_block_delta":
            return self._add_delta(event)
        if kind == "content_block_start":
            return self._start_block(event)
        if kind == "message_start":
            self._start(event)
        elif kind == "message_delta":
            self._end(event)
        elif kind == "message_stop":
            self._is_finished = True
        elif kind == "error":
            error = _object(event, "error")
            raise StreamedError(str(error.get("type", "")), str(error.get("message", "")))
        return ""

    def finish(self) -> WireMessage:
        """The whole message. Raises `BadMessageError` when the stream ended before it did."""
        if not (self._is_started and self._is_finished and self._stop_reason):
            raise BadMessageError("the stream ended before the message did")
        blocks = (self._close(self._parts[index]) for index in sorted(self._parts))
        return WireMessage(
            content=tuple(block for block in blocks if block is not None),
            stop_reason=self._stop_reason,
            tokens=count_tokens(self._usage),
            model=self._model,
        )

    def _start(self, event: JsonObject) -> None:
        message = _object(event, "message")
        self._is_started = True
        self._model = str(message.get("model") or "")
        self._merge_usage(message)

    def _start_block(self, event: JsonObject) -> str:
        block = _object(event, "content_block")
        self._parts[_index(event)] = _Part(dict(block))
        return str(block.get("text", "")) if block.get("type") == "text" else ""

    def _add_delta(self, event: JsonObject) -> str:
        part = self._parts.get(_index(event))
        if part is None:
            raise BadMessageError("a piece of a block that never began")
        delta = _object(event, "delta")
        match delta.get("type"):
            case "text_delta":
                return self._grow(part, "text", delta.get("text"))
            case "input_json_delta":
                self._grow(part, "input", delta.get("partial_json"))
            case "thinking_delta":
                self._grow(part, "thinking", delta.get("thinking"))
            case "signature_delta":
                part.block["signature"] = delta.get("signature")
            case "citations_delta":
                part.citations.append(delta.get("citation"))
            case _:
                pass
        return ""

    @staticmethod
    def _grow(part: _Part, name: str, piece: JsonValue) -> str:
        text = piece if isinstance(piece, str) else ""
        part.pieces.setdefault(name, []).append(text)
        return text

    def _end(self, event: JsonObject) -> None:
        delta = _object(event, "delta")
        if reason := delta.get("stop_reason"):
            self._stop_reason = str(reason)
        self._merge_usage(event)

    def _merge_usage(self, event: JsonObject) -> None:
        """The later counts are totals, and leave out what did not change."""
        usage = event.get("usage")
        if isinstance(usage, dict):
            self._usage.update({key: value for key, value in usage.items() if value is not None})

    def _close(self, part: _Part) -> JsonObject | None:
        """The finished block; none for an empty text, and for a tool call cut short, which nobody could answer."""
        block = part.block
        for name in ("text", "thinking"):
            if name in part.pieces:
                block[name] = str(block.get(name) or "") + "".join(part.pieces[name])
        if part.citations:
            block["citations"] = part.citations
        if "input" in part.pieces and (arguments := "".join(part.pieces["input"])):
            parsed = _arguments(arguments)
            if parsed is None and self._stop_reason in _CUT_SHORT:
                return None
            if parsed is None:
                raise BadMessageError("malformed tool arguments")
            block["input"] = parsed
        return None if block.get("type") == "text" and not str(block.get("text", "")).strip() else block


def _arguments(text: str) -> JsonObject | None:
    try:
        value: JsonValue = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _object(event: JsonObject, key: str) -> JsonObject:
    value = event.get(key)
    if not isinstance(value, dict):
        raise BadMessageError(f"an event without its {key}")
    return value


def _index(event: JsonObject) -> int:
    value = event.get("index")
    if not isinstance(value, int):
        raise BadMessageError("an event without its index")
    return value
