"""Whether the agent answers a message, and why. Pure: a message, how things stand, a rule ─► a decision."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, TypeAlias

from adapters.slack.records import Said

Mode: TypeAlias = Literal["mention", "thread", "always", "conditions"]
ANSWERED_SUBTYPES = frozenset({None, "file_share", "thread_broadcast", "me_message"})
TEXT_LOOKED_AT = 4_000
_ADDRESS = re.compile(r"[\s@]*[^\s,:—-][^,:—\n]{0,80}[,:—-]")
_GROUP = re.compile(r"<!(?:subteam\^|here|channel|everyone)")
_MENTION = re.compile(r"<@([UW][A-Z0-9]+)(?:\|[^<>]*)?>")


class Verdict(StrEnum):
    """What becomes of a delivery: `kept` is stored for the next run to see, and not answered."""

    ANSWERED = "answered"
    KEPT = "kept"
    IGNORED = "ignored"


class Reason(StrEnum):
    """Why, in words for the people who run the gateway."""

    DIRECT = "a direct message"
    MENTIONED = "the bot was mentioned"
    FOLLOW_UP = "a follow-up in a thread that the agent takes part in"
    EVERY_MESSAGE = "the rule of this conversation is to answer everything"
    EVERY_IN_THREAD = "the rule of this conversation is to answer everything in such threads"
    CONDITION = "a condition of this conversation is met"
    JUDGED = "the rule of this conversation asks for an answer"
    SHORTCUT = "somebody asked about this message"
    NOT_ADDRESSED = "the bot was not addressed"
    TO_OTHERS = "it speaks to somebody else"
    AMONG_PEOPLE = "people are talking to each other"
    OWN = "the bot's own post"
    OTHER_BOT = "another bot's post"
    HOPS = "bots have answered each other often enough"
    NO_AUTHOR = "nobody wrote it"
    SUBTYPE = "not a message of a person"
    EMPTY = "nothing was said"
    SAME_TEXT = "the text is the same"
    TWIN = "the same message came as another event"
    NO_RULE = "nothing is done about this event"
    EDITED = "the message was replaced"
    ASKED_AGAIN = "the question was replaced while it was being answered"
    SUPERSEDED = "a later edit of the message was taken in before"
    UNKNOWN_MESSAGE = "the message was never taken in"
    DELETED = "the message was taken out"
    STOPPED = "what was running was stopped"
    NOTHING_RUNS = "nothing was running"
    HOME = "the home tab was shown"
    PROMPTS = "prompts were suggested"
    PROFILE = "the person's profile was looked up anew"
    REVOKED = "the app was removed or its token revoked"
    DECIDED = "a call that waited for approval was decided"
    NOT_ASKED = "somebody else is asked for approval"
    CLOSED = "nothing waits for this approval any more"
    COMMAND = "a command was carried out"
    FEEDBACK = "a judgement was noted"
    FORM = "a form was shown"
    NO_MEMORY = "there is no such memory"
    CORRECTED = "a memory was corrected"
    NOT_KEPT = "what was written cannot be remembered"
    FORGOTTEN = "a memory was deleted"
    FAILED = "it failed too often"
    LATER = "it is tried again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A verdict and its reason."""

    verdict: Verdict
    reason: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """When the agent speaks up in a conversation.

    With `conditions`, `words` are looked for as whole words in any case, `patterns` as regular expressions, and where
    none is found a small model judges by `question`, a rule in one line. Posts of `bots` (ids of bots, their users or
    their apps) are treated as people's, until bots have spoken `bot_hops` times since a person did.
    """

    mode: Mode = "mention"
    words: tuple[str, ...] = ()
    patterns: tuple[re.Pattern[str], ...] = ()
    question: str | None = None
    bots: frozenset[str] = frozenset()
    bot_hops: int = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadState:
    """How a thread stands before a message. `is_engaged`: the agent was called into it.

    `is_last_kept` says that the last thing said was a person's and was not meant for the agent, `is_last_own` that the
    same person said it. `bot_hops`: how often other bots spoke since a person did.
    """

    is_engaged: bool = False
    is_last_kept: bool = False
    is_last_own: bool = False
    bot_hops: int = 0
    names: tuple[str, ...] = ()


def screen(said: Said, bots: Collection[str] = ()) -> Reason | None:
    """Why a message is nothing for the agent whatever the thread; none when it may be. `bots` are let through."""
    if said.is_own:
        return Reason.OWN
    is_bot = said.bot_id is not None or said.subtype == "bot_message"
    if is_bot and not is_allowed_bot(said, bots):
        return Reason.OTHER_BOT
    if not is_bot and said.subtype not in ANSWERED_SUBTYPES:
        return Reason.SUBTYPE
    if said.user is None and said.bot_id is None:
        return Reason.NO_AUTHOR
    return None if said.text.strip() or said.files else Reason.EMPTY


def is_allowed_bot(said: Said, bots: Collection[str]) -> bool:
    """Whether a bot's post may be answered."""
    return not {said.bot_id, said.user, said.app_id}.isdisjoint(bots)


def find_mentions(text: str) -> tuple[str, ...]:
    """The user ids a message mentions, in order."""
    return tuple(_MENTION.findall(text))


def decide(said: Said, thread: ThreadState, rule: Rule) -> Decision:
    """What to do with a message that passed the screen."""
    if said.bot_id is not None and thread.bot_hops >= rule.bot_hops:
        return _keep(Reason.HOPS)
    if said.kind != "channel":
        return _answer(Reason.DIRECT)
    mentions = find_mentions(said.text)
    if said.origin.bot_user is not None and said.origin.bot_user in mentions:
        return _answer(Reason.MENTIONED)
    if rule.mode == "always":
        return _answer(Reason.EVERY_MESSAGE)
    if rule.mode == "conditions" and meets_condition(said.text, rule):
        return _answer(Reason.CONDITION)
    if not thread.is_engaged or said.thread_ts is None:
        return _keep(Reason.NOT_ADDRESSED)
    if rule.mode == "thread":
        return _answer(Reason.EVERY_IN_THREAD)
    if mentions or _GROUP.search(said.text) or speaks_to(said.text, thread.names):
        return _keep(Reason.TO_OTHERS)
    if thread.is_last_kept and not thread.is_last_own:
        return _keep(Reason.AMONG_PEOPLE)
    return _answer(Reason.FOLLOW_UP)


def has_to_judge(decision: Decision, rule: Rule) -> bool:
    """Whether the rule's question decides: the message would else be kept, though nobody was spoken to."""
    return rule.mode == "conditions" and rule.question is not None and decision.reason is Reason.NOT_ADDRESSED


def meets_condition(text: str, rule: Rule) -> bool:
    """Whether one of the rule's words or patterns is found."""
    looked_at = text[:TEXT_LOOKED_AT]
    words = (rf"(?<!\w){re.escape(word)}(?!\w)" for word in rule.words)
    return any(re.search(word, looked_at, re.IGNORECASE) for word in words) or any(
        pattern.search(looked_at) for pattern in rule.patterns
    )


def may_speak_to_somebody(text: str) -> bool:
    """Whether a message may begin with a name: a few words and a mark."""
    return _ADDRESS.match(text) is not None


def speaks_to(text: str, names: Sequence[str]) -> bool:
    """Whether a message begins with the name of somebody, as in `Bob, can you look?`."""
    begin = text.lstrip(" @").casefold()
    called = {part for name in names for part in (name.casefold(), name.casefold().partition(" ")[0]) if len(part) > 1}
    return any(begin.startswith(name) and begin[len(name) :].lstrip()[:1] in {",", ":", "-", "—"} for name in called)


def _answer(reason: Reason) -> Decision:
    return Decision(verdict=Verdict.ANSWERED, reason=reason)


def _keep(reason: Reason) -> Decision:
    return Decision(verdict=Verdict.KEPT, reason=reason)
