"""What the workspaces hold, for tests to assert on."""

from adapters.slack_fake.json_types import Json
from adapters.slack_fake.records import Channel, Ephemeral, Message, StreamState, User, View
from adapters.slack_fake.world import World


class Queries:
    """Eyes on the workspaces. Texts are as the app sent them; `Message.text` is as Slack reads them back."""

    world: World

    def messages(self, channel: Channel) -> list[Message]:
        """All that stands in a conversation, oldest first."""
        return [*self.world.list_messages(channel.channel_id)]

    def message(self, channel: Channel, ts: str) -> Message | None:
        """One message, none when it is gone."""
        return self.world.find_message(channel.channel_id, ts)

    def thread(self, channel: Channel, ts: str) -> list[Message]:
        """A thread, its root first."""
        root = self.world.find_message(channel.channel_id, ts)
        return [*([root] if root else []), *self.world.list_replies(channel.channel_id, ts)]

    def thread_texts(self, channel: Channel, ts: str) -> list[str]:
        """The texts of a thread, its root first."""
        return [message.source for message in self.thread(channel, ts)]

    def answers(self, channel: Channel, ts: str) -> list[Message]:
        """What the app's bot wrote in a thread."""
        bots = {i.bot.user_id for i in self.world.installations.values()}
        return [message for message in self.thread(channel, ts) if message.user.user_id in bots]

    def answer_texts(self, channel: Channel, ts: str) -> list[str]:
        """The texts that the app's bot wrote in a thread."""
        return [message.source for message in self.answers(channel, ts)]

    def find_by_metadata(self, event_type: str | None = None, **payload: object) -> list[Message]:
        """Messages whose metadata has this type and these fields."""
        found = []
        for channel_id in self.world.messages:
            for message in self.world.list_messages(channel_id):
                metadata = message.metadata or {}
                fields = metadata.get("event_payload", {})
                is_type = event_type is None or metadata.get("event_type") == event_type
                if metadata and is_type and all(fields.get(key) == value for key, value in payload.items()):
                    found.append(message)
        return found

    def streams(self, channel: Channel, *, is_open: bool | None = None) -> list[Message]:
        """Messages that began as streams, all or those that are open or not."""
        found = [message for message in self.messages(channel) if message.stream is not None]
        if is_open is None:
            return found
        return [m for m in found if m.stream and (m.stream.state is StreamState.OPEN) is is_open]

    def status(self, channel: Channel, thread_ts: str) -> str | None:
        """The status that a thread shows, none when it never had one."""
        session = self.world.sessions.get((channel.channel_id, thread_ts))
        return session.status if session else None

    def home(self, user: User) -> Json | None:
        """The App Home that a person sees."""
        installation = self.world.installation_of(user.team_id)
        view = self.home_view(user) if installation else None
        return view.body if view else None

    def home_view(self, user: User) -> View | None:
        """The App Home that a person sees, with its id."""
        installation = self.world.installation_of(user.team_id)
        return self.world.homes.get((installation.installation_id, user.user_id)) if installation else None

    def views(self, user: User) -> list[View]:
        """The modals that a person has open, the topmost last."""
        views = self.world.views.values()
        return [v for v in views if v.user_id == user.user_id and v.is_open and v.body["type"] == "modal"]

    def ephemerals(self, user: User) -> list[Ephemeral]:
        """The messages that only this person sees."""
        return [e for e in self.world.ephemerals if e.user_id == user.user_id and not e.is_deleted]

    def prompts(self, channel: Channel) -> list[Json]:
        """The suggested prompts that a conversation shows."""
        return self.world.prompts.get(channel.channel_id, [])
