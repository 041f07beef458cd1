"""Splits a long answer into messages, between paragraphs, with code fences closed and opened again.

Where a cut falls depends only on what stands before it, so that an answer can be split while it is still being written.
"""

import re
import unicodedata

LIMIT = 12_000
"""Characters in one call, by Slack."""
_FROM_PARAGRAPH = 9_000
_FROM_LINE = 11_000
_FROM_SPACE = 11_700
_AT_MOST = 11_900
_SIGN_AT_MOST = 60
_JOINER = "\u200d"
_VIRAMA = 9
"""The class of the signs that join Indic letters."""
_CLINGS = frozenset({"Mn", "Mc", "Me", "Sk"})
_FENCE = re.compile(r"^(`{3,}|~{3,})([^\n`]{0,40})$", re.MULTILINE)


def split(text: str) -> list[str]:
    """The parts, each at most `LIMIT` characters; all but the last are final however the text goes on."""
    parts: list[str] = []
    opening = ""
    while True:
        whole = opening + text
        cut = _find_cut(whole)
        if cut is None:
            return [*parts, whole]
        fence = _open_fence(whole[:cut])
        parts.append(whole[:cut].rstrip("\n") + (f"\n{fence[:3]}" if fence else ""))
        text = whole[cut:].lstrip("\n")
        opening = f"{fence}\n" if fence else ""


def _find_cut(text: str) -> int | None:
    """The first of: a paragraph's end outside a fence, a line's end, a word's end, each once it is late enough."""
    if len(text) <= _FROM_PARAGRAPH:
        return None
    ends = [text.find("\n", _FROM_LINE), text.find(" ", _FROM_SPACE), _before_whole_sign(text, _AT_MOST)]
    at = text.find("\n\n", _FROM_PARAGRAPH)
    while 0 <= at < _FROM_LINE:
        if not _open_fence(text[:at]):
            ends.append(at)
            break
        at = text.find("\n\n", at + 1)
    cut = min(end for end in ends if end >= 0)
    return cut if text[cut:].strip("\n") else None


def _before_whole_sign(text: str, at: int) -> int:
    """A place to cut where no place is good: not within a sign that is made of several characters."""
    if len(text) <= at:
        return at
    for place in range(at, at - _SIGN_AT_MOST, -1):
        before, after = text[place - 1], text[place]
        is_joined = _JOINER in (before, after) or unicodedata.combining(before) == _VIRAMA
        if not is_joined and unicodedata.category(after) not in _CLINGS:
            return place
    return at


def _open_fence(text: str) -> str:
    """The fence that is open at the end, with its language; empty when none is."""
    found = ""
    for match in _FENCE.finditer(text):
        if not found:
            found = match[1][:3] + match[2].strip()
        elif match[1].startswith(found[:3]) and not match[2].strip():
            found = ""
    return found
