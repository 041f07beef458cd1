"""Block Kit: checked as it comes in, and searched for what can be clicked."""

from collections.abc import Iterator
from typing import Any

from adapters.slack_fake.errors import RefusalError
from adapters.slack_fake.json_types import Json

BLOCK_TYPES = frozenset(
    {"actions", "context", "context_actions", "divider", "file", "header", "image", "input", "markdown", "plan"}
    | {"rich_text", "section", "table", "task_card", "video", "card", "carousel", "container", "alert"}
)
MAX_BLOCKS, MAX_VIEW_BLOCKS, MAX_SECTION, MAX_MARKDOWN = 50, 100, 3_000, 12_000
MAX_HEADER, MAX_ACTIONS = 150, 25
METADATA_LIMIT = 8_000


def parse_blocks(blocks: Any, *, limit: int = MAX_BLOCKS) -> list[Json]:
    """Blocks that Slack would take. What it would not is `invalid_blocks`, with the place in `response_metadata`."""
    if blocks is None:
        return []
    if not isinstance(blocks, list):
        raise RefusalError("invalid_blocks_format")
    if len(blocks) > limit:
        raise _bad(f"no more than {limit} items allowed [json-pointer:/blocks]")
    seen: set[str] = set()
    for index, block in enumerate(blocks):
        problem = _problem(block)
        block_id = block.get("block_id") if isinstance(block, dict) else None
        if problem is None and block_id is not None and block_id in seen:
            problem = "duplicate block_id"
        if problem is not None:
            raise _bad(f"{problem} [json-pointer:/blocks/{index}]")
        seen.add(str(block_id))
    if sum(len(b.get("text", "")) for b in blocks if b["type"] == "markdown") > MAX_MARKDOWN:
        raise RefusalError("msg_blocks_too_long")
    return [_with_ids(block, index) for index, block in enumerate(blocks)]


def _bad(message: str) -> RefusalError:
    return RefusalError("invalid_blocks", response_metadata={"messages": [f"[ERROR] {message}"]})


def _with_ids(block: Json, index: int) -> Json:
    """Slack names blocks and actions that have no name yet."""
    named = {"block_id": f"fb{index}", **block}
    for key in ("elements",):
        if named["type"] in {"actions", "context_actions"} and isinstance(named.get(key), list):
            named[key] = [{"action_id": f"fa{index}-{place}", **element} for place, element in enumerate(named[key])]
    return named


def _problem(block: Any) -> str | None:
    if not isinstance(block, dict) or not isinstance(block.get("type"), str) or block["type"] not in BLOCK_TYPES:
        return f"unsupported type: {block.get('type') if isinstance(block, dict) else 'none'}"
    if not isinstance(block.get("block_id", ""), str):
        return "block_id: must be a string"
    kind = block["type"]
    if kind == "section":
        return _section_problem(block)
    if kind == "markdown" and not (isinstance(block.get("text"), str) and block["text"]):
        return "missing required field: text"
    if kind == "header" and not 0 < len(_text_of(block.get("text"))) <= MAX_HEADER:
        return f"text: must be less than {MAX_HEADER + 1} characters and more than 0"
    if kind == "input" and not (_is_element(block.get("element")) and isinstance(block.get("label"), dict)):
        return "missing required field: label or element"
    if kind in {"actions", "context_actions", "context"} and not _has_elements(block):
        return f"elements: between 1 and {MAX_ACTIONS} elements"
    return None


def _is_element(element: Any) -> bool:
    is_typed = isinstance(element, dict) and isinstance(element.get("type"), str)
    return is_typed and isinstance(element.get("action_id", ""), str)


def _has_elements(block: Json) -> bool:
    elements = block.get("elements")
    return isinstance(elements, list) and 0 < len(elements) <= MAX_ACTIONS and all(map(_is_element, elements))


def _section_problem(block: Json) -> str | None:
    text, fields, accessory = block.get("text"), block.get("fields"), block.get("accessory")
    if text is None and not fields:
        return "missing required field: text"
    if text is not None and (not isinstance(text, dict) or text.get("type") not in ("mrkdwn", "plain_text")):
        return "text: must be a text object"
    if text is not None and not 0 < len(_text_of(text)) <= MAX_SECTION:
        return f"text: must be less than {MAX_SECTION + 1} characters and more than 0"
    if fields is not None and not (isinstance(fields, list) and all(isinstance(f, dict) for f in fields)):
        return "fields: must be text objects"
    return None if accessory is None or _is_element(accessory) else "accessory: must be an element"


def _text_of(text: Any) -> str:
    return text["text"] if isinstance(text, dict) and isinstance(text.get("text"), str) else ""


def parse_metadata(metadata: Any) -> Json | None:
    """`{event_type, event_payload}`; anything else is refused."""
    if metadata is None:
        return None
    if not isinstance(metadata, dict):
        raise RefusalError("invalid_metadata_format")
    if not isinstance(metadata.get("event_type"), str) or not isinstance(metadata.get("event_payload"), dict):
        raise RefusalError("invalid_metadata_schema")
    if len(str(metadata)) > METADATA_LIMIT:
        raise RefusalError("metadata_too_large")
    return metadata


def list_actions(blocks: list[Json]) -> Iterator[tuple[Json, Json]]:
    """Everything that can be clicked or filled in: (block, element)."""
    for block in blocks:
        candidates = [*block.get("elements", [])] if block["type"] in {"actions", "context_actions"} else []
        candidates += [block[key] for key in ("accessory", "element") if isinstance(block.get(key), dict)]
        yield from ((block, element) for element in candidates if isinstance(element, dict) and "action_id" in element)


def find_action(blocks: list[Json], action_id: str) -> tuple[Json, Json] | None:
    """The element with an action id, and its block."""
    return next(((b, e) for b, e in list_actions(blocks) if e["action_id"] == action_id), None)
