"""Codes that link accounts, where they are said as a message."""

import re

_HALF = "[2-9a-hjkmnp-tv-z]{5}"
_SAID_CODE = re.compile(rf"\s*/?(?:parley\s+)?link\s+({_HALF}-?{_HALF})\s*", re.IGNORECASE | re.ASCII)


def find_said_code(text: str) -> str | None:
    """The code of `link CODE`, said as a message: it is for the gateway, not for the agent. None of any other sentence.

    A code has ten of the characters that codes are made of, and besides a dash, a digit or capitals throughout.
    """
    match = _SAID_CODE.fullmatch(text)
    return match[1] if match is not None and (match[1].isupper() or not match[1].isalpha()) else None
