"""What a person says about themselves, as facts in the third person, by fixed patterns of English."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

SENTENCES = 50
"""How much of a message is looked at."""

_X = r"(?P<x>.+)"
_PATTERNS: tuple[tuple[str, str, str | None, tuple[str, ...]], ...] = (
    (rf"(?:my name(?:'s| is)|i(?:'m| am) called|(?:you can |please )?call me) {_X}", "is called {x}", "name", ()),
    (rf"i (?:now )?live (?:now )?in {_X}", "lives in {x}", "home_city", ("home",)),
    (rf"i(?:'ve| have)? (?:just )?(?:moved|relocated) (?:from .+? )?to {_X}", "lives in {x}", "home_city", ("home",)),
    (rf"i work (?:at|for) {_X}", "works at {x}", "employer", ("work",)),
    (rf"i work as (?:an? )?{_X}", "works as {x}", "job", ("work",)),
    (
        r"i(?:'m| am) an? (?P<x>(?:\w+ )?(?:developer|engineer|teacher|nurse|doctor|designer|student|lawyer|writer|"
        r"manager|scientist|chef|cook|baker|pilot|driver|musician|farmer|accountant|architect|artist))",
        "works as {x}",
        "job",
        ("work",),
    ),
    (rf"my birthday is (?:on )?{_X}", "has a birthday on {x}", "birthday", ()),
    (r"i(?:'m| am) (?:an? )?(?P<x>vegan|vegetarian|pescatarian)", "is {x}", "diet", ("food",)),
    (rf"i(?:'m| am) allergic to {_X}", "is allergic to {x}", None, ("health",)),
    (rf"i (?:mostly |mainly )?speak {_X}", "speaks {x}", "language", ()),
    (rf"my pronouns are {_X}", "uses {x} pronouns", "pronouns", ()),
    (rf"my time ?zone is {_X}", "is in the time zone {x}", "timezone", ()),
    (rf"my favou?rite (?P<k>[\w ]+?) is {_X}", "has {x} as favourite {k}", None, ("likes",)),
    (rf"i (?:really |also |do |just )*(?P<v>like|love|enjoy|prefer|hate|dislike) {_X}", "{v}s {x}", None, ("likes",)),
    (
        rf"i (?:do not|don't|can not|cannot|can't) (?P<v>like|eat|drink|stand) {_X}",
        "does not {v} {x}",
        None,
        ("likes",),
    ),
)
_COMPILED = tuple((re.compile(pattern, re.IGNORECASE), to, slot, topics) for pattern, to, slot, topics in _PATTERNS)
_SLOTS = (
    (re.compile(r"is (called|named)\b"), "name"),
    (re.compile(r"lives in\b"), "home_city"),
    (re.compile(r"works (at|for)\b"), "employer"),
    (re.compile(r"works as\b"), "job"),
    (re.compile(r"has a birthday\b"), "birthday"),
    (re.compile(r"is (vegan|vegetarian|pescatarian)\b"), "diet"),
    (re.compile(r"speaks\b"), "language"),
    (re.compile(r"uses .+ pronouns\b"), "pronouns"),
    (re.compile(r"is in the time zone\b"), "timezone"),
)
_LEAD = re.compile(
    r"(?:(?:please|hey|hi|hello|ok|okay|so|also|well|and|but|oh|btw|by the way|actually|yes|no)\b[,!]? *)+", re.I
)
_ASKED = re.compile(
    r"(?:(?:can|could|will|would) you (?:please )?)?"
    r"(?:remember|note|keep in mind|don't forget|do not forget|memori[sz]e)(?: that| this)?[:,]? +(?P<rest>.+)",
    re.IGNORECASE,
)
_FORGET = re.compile(
    r"(?:(?:can|could|will|would) you (?:please )?)?(?:(?:forget|stop remembering)(?: that| about)?|"
    r"(?:delete|remove|erase|clear)(?= (?:my|all|everything|what|that)))(?: (?P<rest>.+))?",
    re.IGNORECASE,
)
_ALL = re.compile(
    r"(?:all|everything|anything)(?: .*)?|me|it all|(?:all )?my (?:memory|memories|data)|what you (?:know|remember).*",
    re.IGNORECASE,
)
_ABOUT = (
    (re.compile(r"where i live|my (?:home|city|address)", re.IGNORECASE), "home_city"),
    (re.compile(r"my name|what i am called|who i am", re.IGNORECASE), "name"),
    (re.compile(r"where i work|my (?:employer|company)", re.IGNORECASE), "employer"),
    (re.compile(r"my (?:job|profession)|what i do", re.IGNORECASE), "job"),
    (re.compile(r"my birthday|when i was born", re.IGNORECASE), "birthday"),
    (re.compile(r"my diet", re.IGNORECASE), "diet"),
    (re.compile(r"my languages?", re.IGNORECASE), "language"),
    (re.compile(r"my pronouns", re.IGNORECASE), "pronouns"),
    (re.compile(r"my time ?zone", re.IGNORECASE), "timezone"),
)
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+|; ?|,? and (?=(?:i|i'm|my|please|remember|forget)\b)", re.IGNORECASE)
_SPACES = re.compile(r"[^\S\n]+")
_TAIL_WORDS = ("now", "too", "also", "as well", "very much", "a lot", "please", "thanks", "thank you", "today")
_EMPTY = frozenset({"it", "that", "this", "you", "them", "him", "her", "what", "how", "to know", "to ask"})
_STOP = frozenset(
    [
        "a",
        "an",
        "the",
        "i",
        "my",
        "their",
        "is",
        "am",
        "in",
        "to",
        "of",
        "and",
        "that",
        "about",
        "for",
        "at",
        "do",
        "does",
        "not",
    ]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """Something about a person: "likes tea". `is_asked` when they said to remember it."""

    text: str
    slot: str | None = None
    topics: tuple[str, ...] = ()
    is_asked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Forget:
    """A wish to forget: everything, a slot, or what sounds like `text`."""

    is_all: bool = False
    slot: str | None = None
    text: str = ""

    def covers(self, fact: str) -> bool:
        """Whether a fact is meant."""
        if self.is_all or (self.slot and slot_of(fact) == self.slot):
            return True
        meant = plain_words(self.text)
        return bool(meant) and (self.text.casefold() == fact.casefold() or meant <= plain_words(fact))


def read_changes(text: str) -> Iterator[Fact | Forget]:
    """The facts and the wishes to forget in a person's message, in order."""
    for sentence in _SENTENCE.split(_SPACES.sub(" ", text), maxsplit=SENTENCES)[:SENTENCES]:
        bare = _LEAD.sub("", sentence.strip(), count=1) if _LEAD.match(sentence.strip()) else sentence.strip()
        asked = _ASKED.match(bare)
        if asked is None and (forget := _read_forget(bare)):
            yield forget
        elif asked is not None and not _is_question(asked["rest"]):
            yield from _read_asked(asked["rest"])
        elif not bare.endswith("?") and (fact := _read_fact(bare)):
            yield fact


def slot_of(fact: str) -> str | None:
    """The slot that a fact's wording belongs to."""
    return next((slot for pattern, slot in _SLOTS if pattern.match(fact)), None)


def to_second_person(fact: str) -> str:
    """ "likes tea" becomes "you like tea"; "their dog is called Rex" becomes "your dog is called Rex"."""
    first, _, rest = fact.partition(" ")
    rest = " ".join(
        {"their": "your", "them": "you", "they": "you", "themselves": "yourself"}.get(w, w) for w in rest.split()
    )
    if first.lower() == "their":
        return f"your {rest}"
    verb = {"is": "are", "has": "have", "does": "do", "was": "were", "can": "can", "will": "will"}.get(first) or _base(
        first
    )
    return f"you {verb} {rest}".strip() if verb else f"{first} {rest}".strip()


def _read_asked(rest: str) -> Iterator[Fact]:
    fact = _read_fact(rest)
    text = fact.text if fact else to_third_person(rest)
    if text:
        yield Fact(text=text, slot=fact.slot if fact else None, topics=fact.topics if fact else (), is_asked=True)


def _read_fact(sentence: str) -> Fact | None:
    plain = sentence.replace("\u2019", "'")
    for pattern, template, slot, topics in _COMPILED:
        if found := pattern.fullmatch(_without_tail(plain)):
            value = _own(found["x"].strip())
            if (
                not value
                or len(value) > 120
                or value.lower() in _EMPTY
                or value.split()[0].lower() in ("how", "you", "that")
            ):
                return None
            parts = {key: part.lower() for key, part in found.groupdict().items() if key != "x" and part}
            return Fact(text=template.format(x=value, **parts), slot=slot, topics=topics)
    return None


def _read_forget(sentence: str) -> Forget | None:
    found = _FORGET.fullmatch(sentence.rstrip(" .!?"))
    if found is None or not found["rest"]:
        return None
    rest = _without_tail(found["rest"])
    if _ALL.fullmatch(rest):
        return Forget(is_all=True)
    for pattern, slot in _ABOUT:
        if pattern.fullmatch(rest):
            return Forget(slot=slot)
    fact = _read_fact(rest)
    return Forget(text=fact.text if fact else to_third_person(rest))


def to_third_person(words: str) -> str:
    """ "I have two cats" becomes "has two cats"; what it cannot turn stays as it is."""
    text = _without_tail(words.replace("\u2019", "'"))
    for pattern, verb in (
        (r"i(?:'m| am)\b", "is"),
        (r"i(?:'ve| have)\b", "has"),
        (r"i (?:don't|do not)\b", "does not"),
    ):
        if found := re.match(pattern, text, re.IGNORECASE):
            return _own(verb + text[found.end() :])
    if found := re.match(r"i (was|can|will|could|would|should)\b", text, re.IGNORECASE):
        return _own(found[1].lower() + text[found.end() :])
    if found := re.match(r"i ([a-z]+)\b", text, re.IGNORECASE):
        return _own(_with_s(found[1].lower()) + text[found.end() :])
    return _own(text)


def _without_tail(text: str) -> str:
    """A statement without its full stop and its fillers: "I live here now, thanks!" ends with "here"."""
    text = text.strip(" \t\r\n,.!")
    while word := next((word for word in _TAIL_WORDS if text.lower().endswith(f" {word}")), None):
        text = text[: -len(word)].rstrip(" \t\r\n,.!")
    return text


def _own(text: str) -> str:
    swaps = {"my": "their", "me": "them", "i": "they", "i'm": "they are", "mine": "theirs", "myself": "themselves"}
    return " ".join(swaps.get(word.lower(), word) for word in text.split())


def _with_s(verb: str) -> str:
    if verb.endswith(("s", "x", "z", "ch", "sh", "o")):
        return f"{verb}es"
    return f"{verb[:-1]}ies" if verb.endswith("y") and verb[-2:-1] not in "aeiou" else f"{verb}s"


def _base(verb: str) -> str:
    """The verb without its s; empty for what is no verb in the third person."""
    if not verb.endswith("s") or verb.endswith("ss") or not verb.isalpha():
        return ""
    if verb.endswith("ies") and len(verb) > 4:
        return f"{verb[:-3]}y"
    return verb[:-2] if verb.endswith(("ches", "shes", "xes", "sses", "oes", "zes")) else verb[:-1]


def _is_question(text: str) -> bool:
    return bool(re.match(r"(?:what|who|when|where|why|how|if|whether|me\b)", text, re.IGNORECASE))


def plain_words(text: str) -> set[str]:
    """The words that say something, in small letters and without a plural s."""
    found: Iterable[str] = re.findall(r"\w+", text.casefold())
    return {word.rstrip("s") or word for word in found if word not in _STOP}
