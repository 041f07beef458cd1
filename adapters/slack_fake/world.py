"""The state of the fake workspaces, with no socket and no task in it.

Everything that happens changes the records here, tells `on_event` what the app is to hear of it, and calls `on_change`.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from adapters.slack_fake.clock import Clock, WallClock
from adapters.slack_fake.errors import RefusalError, UsageError
from adapters.slack_fake.json_types import Json
from adapters.slack_fake.records import (
    AgentSession,
    App,
    Channel,
    ChannelKind,
    Enterprise,
    Ephemeral,
    File,
    Installation,
    Message,
    Team,
    User,
    View,
)

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """What the app is to be told. `kind` is the envelope's type in Socket Mode."""

    kind: Literal["events_api", "interactive", "slash_commands"]
    payload: Json
    name: str
    """The event's type, or the payload's."""
    event_id: str | None = None


class World:
    """All workspaces that the app may be in."""

    def __init__(self, *, app: App | None = None, clock: Clock | None = None, seed: int = 0) -> None:
        self.app = app or App()
        self.clock: Clock = clock or WallClock()
        self.random = random.Random(seed)  # noqa: S311  repeatable, and nothing secret
        self.base_url = "http://127.0.0.1"
        self.stream_life_s = 300.0
        self.enterprises: dict[str, Enterprise] = {}
        self.teams: dict[str, Team] = {}
        self.users: dict[str, User] = {}
        self.channels: dict[str, Channel] = {}
        self.messages: dict[str, dict[str, Message]] = {}
        self.threads: dict[tuple[str, str], list[Message]] = {}
        self.ephemerals: list[Ephemeral] = []
        self.files: dict[str, File] = {}
        self.sessions: dict[tuple[str, str], AgentSession] = {}
        self.prompts: dict[str, list[Json]] = {}
        self.legacy_status: dict[tuple[str, str], str] = {}
        self.views: dict[str, View] = {}
        self.homes: dict[tuple[str, str], View] = {}
        self.installations: dict[str, Installation] = {}
        self.oauth_codes: dict[str, tuple[str | None, str | None, str]] = {}
        self.triggers: dict[str, tuple[str, float, str]] = {}
        self.response_urls: dict[str, ResponseTarget] = {}
        self.on_event: Callable[[Outgoing], None] = lambda outgoing: None
        self.on_change: Callable[[], None] = lambda: None
        self._serial = 0
        self._last_ts = 0

    def new_id(self, prefix: str) -> str:
        """An id as Slack writes them; the same order gives the same ids, in every run."""
        self._serial += 1
        return f"{prefix}0{_write_36(self._serial + 36**5)}"

    def new_event_id(self) -> str:
        """An event's id, which no other run uses either: the app remembers them for a day."""
        return f"Ev0{_write_36(self._next_microsecond())}"

    def new_secret(self, prefix: str) -> str:
        """A token that nobody guesses from the one before."""
        return f"{prefix}{self.random.getrandbits(96):024x}"

    def new_ts(self) -> str:
        """A message's time, unique and growing in all workspaces."""
        microsecond = self._next_microsecond()
        return f"{microsecond // 1_000_000}.{microsecond % 1_000_000:06d}"

    def _next_microsecond(self) -> int:
        self._last_ts = max(self._last_ts + 1, int(self.clock.now() * 1_000_000))
        return self._last_ts

    def now_s(self) -> int:
        """The time in whole seconds."""
        return int(self.clock.now())

    def find_user(self, user_id: str) -> User:
        """A user, or `user_not_found`."""
        user = self.users.get(user_id)
        if user is None:
            raise RefusalError("user_not_found")
        return user

    def find_channel(self, channel_id: str) -> Channel:
        """A conversation, or `channel_not_found`."""
        channel = self.channels.get(channel_id)
        if channel is None:
            raise RefusalError("channel_not_found")
        return channel

    def find_message(self, channel_id: str, ts: str) -> Message | None:
        """A message that stands."""
        message = self.messages.get(channel_id, {}).get(ts)
        return None if message is None or message.is_deleted else message

    def need_message(self, channel_id: str, ts: str) -> Message:
        """A message that stands, or `UsageError`."""
        message = self.find_message(channel_id, ts)
        if message is None:
            raise UsageError(f"{channel_id} holds no message {ts}")
        return message

    def list_messages(self, channel_id: str) -> Iterator[Message]:
        """What stands in a conversation, oldest first."""
        return (message for message in self.messages.get(channel_id, {}).values() if not message.is_deleted)

    def list_replies(self, channel_id: str, thread_ts: str) -> list[Message]:
        """The replies of a thread, oldest first, without its root."""
        return [m for m in self.threads.get((channel_id, thread_ts), ()) if not m.is_deleted]

    def find_im(self, first: User, second: User) -> Channel:
        """The direct messages of two accounts, opened now if they are new."""
        for channel in self.channels.values():
            if channel.kind is ChannelKind.IM and set(channel.members) == {first.user_id, second.user_id}:
                return channel
        return self.add_channel(ChannelKind.IM, "", first.team_id, [first, second])

    def add_channel(self, kind: ChannelKind, name: str, team_id: str, members: list[User]) -> Channel:
        """A new conversation."""
        channel = Channel(
            channel_id=self.new_id("D" if kind is ChannelKind.IM else "C"),
            name=name,
            kind=kind,
            team_id=team_id,
            created_at=self.now_s(),
            creator_id=members[0].user_id if members else "USLACKBOT",
            members=[member.user_id for member in members],
        )
        self.channels[channel.channel_id] = channel
        self.messages[channel.channel_id] = {}
        self.on_change()
        return channel

    def enterprise_of(self, team_id: str) -> str | None:
        """The organisation that a workspace belongs to."""
        return self.teams[team_id].enterprise_id if team_id in self.teams else None

    def installation_of(self, team_id: str) -> Installation | None:
        """The live installation that serves a workspace: its own, else that of its organisation."""
        enterprise_id = self.enterprise_of(team_id)
        live = [i for i in self.installations.values() if not i.is_uninstalled]
        own = next((i for i in live if i.team_id == team_id), None)
        return own or next((i for i in live if i.is_org_wide and i.enterprise_id == enterprise_id), None)


def _write_36(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
    return digits


@dataclass(slots=True, kw_only=True)
class ResponseTarget:
    """What a response_url may still do: five messages in half an hour."""

    channel_id: str
    user_id: str
    installation: Installation
    expires_at: float
    uses_left: int = 5
    message_ts: str | None = None
    ephemeral_ts: str | None = None
    thread_ts: str | None = None
