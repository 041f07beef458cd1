"""What a workspace is made of. Plain records that the workspace changes in place; times are seconds since 1970."""

from dataclasses import dataclass, field
from enum import StrEnum

from adapters.slack_fake.json_types import Json


class ChannelKind(StrEnum):
    """The four kinds of conversations, by the names that events use for them."""

    PUBLIC = "channel"
    PRIVATE = "group"
    IM = "im"
    MPIM = "mpim"


class StreamState(StrEnum):
    """Where a streamed message stands."""

    OPEN = "in_progress"
    DONE = "completed"
    EXPIRED = "expired"
    STOPPED = "stopped"


@dataclass(slots=True, kw_only=True)
class Enterprise:
    """An organisation that holds several workspaces."""

    enterprise_id: str
    name: str


@dataclass(slots=True, kw_only=True)
class Team:
    """A workspace."""

    team_id: str
    name: str
    domain: str
    enterprise_id: str | None = None


@dataclass(slots=True, kw_only=True)
class User:
    """An account: a person, a guest or a bot."""

    user_id: str
    team_id: str
    name: str
    real_name: str
    email: str | None = None
    tz: str = "Europe/Berlin"
    tz_offset: int = 3600
    locale: str = "en-US"
    is_admin: bool = False
    is_restricted: bool = False
    is_ultra_restricted: bool = False
    is_deleted: bool = False
    bot_id: str | None = None
    app_id: str | None = None
    updated_at: int = 0

    @property
    def is_bot(self) -> bool:
        """Whether a program speaks through it."""
        return self.bot_id is not None


@dataclass(slots=True, kw_only=True)
class Channel:
    """A conversation. `shared_with` are the other workspaces that take part in a Slack Connect channel."""

    channel_id: str
    name: str
    kind: ChannelKind
    team_id: str
    created_at: int
    creator_id: str
    members: list[str] = field(default_factory=list)
    shared_with: list[str] = field(default_factory=list)
    is_archived: bool = False

    @property
    def team_ids(self) -> list[str]:
        """All workspaces that see it, the owner first."""
        return [self.team_id, *self.shared_with]


@dataclass(slots=True, kw_only=True)
class Stream:
    """The streaming side of a message."""

    started_at: float
    expires_at: float
    state: StreamState = StreamState.OPEN
    chunks: list[Json] = field(default_factory=list)
    recipient_user_id: str | None = None
    recipient_team_id: str | None = None


@dataclass(slots=True, kw_only=True)
class Message:
    """A message as it stands now. `source` is the text as it was sent; `text` is what Slack reads back."""

    ts: str
    channel_id: str
    user: User
    text: str
    source: str
    subtype: str | None = None
    thread_ts: str | None = None
    blocks: list[Json] = field(default_factory=list)
    attachments: list[Json] = field(default_factory=list)
    metadata: Json | None = None
    files: list["File"] = field(default_factory=list)
    reactions: dict[str, list[str]] = field(default_factory=dict)
    edited: Json | None = None
    client_msg_id: str | None = None
    username: str | None = None
    stream: Stream | None = None
    is_deleted: bool = False
    unfurls: bool = True

    @property
    def root_ts(self) -> str:
        """The thread that it is in, or would begin."""
        return self.thread_ts or self.ts


@dataclass(slots=True, kw_only=True)
class Ephemeral:
    """A message that one person sees and that is gone when they reload."""

    ts: str
    channel_id: str
    user_id: str
    text: str
    blocks: list[Json]
    thread_ts: str | None = None
    is_deleted: bool = False


@dataclass(slots=True, kw_only=True)
class File:
    """A file. It counts once its bytes are here and its upload is completed."""

    file_id: str
    team_id: str
    user_id: str
    name: str
    title: str
    mimetype: str
    created_at: int
    content: bytes | None = None
    size_bytes: int = 0
    is_complete: bool = False
    is_deleted: bool = False
    channel_ids: list[str] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class AgentSession:
    """What a thread shows about the agent's work in it."""

    channel_id: str
    thread_ts: str
    status: str
    title: str | None = None
    initiator_id: str | None = None
    history: list[str] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class View:
    """An App Home or a modal."""

    view_id: str
    team_id: str
    user_id: str
    body: Json
    hash: str
    root_id: str
    previous_id: str | None = None
    is_open: bool = True


@dataclass(slots=True, kw_only=True)
class App:
    """The one app that the fake serves, as its settings page would show it."""

    app_id: str = "A0PARLEY00"
    name: str = "Parley"
    handle: str = "parley"
    client_id: str = "1111111111.2222222222"
    client_secret: str = "fake-client-secret-0123456789abcdef"  # noqa: S105  opens nothing but the fake
    signing_secret: str = "5a1f0c3e9b7d42868e0f13a4c6b5d790"  # noqa: S105
    verification_token: str = "q3V7fakeVerification"  # noqa: S105
    app_token: str = "xapp-1-A0PARLEY00-7319004521-c4b7e19d2f6a8035"  # noqa: S105
    app_scopes: frozenset[str] = frozenset({"connections:write"})
    commands: tuple[str, ...] = ("/parley",)
    shortcuts: tuple[tuple[str, str], ...] = (("ask_agent", "Ask the agent about this"),)
    """Message shortcuts: callback id and label."""
    is_agent: bool = True
    is_distributed_outside_marketplace: bool = False
    rotates_tokens: bool = False
    redirect_uris: tuple[str, ...] = ()
    """Where an installation may lead back to; the first where a link names none."""


@dataclass(slots=True, kw_only=True)
class Installation:
    """The app in one workspace, or (with no team) in a whole organisation."""

    installation_id: str
    bot: User
    bot_token: str
    scopes: set[str]
    events: set[str]
    team_id: str | None
    enterprise_id: str | None = None
    installed_by: str | None = None
    is_revoked: bool = False
    is_uninstalled: bool = False
    refresh_token: str | None = None
    expires_at: float | None = None
    old_tokens: list[str] = field(default_factory=list)

    @property
    def is_org_wide(self) -> bool:
        """Whether it covers every workspace of the organisation."""
        return self.team_id is None

    @property
    def key(self) -> str:
        """The organisation or workspace that its limits are counted for."""
        return self.team_id or self.enterprise_id or self.installation_id
