"""One plain spelling for the many ways to write the same characters, with the way back to the original."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

_SAME = dict.fromkeys("\u2212\u2043", "-") | dict.fromkeys("\u2028\u2029", "\n")
_SAME |= dict.fromkeys("‘’‚‛‹›´", "'") | dict.fromkeys("“”„‟«»", '"')
_SAME |= {"ł": "l", "Ł": "L", "ø": "o", "Ø": "O", "ß": "ss", "ı": "i"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Folded:
    """A text in plain spelling; character `i` of it came from character `origins[i]` of the original."""

    text: str
    origins: Sequence[int]

    def original_span(self, start: int, end: int) -> tuple[int, int]:
        """The span of the original that `text[start:end]` came from; `start < end`."""
        return self.origins[start], self.origins[end - 1] + 1


@lru_cache(maxsize=4096)
def _fold_char(char: str) -> str:
    category = unicodedata.category(char)
    if category in {"Cf", "Mn", "Me"}:
        return ""
    if char in _SAME:
        return _SAME[char]
    if category == "Pd":
        return "-"
    if category == "Zs":
        return " "
    value = unicodedata.decimal(char, None)
    if value is not None:
        return str(value)
    parts = unicodedata.normalize("NFKD", char)
    return parts if parts == char else "".join(map(_fold_char, parts))


def fold(text: str) -> Folded:
    """The text with invisible characters and accents gone, and every digit, dash, space and wide letter made plain.

    Case and line breaks stay. Any `str` will do, lone surrogates too."""
    if text.isascii():
        return Folded(text=text, origins=range(len(text)))
    pieces = [_fold_char(char) for char in text]
    origins = [index for index, piece in enumerate(pieces) for _ in piece]
    return Folded(text="".join(pieces), origins=origins)


def is_word(char: str) -> bool:
    """Whether the character, or none, is a letter or digit that may belong to a key or a number: ASCII only."""
    return char.isascii() and char.isalnum()
