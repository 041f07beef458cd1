"""What a client frame of gw.v1 must and may hold, taken more strictly than a gateway does: nothing may be made up."""

import json
from typing import Any

Frame = dict[str, Any]
FRAME_BYTES = 32 * 1024
#: Fields a client frame must and may have.
FIELDS: dict[str, tuple[set[str], set[str]]] = {
    "hello": (
        {"v", "site", "cursor"},
        {"token", "session_id", "thread", "epoch", "name", "locale", "tz", "page_url"},
    ),
    "send": ({"id", "text"}, {"attachments", "reply_to"}),
    "stop": ({"run_id"}, set()),
    "feedback": ({"id", "message_id", "value"}, {"comment"}),
    "action": ({"id", "name", "value"}, set()),
    "typing": ({"on"}, set()),
    "seen": ({"cursor"}, set()),
    "history": ({"before", "limit"}, set()),
    "sessions": ({"limit"}, set()),
    "identify": ({"id", "token"}, set()),
    "refresh": ({"token"}, set()),
    "memories": ({"id", "op"}, {"memory_id", "memory"}),
    "forget": ({"id"}, set()),
    "ping": ({"n"}, set()),
}


def read_frame(raw: str | bytes) -> tuple[Frame, str]:
    """The frame, and what is wrong with it, if anything is."""
    frame: Frame = json.loads(raw)
    if isinstance(raw, bytes) or len(raw.encode()) > FRAME_BYTES:
        return frame, "a frame that is binary or over 32 KiB"
    need, may = FIELDS.get(frame["type"], (set(), set()))
    has = set(frame) - {"type"}
    is_bad = frame["type"] not in FIELDS or need - has or has - need - may
    return frame, f"bad frame {frame}" if is_bad else ""
