"""The records that every room shares: who speaks, what was said, what was done about it.

Standard library only; nothing here knows a channel, a database or a model's vendor.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Literal, TypeAlias

from agent.asks import Ask
from agent.errors import UserInvalidError
from agent.handoffs import ModeNote, SessionMode
from agent.ids import AgentId, AttachmentId, MemoryId, MessageId, RunId, SessionId, UserId

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"
JsonObject: TypeAlias = dict[str, JsonValue]

Role = Literal["user", "assistant", "human", "system"]
"""Who a message is from: a person, the agent, a human operator who stepped in, or the gateway itself."""


class Audience(StrEnum):
    """Who can read a session: the one person it belongs to, or several."""

    PRIVATE = "private"
    SHARED = "shared"


class RunState(StrEnum):
    """What a person sees of a run. `stopped`, `failed` and `done` are final."""

    QUEUED = "queued"
    THINKING = "thinking"
    TOOL = "tool"
    STREAMING = "streaming"
    STOPPED = "stopped"
    FAILED = "failed"
    DONE = "done"

    @property
    def is_final(self) -> bool:
        """Whether nothing more will come of this run."""
        return self in {RunState.STOPPED, RunState.FAILED, RunState.DONE}


NO_USER_ID = UserId("")


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """The one person behind every account they have.

    `id` is empty only on the way in, where the e-mail address stands for it; a stored user always has one. `account_id`
    is the user that the account they speak from was with before it was linked; none where it was not.
    Raises `UserInvalidError` when neither an id nor an address is given.
    """

    id: UserId = NO_USER_ID
    email: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    timezone: str | None = None
    additional_attributes: Mapping[str, JsonValue] = field(default_factory=dict)
    account_id: UserId | None = None

    def __post_init__(self) -> None:
        if not self.id and not self.email:
            raise UserInvalidError("user_details: expected at least an id or an email")

    @property
    def origin_id(self) -> UserId:
        """The id that the account they speak from came with. It leads to the person, and says with what they write."""
        return self.account_id or self.id

    @property
    def display_name(self) -> str:
        """What others see: the names as far as they are known, never the e-mail address; may be empty."""
        return " ".join(part for part in (self.first_name, self.last_name) if part)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """An account on a channel, by which a person is found again: (tenant, channel, external id)."""

    tenant: str
    channel: str
    external_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """Who wrote a message: the user id (none for the agent and the gateway) and the name shown.

    `is_operator`: a person of the team, who has no user id here.
    """

    id: UserId | None = None
    name: str
    is_operator: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file that somebody attached. `media_type` is by its content, `excerpt` the beginning of a text for the model.

    A message of the log has no excerpts: people open the file itself.
    """

    attachment_id: AttachmentId
    name: str
    media_type: str
    size_bytes: int
    excerpt: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One thing that was said, as everybody in the thread sees it. `seq` counts the session's durable events from 1.

    `asks`: the calls of tools that it asks for and about which nobody has decided yet.
    """

    session_id: SessionId
    seq: int
    message_id: MessageId
    role: Role
    author: Author
    text: str
    at: datetime
    run_id: RunId | None = None
    client_id: str | None = None
    attachments: tuple[Attachment, ...] = ()
    asks: tuple[Ask, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunNote:
    """A durable change of a run's state. `label` is a short text for people: a tool's title, or why it failed."""

    session_id: SessionId
    seq: int
    run_id: RunId
    state: RunState
    at: datetime
    label: str | None = None


LogEntry: TypeAlias = Message | RunNote | ModeNote
"""A durable event of a session: committed, numbered, the same for everybody who watches."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One thread. `head` is the newest durable event's number; `is_member` says whether the asking user takes part.

    `title`, `summary` and `topics` are for people who look on; no prompt holds them.
    """

    session_id: SessionId
    channel: str
    tenant: str
    agent_id: AgentId
    audience: Audience
    head: int
    title: str | None
    is_member: bool
    created_at: datetime
    updated_at: datetime
    summary: str | None = None
    topics: tuple[str, ...] = ()
    mode: SessionMode = SessionMode.AGENT


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens the vendor billed for one call or a sum of calls, and their price in US dollars."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    cost_usd: Decimal = Decimal(0)

    @property
    def context_tokens(self) -> int:
        """All that stood in the window when the call ended: what the next request starts from."""
        return self.input_tokens + self.cache_read_tokens + self.cache_write_tokens + self.output_tokens

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            cache_read_tokens=self.cache_read_tokens + other.cache_read_tokens,
            cache_write_tokens=self.cache_write_tokens + other.cache_write_tokens,
            cost_usd=self.cost_usd + other.cost_usd,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """One call of a tool within a turn, and what came of it. `call_id` is the model's own id for it.

    While `is_done` is false the tool may be running, or may have been when its process died: there is no result.
    `excerpt` stands in prompts for a result that is too long for them. Where calls are read for a prompt, `result` is
    only what stands in it.
    """

    call_id: str
    name: str
    arguments: JsonObject
    result: str = ""
    is_error: bool = False
    is_done: bool = True
    excerpt: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One model call of a run that used tools: the blocks the model wrote (Messages API JSON form) and the calls.

    A run that answered at once has none: its answer says it all.
    """

    content: tuple[JsonObject, ...]
    tool_calls: tuple[ToolCall, ...]
    stop_reason: str
    usage: Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """From a person's message to the final answer. `text` is what was answered, whole or as far as it came.

    `context_tokens` were in the window when the last call ended, by its bill; `context_bytes` are the same measured.
    `asks` are the calls for whose approval it ended.
    """

    run_id: RunId
    session_id: SessionId
    state: RunState
    text: str
    model: str
    turns: tuple[Turn, ...] = ()
    stop_reason: str = ""
    usage: Usage = Usage()
    error: str | None = None
    context_tokens: int = 0
    context_bytes: int = 0
    asks: tuple[Ask, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PastRun:
    """A run as history: what people said, then what the agent did, then what it answered (none when it failed).

    `position` is its place in the order of the session's runs.
    """

    run_id: RunId
    prompt: tuple[Message, ...]
    turns: tuple[Turn, ...]
    answer: str | None
    position: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class UserMemory:
    """One thing remembered about one person. `visibility` says in front of whom it may be used.

    `valid_to` is none while it is live. `supersedes` and `replaced_by` name the memories before and after it. `model`
    is the one that read it out of what was said.
    """

    memory_id: MemoryId
    user_id: UserId
    memory: str
    topics: tuple[str, ...] = ()
    slot: str | None = None
    visibility: Literal["private", "thread"] = "private"
    agent_id: AgentId | None = None
    team_id: str | None = None
    input: str | None = None
    feedback: str | None = None
    source_session_id: SessionId | None = None
    source_seq: int | None = None
    supersedes: MemoryId | None = None
    replaced_by: MemoryId | None = None
    is_pinned: bool = False
    model: str | None = None
    last_used_at: datetime | None = None
    valid_from: datetime
    valid_to: datetime | None = None
    created_at: datetime
    updated_at: datetime
