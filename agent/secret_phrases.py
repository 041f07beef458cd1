"""Secrets that people announce: "my password is …", `API_KEY=…`, "the door code is …", in several languages.

Every function searches a folded text and gives spans of that text. Each keyword is looked at once, and what stands
round it only within fixed bounds, so the time is linear in the length of the text.
"""

import re
from collections.abc import Iterator

from agent import secret_keywords as keywords
from agent.secret_kinds import Secret, SecretKind, Span
from agent.secret_patterns import is_random, read_token
from agent.secret_talk import (
    CONTINUATIONS,
    FUNCTION_WORDS,
    TALK_WORDS,
    is_counted,
    is_known_name,
    is_phrase,
    is_placeholder,
    is_plain,
    is_strong,
    language_of,
)
from agent.secret_text import is_word

_CLAUSE_TOKENS = 8
_JUDGED = 256
_LONG_WORD = 16
_KINDS = {
    "password": SecretKind.PASSWORD,
    "weak": SecretKind.PASSWORD,
    "key": SecretKind.API_KEY,
    "bare": SecretKind.API_KEY,
    "code": SecretKind.CODE,
}

_TOKEN = re.compile(r"[^\s\u1100-\u11ff\u3000-\u30ff\u4e00-\u9fff]{1,4096}")
_QUOTED = re.compile(r"\*{0,2}(?P<quote>[\"'`])(?P<value>[^\n]{1,256}?)(?P=quote)(?![A-Za-z0-9])")
_VALUE_END = re.compile(r"&[a-z_]{2,30}=|[;,][A-Za-z_ ]{2,30}=|</|\\n|[\"'`]\s?[,}\])]")
_BLANK = re.compile(r"<[^>\n]{0,60}>|\[[A-Za-z _]{0,60}\]|\{{1,2}[A-Za-z _.]{0,60}\}")
_SPELLED = re.compile(r"\S(?: \S){3,40}(?!\S)")
_GAP = re.compile(r"[ \t]{1,3}")
_NEXT_WORD = re.compile(r"[ \t]{1,3}([^\W\d_]+)")
_CLAUSE_END = re.compile(r"[.,;:!?)]+$")
_AND = re.compile(r"\s?(?:,|and|und|et|y|or|&|\n)\s{0,2}")
_SPOKEN = r"(?:zero|oh|one|two|three|four|five|six|seven|eight|nine)"
_CODE = re.compile(
    rf"(?P<spoken>{_SPOKEN}(?:[ ,-]{{1,2}}{_SPOKEN}){{3,11}})|"
    r"(?:(?:the|die|der|el|la|le) )?[\"'`*#]{0,2}(?P<value>\d(?:[ .\-]?\d){2,11}(?![A-Za-z])"
    r"|(?=[A-Za-z-]{0,9}\d)[A-Za-z0-9]{3,10}(?:-[A-Za-z0-9]{2,10}){0,4})[#*]?"
)


def find_announced(text: str) -> Iterator[Secret]:
    """The values behind or before words like password, PIN, token and their like, but no talk about them."""
    position = 0
    for keyword in keywords.KEYWORD.finditer(text):
        if keyword.start() < position:
            continue
        group = str(keyword.lastgroup)
        for start, end in _values(text, keyword, group):
            yield Secret(kind=_KINDS[group], start=start, end=end)
            position = end


def _values(text: str, keyword: re.Match[str], group: str) -> Iterator[Span]:
    span = _value_behind(text, keyword, group) or _value_before(text, keyword, group)
    is_plural = keyword[0].lower().endswith("s")
    while span:
        yield span
        if another := keywords.ANOTHER.match(text, span[1]):
            span = _announced_value(text, another.end(), group, "en")
            continue
        more = _AND.match(text, span[1]) if is_plural else None
        span = _direct_value(text, more.end(), keyword, group) if more else None


def _value_behind(text: str, keyword: re.Match[str], group: str) -> Span | None:
    end = keyword.end()
    if keywords.TALK_AFTER.match(text, end):
        return None
    language = language_of(keyword[0])
    connector = keywords.CONNECTOR.match(text, end)
    if connector is None and keywords.CHANGED.search(text[max(0, keyword.start() - 60) : end + 100]):
        connector = keywords.TO.match(text, end)
    span = _announced_value(text, connector.end(), group, language) if connector else None
    if span and text[slice(*span)] == keyword[0] and text[span[0] - 1] == "=":
        return None  # password=password, as in code
    if span is None and (loose := keywords.LOOSE.match(text, end)):
        span = _direct_value(text, loose.end(), keyword, group)
    if span is None and (direct := keywords.DIRECT.match(text, end)):
        span = _direct_value(text, direct.end(), keyword, group)
    return span


def _announced_value(text: str, start: int, group: str, language: str) -> Span | None:
    """The value behind "is", a colon or the like."""
    if group == "code":
        return _code(text, start, 3)
    if group in {"key", "bare"}:
        return _opaque(text, start, 6 if group == "key" else 10, may_be_short=group == "key")
    quoted = _QUOTED.match(text, start)
    if quoted:
        value = quoted["value"]
        is_talk = is_placeholder(value) or value.lower() in TALK_WORDS or not value.strip()
        return None if is_talk else quoted.span("value")
    spelled = _SPELLED.match(text, start)
    return spelled.span() if spelled else _free_value(text, start, language, is_weak=group == "weak")


def _free_value(text: str, start: int, language: str, *, is_weak: bool) -> Span | None:
    """An unquoted password: one token that is no plain word, or plain words up to the end of the clause."""
    tokens = [] if _BLANK.match(text, start) else _clause(text, start)
    if not tokens:
        return None
    (begin, end), last = tokens[0], tokens[-1][1]
    first = text[begin:end]
    if is_placeholder(first) or "://" in first or text[end : end + 1] == ":":
        return None
    if is_plain(first):
        is_whole = len(tokens) > 1 or not _NEXT_WORD.match(text, end) or _goes_on(text, end)
        is_said = not is_weak and is_whole and is_phrase([text[a:b] for a, b in tokens], language)
        is_password = is_strong(first) or is_said
    else:
        is_number = first.isdigit() and len(first) < 4
        is_password = not (is_number or is_known_name(first) or is_counted(text, end)) and _count(first) >= 3
        last = next((a - 1 for a, b in tokens if text[a:b].lower() in TALK_WORDS), last)
    return (begin, last) if is_password else None


def _goes_on(text: str, end: int) -> bool:
    """Whether a new clause follows, and not more about the word that ends here, as in "part of the plan"."""
    following = _NEXT_WORD.match(text, end)
    return following is not None and following[1].lower() in CONTINUATIONS


def _count(token: str) -> int:
    return sum(map(str.isalnum, token))


def _clause(text: str, start: int) -> list[Span]:
    """The tokens from `start` on up to a stop, a line break or, behind the first, a function word."""
    tokens: list[Span] = []
    position = start
    while len(tokens) < _CLAUSE_TOKENS and (match := _TOKEN.match(text, position)):
        raw = match[0]
        if tokens and raw.lower().strip(".,;:!?)") in FUNCTION_WORDS:
            break
        cut = _VALUE_END.search(raw, 1)
        raw = raw[: cut.start()] if cut else raw
        stop = _CLAUSE_END.search(raw)
        body = raw if stop is None or set(stop[0]) <= {"!", "?"} else raw[: stop.start()]
        if body:
            tokens.append((match.start(), match.start() + len(body)))
        gap = _GAP.match(text, match.end())
        if stop or cut or not gap:
            break
        position = gap.end()
    return tokens


def _direct_value(text: str, start: int, keyword: re.Match[str], group: str) -> Span | None:
    """The value that stands right behind the keyword: it must look like one."""
    if group == "code":
        is_near = start - keyword.end() <= 2
        is_owned = keywords.OWNED.search(text, max(0, keyword.start() - 30), keyword.start())
        is_verb = keyword[0] == "pin" and is_near and not is_owned
        return None if is_verb else _code(text, start, 3 if keyword[0].lower().startswith("cv") else 4)
    if group in {"key", "bare"}:
        return _opaque(text, start, 10, may_be_short=False) if group == "key" else None
    quoted = _QUOTED.match(text, start)
    if quoted and _is_quoted_password(quoted["value"]) and text[quoted.end() : quoted.end() + 1] in "\n.,;!)":
        return quoted.span("value")
    if keyword[0].lower() == "passphrase":
        tokens = _clause(text, start)
        if len(tokens) >= 3 and is_phrase([text[a:b] for a, b in tokens], "en"):
            return tokens[0][0], tokens[-1][1]
    return _strong_token(text, start)


def _is_quoted_password(value: str) -> bool:
    words = value.lower().split()
    is_talk = all(word in TALK_WORDS or word in FUNCTION_WORDS for word in words)
    return is_phrase(words, "en") or (len(words) >= 2 and not is_talk)


def _strong_token(text: str, start: int) -> Span | None:
    match = _TOKEN.match(text, start)
    value = match[0].strip("\"'`").rstrip(".,;:)\"'`") if match else ""
    begin = text.index(value, start) if value else start
    end = begin + len(value)
    return (begin, end) if is_strong(value) and not is_counted(text, end) else None


def _code(text: str, start: int, least: int) -> Span | None:
    """Digits, perhaps in groups, or five and more capitals and digits."""
    match = _CODE.match(text, start)
    if match is None or is_counted(text, match.end()) or is_word(text[match.end() : match.end() + 1]):
        return None
    if match["spoken"]:
        return match.span("spoken")
    value = match["value"]
    is_number = value[0].isdigit() and not any(map(str.isalpha, value))
    is_code = _count(value) >= (least if is_number else 5) and (is_number or not is_known_name(value))
    return match.span("value") if is_code else None


def _opaque(text: str, start: int, least: int, *, may_be_short: bool) -> Span | None:
    """A token that nobody would take for a word, a number, a version or a path."""
    while text[start : start + 1] in {'"', "'", "`", "*"}:
        start += 1
    end = read_token(text, start, 0)
    token = text[start : min(end, start + _JUDGED)]
    if len(token) < least or "://" in token or is_placeholder(token) or is_known_name(token):
        return None
    has_digit, has_letter = any(map(str.isdigit, token)), any(map(str.isalpha, token))
    is_mixed = has_digit and has_letter and "/" not in token and may_be_short
    is_given = is_mixed or (may_be_short and _is_long_word(text, start, token))
    return (start, end) if is_random(token) or is_given else None


def _is_long_word(text: str, start: int, token: str) -> bool:
    """Whether so many letters as no word has, and no judgement, end a clause: "my API key is abcdefghijklmnop"."""
    is_last = text[start + len(token) : start + len(token) + 1] in {"", ".", ",", "!", ";", "\n", '"', "'", "`"}
    return is_last and token.isalpha() and len(token) >= _LONG_WORD and is_phrase([token], "en")


def _value_before(text: str, keyword: re.Match[str], group: str) -> Span | None:
    """The value of "… is my password"."""
    is_end = text[keyword.end() : keyword.end() + 1] in {"", ".", ",", "!", ")", "\n", " ", ";"}
    if not is_end or group not in {"password", "code", "key"} or keywords.TALK_AFTER.match(text, keyword.end()):
        return None
    window = max(0, keyword.start() - 120)
    match = keywords.REVERSED.search(text[window : keyword.start()])
    value = match["value"].strip("\"'`*(),;:") if match else ""
    if match is None or not value:
        return None
    start = window + match.start("value") + match["value"].index(value)
    if group == "code":
        is_value = re.fullmatch(r"(?:[A-Z]-)?\d{4,10}", value) is not None
    elif group == "key":
        is_value = is_random(value) or ("credential" in keyword[0].lower() and is_strong(value))
    else:
        is_value = is_strong(value) or (match["verb"] != "as" and _stands_alone(text, start, value, keyword.end()))
    return (start, start + len(value)) if is_value else None


def _stands_alone(text: str, start: int, value: str, end: int) -> bool:
    """Whether a plain word opens a clause that ends with the keyword: "swordfish is my password."."""
    is_opening = text[max(0, start - 100) : start].rstrip()[-1:] in {"", ".", "!", "?", ":", ","}
    is_closing = text[end : end + 1] in {"", ".", "!", "\n"}
    return is_opening and is_closing and value.isalpha() and len(value) >= 4 and is_phrase([value], "en")


def find_pairs(text: str) -> Iterator[Secret]:
    """The second of "log in with name / password", and passwords on command lines."""
    for pattern in (keywords.PAIR, keywords.COMMAND):
        for match in pattern.finditer(text):
            value = match["value"].rstrip(".,;:)\"'`")
            is_sure = pattern is keywords.COMMAND or (match["explicit"] and is_phrase([value], "en"))
            if is_strong(value) or (is_sure and not is_placeholder(value)):
                start = match.start("value")
                yield Secret(kind=SecretKind.PASSWORD, start=start, end=start + len(value))


def find_seed_phrases(text: str) -> Iterator[Secret]:
    """The twelve to twenty-four words that open a wallet."""
    for match in keywords.SEED_PHRASE.finditer(text):
        yield Secret(kind=SecretKind.PASSWORD, start=match.start("value"), end=match.end("value"))
