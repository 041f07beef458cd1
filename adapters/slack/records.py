"""What Slack tells, as typed records. Slack's own channel is called a conversation here."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from agent.records import JsonObject, JsonValue

ConversationKind = Literal["im", "mpim", "channel"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Which delivery of which installation. `installation` is the enterprise of an org-wide install, else the team.

    `bot_user` is the installation's own user; none where the payload does not say (interactions). `is_shared`: the
    conversation is shared with other companies; none where the payload does not say.
    """

    installation: str
    team: str
    event_id: str
    app_id: str = ""
    bot_user: str | None = None
    is_shared: bool | None = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedFile:
    """A file as a message names it. `size_bytes` is what Slack says."""

    name: str
    mimetype: str
    size_bytes: int
    url: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A message. `ts` names it within its conversation; `thread_ts` is the root of its thread, none at the top level.

    `home` is the author's own team or enterprise, `user` is none for posts of integrations without one.
    """

    origin: Origin
    conversation: str
    kind: ConversationKind
    ts: str
    thread_ts: str | None
    user: str | None
    home: str
    text: str
    files: tuple[SharedFile, ...] = ()
    subtype: str | None = None
    bot_id: str | None = None
    app_id: str | None = None
    username: str | None = None
    is_own: bool = False

    @property
    def root(self) -> str:
        """The thread it stands in or begins."""
        return self.thread_ts or self.ts


@dataclass(frozen=True, slots=True, kw_only=True)
class Edited:
    """A message has another text now. `said` is the message as it stands."""

    said: Said
    before: str
    edited_ts: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Deleted:
    """A message is gone."""

    origin: Origin
    conversation: str
    kind: ConversationKind
    ts: str
    thread_ts: str | None

    @property
    def root(self) -> str:
        """The thread it stood in or began."""
        return self.thread_ts or self.ts


@dataclass(frozen=True, slots=True, kw_only=True)
class StopClicked:
    """Somebody pressed the native stop button of a thread."""

    origin: Origin
    conversation: str
    thread_ts: str | None
    streams: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeOpened:
    """Somebody looks at the app: its `home` tab or its `messages`."""

    origin: Origin
    user: str
    tab: str
    conversation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UserChanged:
    """A person's profile changed."""

    origin: Origin
    user: str
    profile: JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Revoked:
    """The installation's right to act has ended, at `at_s` (Unix time; none where Slack does not say)."""

    origin: Origin
    kind: str
    at_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Other:
    """An event that nothing is done about."""

    origin: Origin
    kind: str


Event: TypeAlias = Said | Edited | Deleted | StopClicked | HomeOpened | UserChanged | Revoked | Other


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A slash command. It carries no thread. At `response_url` its sender may be told more for half an hour."""

    origin: Origin
    conversation: str
    user: str
    home: str
    text: str
    response_url: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clicked:
    """A button or a menu was used. `conversation`, `ts` and `thread_ts` are the message's, where there is one.

    `trigger_id` opens a form within three seconds.
    """

    origin: Origin
    conversation: str | None
    ts: str | None
    user: str
    home: str
    trigger_id: str
    action_id: str
    value: str
    thread_ts: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortcut:
    """The message shortcut was chosen on a message. `trigger_id` opens a form within three seconds."""

    origin: Origin
    said: Said
    trigger_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The shortcut's form was sent off: the agent is asked about a message.

    `is_private`: the answer is for the asker alone. `is_cut`: of `said` only the beginning came along.
    """

    origin: Origin
    said: Said
    asker: str
    asker_home: str
    question: str = ""
    is_private: bool = False
    is_cut: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """A form was sent off. `metadata` is what the form was given; `values` are the texts by block."""

    origin: Origin
    user: str
    home: str
    callback_id: str
    metadata: str
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherInteraction:
    """An interaction that nothing is done about."""

    origin: Origin
    kind: str


Interaction: TypeAlias = Command | Clicked | Shortcut | Asked | Submitted | OtherInteraction


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """Slack asks whether this address is ours."""

    challenge: str


def text_of(value: Mapping[str, JsonValue], key: str) -> str | None:
    """A string field that is not empty."""
    found = value.get(key)
    return found if isinstance(found, str) and found else None


def object_of(value: Mapping[str, JsonValue], key: str) -> JsonObject:
    """An object field; empty where it is missing or something else."""
    found = value.get(key)
    return found if isinstance(found, dict) else {}


def objects_of(value: Mapping[str, JsonValue], key: str) -> list[JsonObject]:
    """The objects of a list field."""
    found = value.get(key)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []
