"""A call of the Web API: who calls, with which arguments, and what a method is."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from adapters.slack_fake.errors import RefusalError
from adapters.slack_fake.json_types import Json
from adapters.slack_fake.records import Channel, ChannelKind, Installation, Message, User
from adapters.slack_fake.world import World


class Args:
    """The arguments of a call, whether they came as JSON, as a form or in the address."""

    def __init__(self, values: Json) -> None:
        self._values = values

    def has(self, name: str) -> bool:
        """Whether an argument was given."""
        return self._values.get(name) not in (None, "")

    def text(self, name: str) -> str | None:
        """A text, none when it is missing or empty."""
        return str(self._values[name]) if self.has(name) else None

    def need(self, name: str, code: str = "invalid_arguments") -> str:
        """A text that has to be there."""
        value = self.text(name)
        if value is None:
            if code != "invalid_arguments":
                raise RefusalError(code)
            messages = [f"[ERROR] missing required field: {name}"]
            raise RefusalError(code, response_metadata={"messages": messages})
        return value

    def flag(self, name: str, *, default: bool = False) -> bool:
        """A yes or no, also as `1`, `true` or `0`."""
        value = self._values.get(name)
        return default if value is None else str(value).lower() in {"1", "true"}

    def number(self, name: str, default: int) -> int:
        """A whole number."""
        try:
            return int(self._values.get(name) or default)
        except (TypeError, ValueError):
            raise RefusalError("invalid_arguments") from None

    def data(self, name: str, code: str = "invalid_arguments") -> Any:
        """A list or object; a form carries it as JSON in a text. None when it is missing."""
        value = self._values.get(name)
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value) if value else None
        except ValueError:
            raise RefusalError(code) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call, checked as far as token and scope."""

    world: World
    args: Args
    installation: Installation | None
    """None for app-level tokens and for methods that take none."""

    @property
    def here(self) -> Installation:
        """The installation whose token it is."""
        if self.installation is None:
            raise RefusalError("not_allowed_token_type")
        return self.installation

    @property
    def bot(self) -> User:
        """The account that calls."""
        return self.here.bot

    def channel(self, name: str = "channel", *, is_member: bool = False) -> Channel:
        """The conversation that an argument names, as far as the bot can see it."""
        channel = self.world.channels.get(self.args.need(name, "channel_not_found"))
        if channel is None or not self.may_see(channel):
            raise RefusalError("channel_not_found")
        if is_member and self.bot.user_id not in channel.members:
            raise RefusalError("not_in_channel")
        return channel

    def may_see(self, channel: Channel) -> bool:
        """Whether the conversation is in the installation's reach: public ones, and those that the bot is in."""
        if self.bot.user_id in channel.members:
            return True
        return channel.kind is ChannelKind.PUBLIC and any(self.covers(team_id) for team_id in channel.team_ids)

    def covers(self, team_id: str) -> bool:
        """Whether the installation serves a workspace."""
        if self.here.team_id is not None:
            return self.here.team_id == team_id
        return self.world.enterprise_of(team_id) == self.here.enterprise_id

    def own_message(self, channel: Channel, code: str) -> Message:
        """The app's own message that `ts` names; `code` refuses one of somebody else."""
        message = self.world.find_message(channel.channel_id, self.args.need("ts", "message_not_found"))
        if message is None:
            raise RefusalError("message_not_found")
        if message.user.user_id != self.bot.user_id:
            raise RefusalError(code)
        return message


Handler = Callable[[Call], Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """What the Web API offers under a name. Any one of `scopes` opens it; none needs no scope.

    `per_minute` is the documented tier (1, 20, 50 or 100 and more); None is not limited.
    """

    run: Handler
    scopes: tuple[str, ...] = ()
    per_minute: int | None = 50
    takes: str = "bot"
    """Which token: `bot` or `none`."""
