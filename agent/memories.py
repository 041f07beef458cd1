"""What a memory may be, checked before every write, and what is told of a person's memories. Pure."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Literal, get_args

from agent.errors import MemoryInvalidError, MemorySecretError
from agent.ids import AgentId, MemoryId, SessionId, UserId
from agent.plain_facts import has_controls, is_plain, is_plain_fact, is_visible
from agent.records import UserMemory
from agent.secret_gate import has_secret

_EXPECTED = "expected no password, key, or number of a card, an account or an insurance"
FACT_LIMIT = 300
TOPIC_LIMIT = 40
MAX_TOPICS = 8
NOTE_LIMIT = 4_000
"""Characters of `input`, `feedback` and the ids of agents and teams."""
SOURCE_LIMIT = 1_000
"""Characters of the id of the session in which something was said."""
Slot = Literal["name", "home_city", "employer", "job", "birthday", "diet", "language", "timezone", "pronouns"]
SLOTS: tuple[Slot, ...] = get_args(Slot)
"""What a person has one of at a time: a newer fact in a slot supersedes the older."""

Visibility = Literal["private", "thread"]
VISIBILITIES: tuple[Visibility, ...] = ("private", "thread")


class MemorySort(StrEnum):
    """What memories are listed by."""

    UPDATED = "updated_at"
    CREATED = "created_at"
    TEXT = "memory"


class SearchMethod(StrEnum):
    """How memories are searched: the newest, the oldest, what shares most with the words, or what a model picks."""

    LAST_N = "last_n"
    FIRST_N = "first_n"
    RELEVANCE = "relevance"
    AGENTIC = "agentic"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The run in which a person asked for a change: the change is made only while the run is that person's."""

    session_id: SessionId
    position: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryDraft:
    """A memory as somebody wants it stored. `agent_id` says which agent made it; none: a person or a program did."""

    memory: str
    topics: tuple[str, ...] = ()
    slot: str | None = None
    visibility: str = "private"
    is_pinned: bool = False
    agent_id: AgentId | None = None
    team_id: str | None = None
    input: str | None = None
    feedback: str | None = None
    source_session_id: SessionId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryPage:
    """One page of a person's memories, and how many there are on all pages. Pages count from 1."""

    memories: tuple[UserMemory, ...]
    page: int
    limit: int
    total: int

    @property
    def pages(self) -> int:
        """How many pages there are."""
        return -(-self.total // self.limit)


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryStats:
    """Figures about one person's live memories. `replaced` counts what is kept as history; tokens are estimates."""

    user_id: UserId
    total: int
    pinned: int
    replaced: int
    tokens: int
    by_visibility: Mapping[str, int] = field(default_factory=dict)
    by_agent: Mapping[str, int] = field(default_factory=dict)
    first_at: datetime | None = None
    last_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """What became of the memories of a file. `skipped`: what they say is known already, or was said later."""

    added: int
    replaced: int
    skipped: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    """What was deleted. `versions` counts the older versions of the same facts that went along."""

    memory_ids: tuple[MemoryId, ...]
    versions: int


def check_draft(draft: MemoryDraft, *, must_be_plain: bool = False) -> MemoryDraft:
    """The draft as it is stored: the text tidy (see `tidy_fact`), topics in lower case and each once.

    A source whose id reads like a secret is left out. `must_be_plain`: a model or the person wrote it, so no order and
    no claim to rights or prices is taken. Raises `MemoryInvalidError`, which names the field, and of its kinds
    `MemorySecretError`.
    """
    text = tidy_fact(_need_text("memory", draft.memory))
    if not 1 <= len(text) <= FACT_LIMIT:
        raise MemoryInvalidError("memory", f"expected 1 to {FACT_LIMIT} characters; found {len(text)}")
    _check_text("memory", text)
    if not is_visible(text):
        raise MemoryInvalidError("memory", "expected something that can be seen")
    if must_be_plain and not is_plain_fact(text):
        raise MemoryInvalidError("memory", "expected a plain fact about the person, no instruction, markup or address")
    if draft.slot is not None and draft.slot not in SLOTS:
        raise MemoryInvalidError("slot", f"expected one of {', '.join(SLOTS)}")
    if draft.visibility not in VISIBILITIES:
        raise MemoryInvalidError("visibility", f"expected one of {', '.join(VISIBILITIES)}")
    for name in ("input", "feedback", "agent_id", "team_id"):
        check_note(name, getattr(draft, name))
    source = _check_source(draft.source_session_id)
    return replace(draft, memory=text, topics=_check_topics(draft.topics), source_session_id=source)


def tidy_fact(text: str) -> str:
    """A memory's text as it is stored: one space between words, letters and their accents composed (NFC)."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def fold_fact(text: str) -> str:
    """Equal for texts that say the same but for case, spaces, how accents are written, and a closing full stop."""
    return " ".join(tidy_fact(text).casefold().split()).rstrip(".")


def check_note(name: str, value: object) -> None:
    """Raises `MemoryInvalidError` for what cannot be kept beside a memory: no text, too long, or with a secret."""
    if value is not None:
        text = _need_text(name, value)
        if len(text) > NOTE_LIMIT:
            raise MemoryInvalidError(name, f"expected at most {NOTE_LIMIT} characters; found {len(text)}")
        _check_characters(name, "".join(c for c in text if c not in "\n\t"))
        if has_secret(text) or has_secret(" ".join(text.split())):
            raise MemorySecretError(name, _EXPECTED)


def _need_text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise MemoryInvalidError(name, f"expected a text; found {type(value).__name__}")
    return value


def _check_source(session_id: SessionId | None) -> SessionId | None:
    """The session, or none: by chance one's random digits read like a card's, and the memory stays without it then."""
    if session_id is None:
        return None
    if len(_need_text("source_session_id", session_id)) > SOURCE_LIMIT:
        raise MemoryInvalidError("source_session_id", f"expected at most {SOURCE_LIMIT} characters")
    _check_characters("source_session_id", session_id)
    return None if has_secret(session_id) else session_id


def _check_topics(topics: tuple[str, ...]) -> tuple[str, ...]:
    kept = tuple(dict.fromkeys(" ".join(_need_text("topics", topic).split()).lower() for topic in topics))
    if len(kept) > MAX_TOPICS:
        raise MemoryInvalidError("topics", f"expected at most {MAX_TOPICS}; found {len(kept)}")
    for topic in kept:
        if not 1 <= len(topic) <= TOPIC_LIMIT:
            raise MemoryInvalidError("topics", f"expected 1 to {TOPIC_LIMIT} characters each")
        _check_text("topics", topic)
    return kept


def _check_text(name: str, text: str) -> None:
    _check_characters(name, text)
    if has_secret(text):
        raise MemorySecretError(name, _EXPECTED)


def _check_characters(name: str, text: str) -> None:
    if has_controls(text):
        raise MemoryInvalidError(name, "expected no control characters")


def is_plain_topic(text: str) -> bool:
    """Whether a topic may be kept: plain, and no secret."""
    return 0 < len(text) <= TOPIC_LIMIT and is_plain(text) and not has_secret(text)
