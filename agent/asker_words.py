"""What the person who asks has said themselves, and whether something is in their words. Pure."""

import re
import unicodedata
from collections.abc import Iterable

from agent.own_words import UNSPACED, own_words
from agent.records import Message, User

_SAYS_LITTLE = frozenset(
    """
    the and for are was were has have had does did not that this with from they them their theirs his her hers its she
    who what when where why how you your mine our can will would could should might must been being about into also
    very really just like likes want wants know knows remember forget please note user person
    """.split()  # noqa: SIM905  read as text
)
_SHORTEST = 3
_ENDING = 2
"""So many letters at the end of a word may differ: "lives" and "live", "trinke" and "trinkt"."""
_WORD = re.compile(r"[^\W_]+")


def read_asker_words(asker: User | None, messages: Iterable[Message]) -> str:
    """What of these messages the asker said, and their name; empty where nobody in particular asks."""
    if asker is None:
        return ""
    said = (own_words(m.text) for m in messages if m.role == "user" and m.author.id == asker.id)
    return "\n".join([asker.display_name, *said])


def is_in_words(text: str, said: str) -> bool:
    """Whether at least half of what a sentence says is in the words said, whatever the endings and accents.

    Where words are not parted by spaces, two characters count as one. Another language is not understood.
    """
    known: set[str] = set().union(*map(_stems, _read_words(said)))
    words = _read_words(text)
    wanted = [word for word in words if len(word) >= _SHORTEST or not word.isascii()] or list(words)
    found = sum(not known.isdisjoint(_stems(word)) for word in wanted)
    return bool(wanted) and 2 * found >= len(wanted)


def _read_words(text: str) -> set[str]:
    plain = "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
    plain = unicodedata.normalize("NFC", plain)
    pairs = {run[i : i + 2] for run in UNSPACED.findall(plain) for i in range(max(1, len(run) - 1))}
    return pairs | {word for word in _WORD.findall(UNSPACED.sub(" ", plain)) if word not in _SAYS_LITTLE}


def _stems(word: str) -> set[str]:
    """The word, and as it is with other endings."""
    least = max(_SHORTEST, len(word) - _ENDING) if word.isalpha() else len(word)
    return {word, *(word[:length] for length in range(least, len(word)))}
