"""What may stand in a log: ids, numbers and our own words. Pure functions, used by `gateway.logs` on every line.

Texts that people or models wrote are withheld by the name they are logged under; whatever slips through another name
still loses its secrets, e-mail addresses and query strings, and is cut short. An exception's own text is logged only
for errors that never quote data.
"""

import re
import traceback
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from itertools import islice
from pathlib import PurePath
from types import TracebackType
from typing import TypeAlias

from agent.errors import ModelError, StoreUnavailableError
from agent.records import JsonValue
from agent.secret_gate import redact

LIMIT = 1_000
DEPTH = 4
ITEMS = 50
FRAMES = 6

_WITHHELD = re.compile(
    r"answer|arguments|attachments|author(_name)?|authorization|body|caption|comment|content|cookies?|credentials|dsn|"
    r"e?mail|facts?|(first|last|user|display)_name|headers|input|instructions|memor(y|ies)|messages?|output|page_url|"
    r"params|password|payload|prompt|query|quote|request|response|results?|said|secret|signature|summary|texts?|title|"
    r"token|url|values?"
)
"""Names under which something may be logged that is not ours to tell."""
_ID = re.compile(r"(?:[a-z]{2,8}[_:])?[0-9a-f]{32}")
_CONVERSATION = re.compile(r"web:[\w.-]{1,64}:~[\w-]{16,64}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{1,6}Z")
_WORD = re.compile(r"[a-z]{1,20}(?:_[a-z]{1,20}){0,5}")
_PLAIN = (_ID, _WORD, _TIME, _CONVERSATION)
"""What stands in every line and needs no search, which is dear."""
_EMAIL = re.compile(r"[\w.%+'-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
_QUERY = re.compile(r"(?<=[\w/])\?[^\s\"'<>]+")
_TELLING_ERRORS = (OSError, ImportError, ModelError, StoreUnavailableError)

ErrorInfo: TypeAlias = tuple[type[BaseException], BaseException, TracebackType | None]


def clean_fields(fields: Mapping[str, object]) -> dict[str, JsonValue]:
    """The fields of a line, fit to be written."""
    return {name: _clean_field(name, value, DEPTH) for name, value in fields.items()}


def withhold(value: object) -> JsonValue:
    """What stands in the place of a text: how long it is."""
    if value is None or isinstance(value, bool | int | float):
        return value
    return f"({len(value)} withheld)" if isinstance(value, str | bytes | list | tuple | dict) else "(withheld)"


def clean(value: object, depth: int = DEPTH) -> JsonValue:
    """The value as JSON without anything secret; an object of which nothing is known is only named."""
    match value:
        case None | bool() | int() | float():
            return value
        case Enum():
            return clean(value.value, depth)
        case str():
            return clean_text(value)
        case Decimal() | datetime() | PurePath():
            return clean_text(str(value))
        case BaseException():
            return type(value).__name__
        case Mapping() if depth:
            return {
                clean_text(str(key)): _clean_field(str(key), one, depth - 1)
                for key, one in islice(value.items(), ITEMS)
            }
        case list() | tuple() | set() | frozenset() if depth:
            return [clean(item, depth - 1) for item in islice(value, ITEMS)]
        case _:
            return f"<{type(value).__name__}>"


def _clean_field(name: str, value: object, depth: int) -> JsonValue:
    return withhold(value) if _WITHHELD.fullmatch(name) else clean(value, depth)


def clean_text(text: str) -> str:
    """One line without secrets, e-mail addresses and query strings, at most `LIMIT` characters long."""
    if any(pattern.fullmatch(text) for pattern in _PLAIN):
        return text
    return _clean_short(text) if len(text) <= 80 else _clean_any(text)


@lru_cache(maxsize=2048)
def _clean_short(text: str) -> str:
    """The same few session ids and sentences come again and again, and looking for secrets is dear."""
    return _clean_any(text)


def _clean_any(text: str) -> str:
    line = " ".join(text[:LIMIT].split())
    line = line if line.isprintable() else "".join(char if char.isprintable() else "�" for char in line)
    shown = redact(_EMAIL.sub("[e-mail removed]", _QUERY.sub("?[query removed]", line)))
    return shown if len(text) <= LIMIT else f"{shown} (cut: {len(text)} characters)"


def tell_error(info: ErrorInfo) -> dict[str, JsonValue]:
    """Fields that say what was raised, where, and from what, without the text of errors that may quote data."""
    kind, error, trace = info
    frames = traceback.extract_tb(trace)[-FRAMES:]
    places = [f"{PurePath(f.filename).parent.name}/{PurePath(f.filename).name}:{f.lineno} {f.name}" for f in frames]
    fields: dict[str, JsonValue] = {"error": kind.__name__, "raised_at": list(reversed(places))}
    if isinstance(error, _TELLING_ERRORS):
        fields["error_says"] = clean_text(str(error))
    if causes := list(_causes(error)):
        fields["caused_by"] = list(causes)
    return fields


def _causes(error: BaseException) -> list[JsonValue]:
    found: list[JsonValue] = []
    members = list(error.exceptions) if isinstance(error, BaseExceptionGroup) else []
    following = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    while following is not None and len(found) < DEPTH:
        found.append(type(following).__name__)
        following = following.__cause__ or following.__context__
    return [*(type(member).__name__ for member in members[:DEPTH]), *found]
