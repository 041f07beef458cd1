"""The agent's text out, as Slack's own Markdown: nothing in it may call people, load a picture or hide where it leads.

Every change is local, so that a text's beginning renders to the beginning of what the whole renders to. What could
still change with the next characters is held back while an answer streams.
"""

import re
from urllib.parse import urlsplit

_GAP = "\u200b"
_HOLD = 24
_LINK_LIMIT = 2_300
_CALL = re.compile(r"<(?=[@#!])")
_WORD = re.compile(r"@(?=(?:channel|here|everyone)\b)", re.IGNORECASE)
_PICTURE = re.compile(r"!(?=\[)")
_LINK = re.compile(r"\[([^\[\]\n]{0,300})\]\((https?://[^\s()<>\[\]]{1,2000})\)")


def render_text(text: str) -> str:
    """The whole text, neutralised. Links say their host unless their words do."""
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
    if "\n" in rest or _LINK.match(rest):
        return True
    closed = rest.find("]")
    if closed < 0 or closed == len(rest) - 1:
        return False
    return rest[closed + 1] != "(" or " " in rest[closed + 1 :]


def _show_host(match: re.Match[str]) -> str:
    words, address = match[1], match[2]
    try:
        host = urlsplit(address).hostname or ""
    except ValueError:
        host = ""
    if not host:
        return f"{words} {address}"
    return match[0] if host in words.casefold() else f"{match[0]} ({host})"
