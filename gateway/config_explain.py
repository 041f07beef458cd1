"""What a validation error says to a person: where, what was expected, and of what kind the thing found is.

Values are shown only where they are numbers, or words where one of a few was expected: those are no secrets.
"""

import difflib
import re
from collections.abc import Mapping
from decimal import Decimal

from pydantic_core import ErrorDetails

_EXPECTED: Mapping[str, str] = {
    "missing": "expected a value",
    "string_type": "expected text in quotes",
    "int_type": "expected a whole number",
    "int_parsing": "expected a whole number",
    "int_from_float": "expected a whole number",
    "float_type": "expected a number",
    "float_parsing": "expected a number",
    "finite_number": "expected a finite number",
    "bool_type": "expected true or false",
    "list_type": "expected a list in brackets",
    "dict_type": "expected a table",
    "model_type": "expected a table",
    "none_required": "expected nothing: this release does not have it yet",
    "decimal_type": "expected a number",
    "is_instance_of": "expected a number",  # of dollars: nothing else is read into a class of its own
    "decimal_parsing": "expected a number",
    "string_pattern_mismatch": "expected text of the form {pattern}",
    "string_too_short": "expected at least {min_length} characters",
    "string_too_long": "expected at most {max_length} characters",
    "too_short": "expected at least {min_length}",
    "too_long": "expected at most {max_length}",
    "greater_than": "expected more than {gt}",
    "greater_than_equal": "expected at least {ge}",
    "less_than": "expected less than {lt}",
    "less_than_equal": "expected at most {le}",
    "literal_error": "expected {expected}",
}
_WORD = re.compile(r"[A-Za-z0-9_.-]{0,24}")
_NUMBER = re.compile(r"-?\d{1,6}(?:\.\d{1,6})?")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


def explain(detail: ErrorDetails, known: tuple[str, ...] = ()) -> tuple[str, str]:
    """The key path and the text of one error. `known` are the keys that the table in question may have."""
    key = key_path(detail["loc"])
    if detail["type"] == "value_error":  # ours: it says what was expected, and may name another key
        text = str(detail["ctx"]["error"])
        return (key, text) if key else _split(text)
    if detail["type"] == "extra_forbidden":
        return key, _unknown(str(detail["loc"][-1]), known)
    expected = _EXPECTED.get(detail["type"], f"expected something else ({detail['type']})")
    expected = expected.format_map({key: _plain(value) for key, value in detail.get("ctx", {}).items()})
    return key, f"{expected}; found {_kind(detail)}" if detail["type"] != "missing" else expected


def key_path(parts: tuple[int | str, ...]) -> str:
    """As it would be written in TOML: `agents[0].memory.mode`; lists count from 0."""
    path = ""
    for part in parts:
        if isinstance(part, int):
            path += f"[{part}]"
        else:
            name = part if _BARE_KEY.fullmatch(part) else f'"{part}"'
            path += f".{name}" if path else name
    return path


def _split(text: str) -> tuple[str, str]:
    key, _, rest = text.partition(": ")
    return (key, rest) if rest else ("", text)


def _unknown(name: str, known: tuple[str, ...]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    if near:
        return f"unknown key; did you mean {near[0]}?"
    return f"unknown key; expected one of {', '.join(known)}" if known else "unknown key"


def _plain(value: object) -> object:
    return str(value).replace("'", "") if isinstance(value, str) else value


def _kind(detail: ErrorDetails) -> str:
    value = detail["input"]
    match value:
        case None:
            return "nothing"
        case bool():
            return "true" if value else "false"
        case int() | float() | Decimal():
            return str(value)[:24]
        case str() if not value.strip():
            return "a blank value"
        case str() if detail["type"] in {"int_type", "float_type", "bool_type"}:
            return "text in quotes"
        case str() if _NUMBER.fullmatch(value) or (detail["type"] == "literal_error" and _WORD.fullmatch(value)):
            return value
        case str():
            return f"{len(value)} characters" if "string_too" in detail["type"] else "other text"
        case list() | tuple():
            return f"{len(value)}" if detail["type"].startswith("too_") else "a list"
        case dict():
            return "a table"
        case _:
            return f"a {type(value).__name__}"
