"""The agent's text out, as Slack's own Markdown: nothing in it may call people, load a picture or hide where it leads.

Every change is local, so that a text's beginning renders to the beginning of what the whole renders to. What could
still change with the next characters is held back while an answer streams.
"""

import re
from urllib.parse import urlsplit

_GAP = "\u200b"
_HOLD = 24
_LINK_LIMIT = 2_300
_CALL = re.compile(r"<(?=[@#!])|(?<!\]\()<(?=https?:)", re.IGNORECASE)
_WORD = re.compile(r"@(?=(?:channel|here|everyone)\b)", re.IGNORECASE)
_PICTURE = re.compile(r"!(?=\[)")
_WORDS_LIMIT = 300
_LINK = re.compile(
    r"\]\([ \t]*<?(https?://(?:[^\s()<>\[\]]|\([^\s()<>]{0,200}\)){1,2000})>?"
    r"""(?:[ \t]+(?:"[^"\n]{0,200}"|'[^'\n]{0,200}'|\([^()\n]{0,200}\)))?[ \t]*\)""",
    re.IGNORECASE,
)
"""What stands behind a link's words, with or without angles and a title."""


def render_text(text: str) -> str:
    """The whole text, neutralised. Links say their host behind them unless their words do."""
    for pattern, replacement in ((_CALL, "<" + _GAP), (_WORD, "@" + _GAP), (_PICTURE, "!" + _GAP)):
        text = pattern.sub(replacement, text)
    return _LINK.sub(_show_host, text)


def render_beginning(text: str) -> str:
    """As much of a text's beginning as nothing that follows can change."""
    return render_text(text[: _safe_length(text)])


def _safe_length(text: str) -> int:
    start = max(0, len(text) - _HOLD)
    ends = [at for mark in "<@!" if (at := text.find(mark, start)) >= 0]
    opened = text.rfind("[", max(0, len(text) - _LINK_LIMIT))
    if opened >= 0 and not _is_settled(text[opened:]):
        ends.append(opened - 1 if opened and text[opened - 1] == "!" else opened)
    return min(ends, default=len(text))


def _is_settled(rest: str) -> bool:
    """Whether what begins with a bracket is a whole link already, or can become none."""
    if "\n" in rest or _LINK.search(rest):
        return True
    closed = rest.find("]")
    if closed < 0 or closed == len(rest) - 1:
        return False
    return rest[closed + 1] != "(" or " " in rest[closed + 1 :]


def _show_host(match: re.Match[str]) -> str:
    words = match.string[max(0, match.start() - _WORDS_LIMIT) : match.start()].rpartition("[")[2]
    try:
        place = urlsplit(match[1]).hostname or match[1]
    except ValueError:
        place = match[1]
    return match[0] if place in words.casefold() else f"{match[0]} ({place})"
