"""A form that a text must have, with the words for a person who got it wrong."""

import re

from pydantic import AfterValidator, SecretStr

LAST_PORT = 65_535
_PLACE = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[^\[\]:]*)(?::(\d{1,5}))?")


def form(pattern: str, expected: str) -> AfterValidator:
    """A check that the whole text is of the pattern; `expected` finishes the sentence "expected …"."""
    compiled = re.compile(pattern)

    def check(value: str | SecretStr) -> str | SecretStr:
        text = value.get_secret_value() if isinstance(value, SecretStr) else value
        if not compiled.fullmatch(text):
            raise ValueError(f"expected {expected}; found {'other text' if text.strip() else 'a blank value'}")
        return value

    return AfterValidator(check)


def check_places(value: str | SecretStr) -> str | SecretStr:
    """For an address of a `form`: its hosts, parted by commas, each with a port that can be one or with none."""
    text = value.get_secret_value() if isinstance(value, SecretStr) else value
    places = re.split(r"[/?#]", text.partition("://")[2], maxsplit=1)[0].rpartition("@")[2]
    for place in places.split(","):
        match = _PLACE.fullmatch(place)
        if match is None or int(match[1] or 0) > LAST_PORT:
            raise ValueError("expected host or host:port after the two slashes; found other text")
    return value
