"""What of a message is the author's own: without quotes, forwarded letters, pasted blocks and pasted talk. Pure."""

import re
from collections.abc import Iterator, Sequence

QUOTED_WORDS = 4
"""So many words between quotation marks are somebody's speech; fewer may be a name."""
QUOTED_CHARACTERS = 8
"""The same for scripts in which words are not parted by spaces, or grow long."""
UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+")
"""A stretch of such a script."""

_WROTE = r"(?:wrote|schrieb|a \wcrit|escribi\w|ha scritto|escreveu|schreef)\b"
_THEY_WROTE = (
    r"(?<!\bI )(?<!\bwe )(?<!\bich )(?<!\bwir )(?<!\bik )(?<!\bwij )"
    rf"{_WROTE}(?! (?:ich|wir|ik|wij|we)\b)"
)
_HEAD = re.compile(
    r"^[ \t*]*(?:"
    r"-{2,} *(?:original|forwarded|weitergeleitete|urspr\w+) |begin forwarded message|"
    # "On Monday Bob <bob@x> wrote:", also broken into two lines; in whatever language when it ends with the address
    # and "On Monday Bob wrote:"; "On Monday she wrote a book. Notes:" has neither a digit in its date nor an end there
    rf"(?:on|am|le|el|il|em|op|a) (?=(?:(?!\b{_WROTE})[^\n\d]){{0,200}}\d)"
    rf"(?:[^\n]{{3,200}}\n)?[^\n]{{0,200}}?\b{_THEY_WROTE}[^\n]{{0,150}}:[ \t]*$|"
    rf"(?:on|am|le|el|il|em|op|a) (?:[^\n]{{3,200}}\n)?[^\n]{{0,200}}?\b{_THEY_WROTE}[^\n.!?]{{0,40}}:[ \t]*$|"
    rf"(?:on|am|le|el|il|em|op|a) [^\n]{{3,200}}\n{_WROTE}[^\n]{{0,150}}:[ \t]*$|"
    r"[^\n<]{0,200}<[^\s<>@]{1,100}@[^\s<>]{1,100}>[^\n]{0,40}:[ \t]*$|"
    # "From: Bob" over an address, or over the next line of a letter's head
    r"(?:from|von|de|da|van|מאת|من|差出人)[*]? ?:[*]? (?:[^\n]{0,100}\S@\S|[^\n]{0,200}\n[ \t*]*"
    r"(?:sent|gesendet|envoyé|enviad[oa]|inviato|verzonden|date|datum|fecha|data|subject|betreff|objet|asunto)\b[^\n:]{0,9}:))",
    re.IGNORECASE | re.MULTILINE,
)
_CHAT_LINE = re.compile(
    r"\s*(?P<open>\[)?(?P<date>\d{1,4}[./-][\d./-]{3,8},? +)?\d{1,2}[:.]\d\d(?:[:.]\d\d)?(?: ?[ap]\.?m\.?)?"
    r"(?P<shut>\])?(?P<dash> [-–])? +(?P<name>[^\s:][^:]{0,40}): ",
    re.IGNORECASE,
)
"""Somebody's line in a talk that was copied: "[10:02] Bob: I live in Rome"."""
NAME_WORDS = 3
"""A name in small letters has no more words: "10:30 works best for me: ..." is a sentence."""
_NO_NAME = frozenset(
    """
    i i'm i’m me my mine we us our you your he she it it's it’s this that these those they there here the a an
    is are was were be am works work suits fits sounds looks seems will would can could should must may might has have
    had do does did not for at in on to with until till from by and or but if when then than as so because since
    fine good great perfect ok okay best better only free later latest earliest please sharp tomorrow today
    ich mir mich mein meine wir uns du dir es das ist sind war wäre passt geht kann wird hat habe und oder aber für bei
    mit bis ab von zu nur auch gut gerne lieber besser perfekt heute morgen uhr
    je j'ai moi me mon ma nous c'est est sont va convient pour avec et ou mais bien parfait
    yo mi mis es está son me viene va para con y o pero bien mejor perfecto
    io mio mia è va sono per con e ma bene meglio perfetto eu meu minha é são para com bem melhor
    ik mij mijn we wij het dat is kan past voor met en of maar goed beter prima
    """.split()  # noqa: SIM905  read as text
)
"""Words of which a name has none."""
_SPOKEN = r"(?:[^'‘’‚]|(?<=\w)['’](?=\w))++"
_ELIDED = (
    rf"(?i:cause|cuz|cos|coz|em|im|til|till|tis|twas|twere|bout|round|n|ne|nen|nem|ner|s|t|k|m|r|\d\ds?)\b{_SPOKEN}"
    r"(?:(?<=[sS\d])|(?<=in))['’‘](?!\w)"
)
"""'cause, 'em, the '90s up to the apostrophe of "my parents' farm", 5' or "singin'": no quote."""
_SPEECH = re.compile(
    r"(?<![0-9])[\"“”„«»]([^\"“”„«»]++)[\"“”«»]"
    r"|[「『]([^「」『』]++)[」』]"
    r"|‹([^‹›]++)›|›([^‹›]++)‹"
    rf"|(?<!\w)['‘‚](?!{_ELIDED})({_SPOKEN})['’‘](?!\w)"
)
_FENCES = ("```", "~~~")
_FENCED = re.compile(r"\s*(?:(?:>|[-*+]\s|\d{1,3}[.)]\s)\s*)*```")
"""A fence at the beginning of a line or of an item of a list."""


def own_words(text: str) -> str:
    """A message without what is another's.

    Left out are lines that begin with `>` or with a time and a name, all after `>>>`, blocks between ``` or ~~~ (up to
    the end, where one that begins a line is not closed), what follows the head of a forwarded or answered letter, and
    four or more words between quotation marks.
    """
    text = "\n".join(text.splitlines())
    head = _HEAD.search(text)
    lines = text[: head.start()].split("\n") if head else text.split("\n")
    own = (line for line in _outside_blocks(lines) if not line.lstrip().startswith(">") and not _is_copied_talk(line))
    return _SPEECH.sub(_keep_name, "\n".join(own))


def _is_copied_talk(line: str) -> bool:
    """Whether a time and a name come first. After a time in brackets, or a date and a dash, anything is a name."""
    found = _CHAT_LINE.match(line)
    if found is None:
        return False
    if (found["open"] and found["shut"]) or (found["date"] and found["dash"]):
        return True
    words = found["name"].split()
    is_name = len(words) <= NAME_WORDS or all(word[0].isupper() for word in words)
    return is_name and not any(word.lower().strip(",.!") in _NO_NAME for word in words)


def _outside_blocks(lines: Sequence[str]) -> Iterator[str]:
    """The lines that no pair of fences encloses, up to a `>>>`."""
    fence = ""
    last = max((n for n, line in enumerate(lines) if "```" in line), default=-1)
    for n, line in enumerate(lines):
        if line.lstrip().startswith(">>>"):
            break
        opened = [
            mark
            for mark in _FENCES
            if (
                line.count(mark) % 2 and (fence or n < last or _FENCED.match(line))
                if mark == "```"
                else line.lstrip().startswith(mark)
            )
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
