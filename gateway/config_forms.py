"""A form that a text must have, with the words for a person who got it wrong."""

import re

from pydantic import AfterValidator, SecretStr


def form(pattern: str, expected: str) -> AfterValidator:
    """A check that the whole text is of the pattern; `expected` finishes the sentence "expected …"."""
    compiled = re.compile(pattern)

    def check(value: str | SecretStr) -> str | SecretStr:
        text = value.get_secret_value() if isinstance(value, SecretStr) else value
        if not compiled.fullmatch(text):
            raise ValueError(f"expected {expected}; found {'other text' if text.strip() else 'a blank value'}")
        return value

    return AfterValidator(check)
