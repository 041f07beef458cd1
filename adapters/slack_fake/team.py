"""A workspace as tests and the page build it: people, conversations, the app."""

from adapters.slack_fake.dispatch import tell_in_channel
from adapters.slack_fake.errors import UsageError
from adapters.slack_fake.installing import install
from adapters.slack_fake.records import Channel, ChannelKind, Installation, Team, User
from adapters.slack_fake.scopes import ALL_EVENTS, ALL_SCOPES
from adapters.slack_fake.world import World


class Workspace:
    """One workspace of the fake Slack."""

    def __init__(self, world: World, team: Team) -> None:
        self._world = world
        self.team = team

    @property
    def team_id(self) -> str:
        """Its id, `T...`."""
        return self.team.team_id

    @property
    def installation(self) -> Installation:
        """The app here, or in its organisation. `UsageError` when it is not installed."""
        found = self._world.installation_of(self.team_id)
        if found is None:
            raise UsageError(f"the app is not installed in {self.team.name}")
        return found

    @property
    def bot(self) -> User:
        """The app's account here."""
        return self.installation.bot

    @property
    def bot_token(self) -> str:
        """The token that opens the Web API here."""
        return self.installation.bot_token

    def install(
        self,
        *,
        is_org_wide: bool = False,
        scopes: frozenset[str] = ALL_SCOPES,
        events: frozenset[str] = ALL_EVENTS,
    ) -> Installation:
        """Install the app, or install it again with other scopes and events."""
        return install(self._world, self.team, is_org_wide=is_org_wide, scopes=scopes, events=events)

    def add_user(
        self,
        name: str,
        *,
        email: str | None = None,
        tz: str = "Europe/Berlin",
        tz_offset: int = 3600,
        is_guest: bool = False,
        is_admin: bool = False,
    ) -> User:
        """A person. A guest is restricted to some channels."""
        user = User(
            user_id=self._world.new_id("U"),
            team_id=self.team_id,
            name=name.lower().replace(" ", "."),
            real_name=name,
            email=email,
            tz=tz,
            tz_offset=tz_offset,
            is_restricted=is_guest,
            is_admin=is_admin,
            updated_at=self._world.now_s(),
        )
        self._world.users[user.user_id] = user
        return user

    def add_bot(self, name: str) -> User:
        """Another app's bot."""
        user = self.add_user(name)
        user.bot_id, user.app_id = self._world.new_id("B"), self._world.new_id("A")
        return user

    def add_channel(
        self,
        name: str,
        *,
        members: list[User],
        is_private: bool = False,
        has_bot: bool = True,
        shared_with: "list[Workspace] | None" = None,
    ) -> Channel:
        """A channel with these members, and the app's bot unless told otherwise."""
        people = list(members)
        if has_bot and self.bot not in people:
            people.append(self.bot)
        kind = ChannelKind.PRIVATE if is_private else ChannelKind.PUBLIC
        channel = self._world.add_channel(kind, name, self.team_id, people)
        channel.shared_with = [other.team_id for other in shared_with or []]
        return channel

    def direct(self, user: User) -> Channel:
        """Somebody's direct messages with the app."""
        return self._world.find_im(user, self.bot)

    def group(self, members: list[User]) -> Channel:
        """A group direct message with these people and the app."""
        people = [*members, self.bot]
        name = "mpdm-" + "--".join(user.name for user in people) + "-1"
        return self._world.add_channel(ChannelKind.MPIM, name, self.team_id, people)

    def join(self, user: User, channel: Channel) -> None:
        """Somebody comes into a channel."""
        if user.user_id in channel.members:
            return
        channel.members.append(user.user_id)
        event = {"type": "member_joined_channel", "user": user.user_id, "channel": channel.channel_id}
        letter = "C" if channel.kind is ChannelKind.PUBLIC else "G"
        event |= {"channel_type": letter, "team": user.team_id, "event_ts": self._world.new_ts()}
        tell_in_channel(self._world, channel, event)
        self._world.on_change()
