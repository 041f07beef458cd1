"""What of a message is the author's own: without quotes, forwarded letters and pasted blocks. Pure."""

import re

QUOTED_WORDS = 4
"""So many words between quotation marks are somebody's speech; fewer may be a name."""

_FORWARDED = re.compile(
    r"\s*(?:-{2,} *(?:original|forwarded|weitergeleitete|urspr\w+) |begin forwarded message|"
    r"on \S.{3,150} wrote:\s*$|am \S.{3,150} schrieb .{1,150}:\s*$|le \S.{3,150} a \wcrit ?:\s*$|"
    r"(?:from|von|de): .{0,100}\S@\S)",
    re.IGNORECASE,
)
_SPEECH = re.compile(r"[\"“”„«]([^\"“”„«»\n]{1,1000})[\"“”»]")
_FENCE = "```"


def own_words(text: str) -> str:
    """A message without what is another's.

    Left out are lines that begin with `>`, all after `>>>`, blocks between ``` lines, what follows the head of a
    forwarded or answered letter, and four or more words between quotation marks.
    """
    lines: list[str] = []
    is_pasted = False
    for line in text.splitlines():
        start = line.lstrip()
        if start.startswith(">>>") or _FORWARDED.match(line):
            break
        if line.count(_FENCE) % 2:
            is_pasted = not is_pasted
            continue
        if not is_pasted and not start.startswith((">", _FENCE)):
            lines.append(_SPEECH.sub(_keep_name, line))
    return "\n".join(lines)


def _keep_name(speech: re.Match[str]) -> str:
    return speech[0] if len(speech[1].split()) < QUOTED_WORDS else ""
