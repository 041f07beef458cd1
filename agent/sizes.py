"""How large a request is, before anybody counted it: our own measure, calibrated by what the vendor billed. Pure."""

import json
from collections.abc import Iterable
from dataclasses import dataclass

from agent.ports import Block, ModelRequest, Text, ToolResult
from agent.records import JsonObject
from agent.text import BYTES_PER_TOKEN

_THINKING = frozenset({"thinking", "redacted_thinking"})


@dataclass(frozen=True, slots=True, kw_only=True)
class BilledSize:
    """All that stood in a model's window when a call ended: by its bill, and by our own measure."""

    model: str
    tokens: int
    size_bytes: int


def measure_request(request: ModelRequest) -> int:
    """The bytes of all texts of a request. Thinking is left out: it is not given back."""
    tools = sum(len(tool.name) + _length(tool.description) + _json_length(tool.input_schema) for tool in request.tools)
    system = sum(_length(text.text) for text in request.system)
    return tools + system + sum(measure_blocks(message.blocks) for message in request.messages)


def measure_blocks(blocks: Iterable[Block]) -> int:
    """The bytes of some blocks."""
    return sum(_measure(block) for block in blocks)


def measure_content(content: Iterable[JsonObject]) -> int:
    """The bytes of what a model wrote, in the Messages API's JSON form."""
    return sum(_measure_json(block) for block in content)


def estimate_size(size_bytes: int, billed: BilledSize | None, model: str) -> int:
    """The tokens of so many bytes for this model: as it billed its last call, or three bytes to a token."""
    if billed is None or not is_calibrated(billed, model):
        return -(-size_bytes // BYTES_PER_TOKEN)
    return -(-size_bytes * billed.tokens // billed.size_bytes)


def is_calibrated(billed: BilledSize | None, model: str) -> bool:
    """Whether a bill tells something of this model; an undated name stands for its dated releases."""
    if billed is None or not billed.tokens or not billed.size_bytes or not billed.model:
        return False
    return billed.model.startswith(model) or model.startswith(billed.model)


def _measure(block: Block) -> int:
    if isinstance(block, Text | ToolResult):
        return _length(block.text)
    return _measure_json(block.content)


def _measure_json(block: JsonObject) -> int:
    kind = block.get("type")
    if kind in _THINKING:
        return 0
    return _length(str(block.get("text", ""))) if kind == "text" else _json_length(block)


def _json_length(value: JsonObject) -> int:
    return _length(json.dumps(value, ensure_ascii=False))


def _length(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode(errors="surrogatepass"))
