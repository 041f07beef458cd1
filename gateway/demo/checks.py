"""A request's body checked as the vendor checks it: what it refuses is refused here, in its words or near them."""

import re
from collections.abc import Iterable, Mapping

from agent.records import JsonObject, JsonValue
from gateway.demo.wire import WireError, WireRequest

MAX_BREAKPOINTS = 4
_FIELDS = frozenset(
    {"model", "max_tokens", "messages", "system", "tools", "tool_choice", "stream", "stop_sequences", "metadata"}
    | {
        "output_config",
        "thinking",
        "service_tier",
        "cache_control",
        "container",
        "diagnostics",
        "inference_geo",
        "speed",
    }
)
_SAMPLING = frozenset({"temperature", "top_p", "top_k"})
_USER_BLOCKS = frozenset({"text", "image", "document", "search_result", "tool_result"})
_ASSISTANT_BLOCKS_NOT = frozenset({"tool_result", "image", "document"})
_TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")


def invalid(message: str) -> WireError:
    """The vendor's answer to a request that makes no sense."""
    return WireError(400, "invalid_request_error", message)


def check_headers(headers: Mapping[str, str]) -> None:
    """Raises `WireError` without a bearer token (401) or an API version (400). Names are in lower case."""
    if not re.fullmatch(r"Bearer \S+", headers.get("authorization", "")):
        raise WireError(401, "authentication_error", "Authorization: expected a bearer token")
    if not headers.get("anthropic-version"):
        raise invalid("anthropic-version: header is required")


def parse_request(body: JsonValue, *, may_end_with_assistant: bool = False) -> WireRequest:
    """The checked request; raises `WireError` with status 400.

    A thread normally ends with a user message; after `pause_turn` it ends with the model's own.
    """
    if not isinstance(body, dict):
        raise invalid("body: expected a JSON object")
    _check_fields(body)
    system, tools = _parse_system(body.get("system")), _parse_tools(body.get("tools"))
    messages = _parse_messages(body["messages"])
    if messages[-1][0] == "assistant" and not may_end_with_assistant:
        raise invalid("This model does not support assistant message prefill. The thread must end with a user message.")
    _check_pairs(messages)
    _check_breakpoints([*tools, *system, *(block for _, blocks in messages for block in blocks)])
    return WireRequest(
        model=str(body["model"]),
        max_tokens=_positive(body["max_tokens"]),
        system=system,
        tools=tools,
        messages=messages,
        is_stream=body.get("stream") is True,
        schema=_parse_schema(body.get("output_config")),
        raw=body,
    )


def _check_fields(body: JsonObject) -> None:
    for name in body:
        if name in _SAMPLING:
            raise invalid(f"{name}: this parameter is not supported by this model")
        if name not in _FIELDS:
            raise invalid(f"{name}: Extra inputs are not permitted")
    for name in ("model", "max_tokens", "messages"):
        if name not in body:
            raise invalid(f"{name}: Field required")
    if not isinstance(body["model"], str) or not body["model"]:
        raise invalid("model: Input should be a valid string")
    if not isinstance(body.get("stream", False), bool):
        raise invalid("stream: Input should be a valid boolean")
    choice = body.get("tool_choice")
    if choice is not None and not (isinstance(choice, dict) and choice.get("type") in {"auto", "none"}):
        raise invalid("tool_choice: forced tool use is not supported by this model")


def _positive(value: JsonValue) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise invalid("max_tokens: Input should be greater than or equal to 1")
    return value


def _parse_system(value: JsonValue) -> tuple[JsonObject, ...]:
    if value is None:
        return ()
    if isinstance(value, str):
        value = [{"type": "text", "text": value}]
    blocks = _objects(value, "system")
    for index, block in enumerate(blocks):
        if block.get("type") != "text":
            raise invalid(f"system.{index}: expected a text block")
        _check_text(block, f"system.{index}")
    return blocks


def _parse_tools(value: JsonValue) -> tuple[JsonObject, ...]:
    tools = () if value is None else _objects(value, "tools")
    names: set[str] = set()
    for index, tool in enumerate(tools):
        name, schema = tool.get("name"), tool.get("input_schema")
        if not isinstance(name, str) or not _TOOL_NAME.fullmatch(name):
            raise invalid(f"tools.{index}.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'")
        if name in names:
            raise invalid("tools: Tool names must be unique.")
        if not isinstance(schema, dict) or schema.get("type") != "object":
            raise invalid(f"tools.{index}.input_schema.type: Input should be 'object'")
        if extra := set(tool) - {"name", "description", "input_schema", "cache_control", "type", "strict"}:
            raise invalid(f"tools.{index}.{min(extra)}: Extra inputs are not permitted")
        names.add(name)
    return tools


def _parse_messages(value: JsonValue) -> tuple[tuple[str, tuple[JsonObject, ...]], ...]:
    joined: list[tuple[str, tuple[JsonObject, ...]]] = []
    for index, message in enumerate(_objects(value, "messages")):
        where, role = f"messages.{index}", message.get("role")
        if role not in ("user", "assistant"):
            raise invalid(f"{where}.role: Input should be 'user' or 'assistant'")
        if extra := set(message) - {"role", "content"}:
            raise invalid(f"{where}.{min(extra)}: Extra inputs are not permitted")
        blocks = _parse_content(message.get("content"), str(role), f"{where}.content")
        if joined and joined[-1][0] == role:
            joined[-1] = (str(role), joined[-1][1] + blocks)
        else:
            joined.append((str(role), blocks))
    if not joined:
        raise invalid("messages: at least one message is required")
    if joined[0][0] != "user":
        raise invalid("messages: first message must use the user role")
    return tuple(joined)


def _parse_content(value: JsonValue, role: str, where: str) -> tuple[JsonObject, ...]:
    blocks = _objects([{"type": "text", "text": value}] if isinstance(value, str) else value, where)
    if not blocks:
        raise invalid(f"{where}: message content must not be empty")
    for index, block in enumerate(blocks):
        at, kind = f"{where}.{index}", block.get("type")
        if not isinstance(kind, str):
            raise invalid(f"{at}.type: Field required")
        if (role == "user" and kind not in _USER_BLOCKS) or (role == "assistant" and kind in _ASSISTANT_BLOCKS_NOT):
            raise invalid(f"{at}: `{kind}` blocks are not allowed in {role} messages")
        _check_block(block, kind, at)
    return blocks


def _check_block(block: JsonObject, kind: str, at: str) -> None:
    if kind == "text":
        _check_text(block, at)
    elif kind == "tool_use":
        if not isinstance(block.get("id"), str) or not isinstance(block.get("name"), str):
            raise invalid(f"{at}.tool_use: id and name are required")
        if not isinstance(block.get("input"), dict):
            raise invalid(f"{at}.tool_use.input: Input should be an object")
    elif kind == "tool_result":
        if not isinstance(block.get("tool_use_id"), str):
            raise invalid(f"{at}.tool_result.tool_use_id: Field required")
        if extra := set(block) - {"type", "tool_use_id", "content", "is_error", "cache_control"}:
            raise invalid(f"{at}.{min(extra)}: Extra inputs are not permitted")
    elif kind == "thinking":
        if not isinstance(block.get("signature"), str) or not block["signature"]:
            raise invalid(f"{at}.thinking.signature: Field required")
        if "cache_control" in block:
            raise invalid(f"{at}.thinking.cache_control: Extra inputs are not permitted")


def _check_text(block: JsonObject, at: str) -> None:
    text = block.get("text")
    if not isinstance(text, str) or not text.strip():
        raise invalid(f"{at}: text content blocks must contain non-whitespace text")
    if extra := set(block) - {"type", "text", "cache_control", "citations"}:
        raise invalid(f"{at}.text.{min(extra)}: Extra inputs are not permitted")


def _check_pairs(messages: tuple[tuple[str, tuple[JsonObject, ...]], ...]) -> None:
    """Every call is answered at once, first thing, and nothing else is answered."""
    asked: list[str] = []
    for index, (role, blocks) in enumerate(messages):
        results = [str(block["tool_use_id"]) for block in blocks if block["type"] == "tool_result"]
        if any(block["type"] != "tool_result" for block in blocks[: len(results)]):
            raise invalid(f"messages.{index}: `tool_result` blocks must come first")
        if missing := [call for call in asked if call not in results]:
            raise invalid(
                f"messages.{index}: `tool_use` ids were found without `tool_result` blocks immediately after: "
                + ", ".join(missing)
            )
        if unknown := [call for call in results if call not in asked]:
            raise invalid(f"messages.{index}: unexpected `tool_use_id` found in `tool_result` blocks: {unknown[0]}")
        if len(set(results)) != len(results):
            raise invalid(f"messages.{index}: each tool_use must have a single result")
        asked = [str(block["id"]) for block in blocks if block["type"] == "tool_use"] if role == "assistant" else []
        if len(set(asked)) != len(asked):
            raise invalid(f"messages.{index}: `tool_use` ids must be unique")
    if asked:
        raise invalid("messages: `tool_use` ids were found without `tool_result` blocks immediately after")


def _check_breakpoints(blocks: Iterable[JsonObject]) -> None:
    marks = [block["cache_control"] for block in blocks if block.get("cache_control") is not None]
    if len(marks) > MAX_BREAKPOINTS:
        raise invalid(f"A maximum of {MAX_BREAKPOINTS} blocks with cache_control may be provided. Found {len(marks)}.")
    has_short = False
    for mark in marks:
        if not isinstance(mark, dict) or mark.get("type") != "ephemeral" or mark.get("ttl", "5m") not in ("5m", "1h"):
            raise invalid("cache_control: expected {'type': 'ephemeral', 'ttl': '5m' or '1h'}")
        if mark.get("ttl") == "1h" and has_short:
            raise invalid("cache_control.ttl: a ttl='1h' block must not come after a ttl='5m' block")
        has_short = has_short or mark.get("ttl", "5m") == "5m"


def _parse_schema(config: JsonValue) -> JsonObject | None:
    if config is None:
        return None
    if not isinstance(config, dict) or set(config) - {"format", "effort"}:
        raise invalid("output_config: Extra inputs are not permitted")
    form = config.get("format")
    if form is None:
        return None
    if not isinstance(form, dict) or form.get("type") != "json_schema" or not isinstance(form.get("schema"), dict):
        raise invalid("output_config.format: expected {'type': 'json_schema', 'schema': {...}}")
    schema = form["schema"]
    _check_schema(schema)
    return schema if isinstance(schema, dict) else None


def _check_schema(schema: JsonValue) -> None:
    if isinstance(schema, list):
        for item in schema:
            _check_schema(item)
    if not isinstance(schema, dict):
        return
    if schema.get("type") == "object" and schema.get("additionalProperties") is not False:
        raise invalid("output_config.format.schema: For 'object' type, 'additionalProperties' must be set to false")
    if found := set(schema) & {"minLength", "maxLength", "minimum", "maximum", "multipleOf", "maxItems"}:
        raise invalid(f"output_config.format.schema: property '{min(found)}' is not supported")
    for value in schema.values():
        _check_schema(value)


def _objects(value: JsonValue, where: str) -> tuple[JsonObject, ...]:
    if not isinstance(value, list):
        raise invalid(f"{where}: Input should be a valid list")
    objects = tuple(item for item in value if isinstance(item, dict))
    if len(objects) != len(value):
        raise invalid(f"{where}: Input should be a list of objects")
    return objects
