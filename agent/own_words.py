"""What of a message is the author's own: without quotes, forwarded letters, pasted blocks and pasted talk. Pure."""

import re
from collections.abc import Iterable, Iterator

QUOTED_WORDS = 4
"""So many words between quotation marks are somebody's speech; fewer may be a name."""
QUOTED_CHARACTERS = 8
"""The same for scripts in which words are not parted by spaces, or grow long."""
UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+")
"""A stretch of such a script."""

_WROTE = r"(?:wrote|schrieb|a \wcrit|escribi\w|ha scritto|escreveu|schreef)\b"
_HEAD = re.compile(
    r"^[ \t*]*(?:"
    r"-{2,} *(?:original|forwarded|weitergeleitete|urspr\w+) |begin forwarded message|"
    # "On Monday Bob <bob@x> wrote:", also broken into two lines; in whatever language when it ends with the address
    rf"(?:on|am|le|el|il|em|op|a) (?:[^\n]{{3,200}}\n)?[^\n]{{0,200}}?\b{_WROTE}[^\n]{{0,150}}:[ \t]*$|"
    rf"(?:on|am|le|el|il|em|op|a) [^\n]{{3,200}}\n{_WROTE}[^\n]{{0,150}}:[ \t]*$|"
    r"[^\n<]{0,200}<[^\s<>@]{1,100}@[^\s<>]{1,100}>[^\n]{0,40}:[ \t]*$|"
    # "From: Bob" over an address, or over the next line of a letter's head
    r"(?:from|von|de|da|van|מאת|من|差出人)[*]? ?:[*]? (?:[^\n]{0,100}\S@\S|[^\n]{0,200}\n[ \t*]*"
    r"(?:sent|gesendet|envoyé|enviad[oa]|inviato|verzonden|date|datum|fecha|data|subject|betreff|objet|asunto)\b[^\n:]{0,9}:))",
    re.IGNORECASE | re.MULTILINE,
)
_CHAT_LINE = re.compile(
    r"\s*\[?(?:\d{1,4}[./-][\d./-]{3,8},? +)?\d{1,2}[:.]\d\d(?:[:.]\d\d)?(?: ?[ap]\.?m\.?)?\]?(?: [-–])?"
    r" +[^\s:][^:]{0,40}: ",
    re.IGNORECASE,
)
"""Somebody's line in a talk that was copied: "[10:02] Bob: I live in Rome"."""
_SPEECH = re.compile(
    r"(?<![0-9])[\"“”„«»]([^\"“”„«»]++)[\"“”«»]"
    r"|[「『]([^「」『』]++)[」』]"
    r"|‹([^‹›]++)›|›([^‹›]++)‹"
    r"|(?<!\w)['‘‚]((?:[^'‘’‚]|(?<=\w)['’](?=\w))++)['’‘](?!\w)"
)
_FENCES = ("```", "~~~")


def own_words(text: str) -> str:
    """A message without what is another's.

    Left out are lines that begin with `>` or with a time and a name, all after `>>>`, blocks between ``` or ~~~ lines,
    what follows the head of a forwarded or answered letter, and four or more words between quotation marks.
    """
    text = "\n".join(text.splitlines())
    head = _HEAD.search(text)
    lines = text[: head.start()].split("\n") if head else text.split("\n")
    own = (line for line in _outside_blocks(lines) if not line.lstrip().startswith(">") and not _CHAT_LINE.match(line))
    return _SPEECH.sub(_keep_name, "\n".join(own))


def _outside_blocks(lines: Iterable[str]) -> Iterator[str]:
    """The lines that no pair of fences encloses, up to a `>>>`."""
    fence = ""
    for line in lines:
        if line.lstrip().startswith(">>>"):
            break
        opened = [
            mark for mark in _FENCES if (line.count(mark) % 2 if mark == "```" else line.lstrip().startswith(mark))
        ]
        if fence in opened:
            fence = ""
        elif opened and not fence:
            fence = opened[0]
        elif not fence and not line.lstrip().startswith("```"):
            yield line


def _keep_name(speech: re.Match[str]) -> str:
    words = next(group for group in speech.groups() if group is not None)
    is_name = len(words.split()) < QUOTED_WORDS and sum(map(len, UNSPACED.findall(words))) < QUOTED_CHARACTERS
    return speech[0] if is_name else ""
