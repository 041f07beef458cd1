"""What a client may send in `gw.v1`. (What it is sent: `replies.py`.) No other module knows the form of a frame.

Unknown fields are ignored, so that a newer client can talk to an older gateway. A known field of a wrong type or size
refuses the frame by its name. Texts are made storable on the way in: lone surrogates and NUL become U+FFFD.
"""

import json
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError

from adapters.widget.conversations import is_thread_name
from adapters.widget.errors import BadFrameError
from adapters.widget.limits import COMMENT_CHARACTERS, FILES, HISTORY_MESSAGES, SESSIONS
from agent.records import JsonObject, JsonValue
from agent.text import storable_object

VERSION = 1
SUBPROTOCOL = "gw.v1"

Count = Annotated[int, Field(ge=0, le=2**53)]
Uuid = Annotated[str, StringConstraints(pattern=r"^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$")]
Word = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class _Frame(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)


class Hello(_Frame):
    """Who is there, where, and what they have already."""

    type: Literal["hello"]
    v: int
    site: Word
    token: str | None = None
    session_id: Word | None = None
    thread: str | None = None
    epoch: str | None = None
    cursor: Count
    name: str | None = None
    locale: str | None = None
    tz: str | None = None
    page_url: str | None = None


class Attached(_Frame):
    """A file that was uploaded for this message."""

    id: Word


class Send(_Frame):
    """A message. `id` is its idempotency key."""

    type: Literal["send"]
    id: Uuid
    text: str
    attachments: Annotated[list[Attached], Field(max_length=FILES)] | None = None
    reply_to: str | None = None


class Stop(_Frame):
    """Stop a run, keep its partial text."""

    type: Literal["stop"]
    run_id: Word


class Seen(_Frame):
    """Read up to here."""

    type: Literal["seen"]
    cursor: Count


class History(_Frame):
    """Older messages: those with seq < `before`."""

    type: Literal["history"]
    before: Annotated[int, Field(ge=1, le=2**53)]
    limit: Annotated[int, Field(ge=1, le=HISTORY_MESSAGES)] = 50


class Sessions(_Frame):
    """This person's conversations."""

    type: Literal["sessions"]
    limit: Annotated[int, Field(ge=1, le=SESSIONS)] = 20


class Refresh(_Frame):
    """A fresh token before the old one expires."""

    type: Literal["refresh"]
    token: str


class Typing(_Frame):
    """Whether the person is writing."""

    type: Literal["typing"]
    on: bool


class Ping(_Frame):
    """Answered by a `pong` with the same number."""

    type: Literal["ping"]
    n: int = Field(ge=-(2**53), le=2**53)


class Feedback(_Frame):
    """What the person thinks of an answer."""

    type: Literal["feedback"]
    id: Word
    message_id: Word
    value: Literal["up", "down"]
    comment: Annotated[str, StringConstraints(max_length=COMMENT_CHARACTERS)] | None = None


class Action(_Frame):
    """A button was pressed."""

    type: Literal["action"]
    id: Word
    name: Word
    value: str


class Identify(_Frame):
    """The visitor becomes a person that the site knows."""

    type: Literal["identify"]
    id: Word
    token: str


class Link(_Frame):
    """Prove that an account on another channel is the same person's: ask for a code, or say one."""

    type: Literal["link"]
    id: Word
    code: Annotated[str, StringConstraints(min_length=1, max_length=40)] | None = None


class Memories(_Frame):
    """What is remembered about the person."""

    type: Literal["memories"]
    id: Word
    op: Literal["list", "update", "delete", "clear"]
    memory_id: Word | None = None
    memory: Annotated[str, StringConstraints(max_length=1_000)] | None = None


class Forget(_Frame):
    """Erase the person's data."""

    type: Literal["forget"]
    id: Word


Talk: TypeAlias = Send | Stop | Seen | History | Sessions | Typing | Ping | Feedback | Action
Personal: TypeAlias = Refresh | Identify | Link | Memories | Forget
"""Frames about the person themselves."""

Frame: TypeAlias = Hello | Talk | Personal
_FRAMES: TypeAdapter[Frame] = TypeAdapter(Annotated[Frame, Field(discriminator="type")])

_EXPECTED = {
    "missing": "a value",
    "string_type": "a string",
    "string_unicode": "a string",
    "int_type": "a whole number",
    "bool_type": "true or false",
    "list_type": "a list",
    "model_type": "an object",
    "too_long": "at most {max_length} of them",
    "string_pattern_mismatch": "a UUID",
    "union_tag_not_found": "the name of a frame",
    "union_tag_invalid": "the name of a frame of this protocol",
    "greater_than_equal": "at least {ge}",
    "less_than_equal": "at most {le}",
    "string_too_short": "at least {min_length} characters",
    "string_too_long": "at most {max_length} characters",
    "literal_error": "one of {expected}",
}


def parse_frame(text: str) -> Frame:
    """Raises `BadFrameError`, which names the field and what was expected, and nothing else."""
    try:
        value: JsonValue = json.loads(text)
        if not isinstance(value, dict):
            raise BadFrameError("frame", "a JSON object")
        if "\\u" in text:
            value = storable_object(value)
    except (ValueError, RecursionError):
        raise BadFrameError("frame", "a JSON object") from None
    try:
        frame = _FRAMES.validate_python(value)
    except ValidationError as error:
        raise _explain(error, value) from None
    if isinstance(frame, Hello) and frame.thread is not None and not is_thread_name(frame.thread):
        raise BadFrameError("thread", "1 to 100 printable characters, the first not a ~, without space at the ends")
    return frame


def _explain(error: ValidationError, value: JsonObject) -> BadFrameError:
    problem = error.errors(include_url=False, include_input=False)[0]
    field = str(problem["loc"][1]) if len(problem["loc"]) > 1 else "type"
    expected = _EXPECTED.get(problem["type"], "another value").format_map(problem.get("ctx", {}))
    return BadFrameError(field, expected, reply_id=_readable_id(value))


def _readable_id(value: JsonValue) -> str | None:
    given = value.get("id") if isinstance(value, dict) else None
    return given if isinstance(given, str) and 1 <= len(given) <= 64 and given.isprintable() else None


def _read(text: str) -> JsonValue:
    try:
        value: JsonValue = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value


def read_id(text: str) -> str | None:
    """The id of a frame that is not read otherwise, so that it can be refused by it."""
    return _readable_id(_read(text))


def read_version(text: str) -> int | None:
    """The protocol version that a `hello` asks for, whatever else is in it."""
    value = _read(text)
    version = value.get("v") if isinstance(value, dict) and value.get("type") == "hello" else None
    return version if isinstance(version, int) and not isinstance(version, bool) else None
