"""The workspace without any socket."""

from adapters.slack_fake import posts, streams
from adapters.slack_fake.dev import furnish
from adapters.slack_fake.fake import FakeSlack
from adapters.slack_fake.installing import install
from adapters.slack_fake.records import ChannelKind, StreamState, Team, User
from adapters.slack_fake.rendering import render_mrkdwn
from adapters.slack_fake.scopes import ALL_EVENTS, ALL_SCOPES
from adapters.slack_fake.world import Outgoing, World


class Room:
    """A world with a person, a channel and everything that the app hears."""

    def __init__(self) -> None:
        self.world = World()
        self.heard: list[Outgoing] = []
        self.world.on_event = self.heard.append
        self.team = Team(team_id="T1", name="Acme", domain="acme")
        self.world.teams["T1"] = self.team
        self.app = install(self.world, self.team)
        self.ann = User(user_id="U1", team_id="T1", name="ann", real_name="Ann")
        self.world.users["U1"] = self.ann
        self.channel = self.world.add_channel(ChannelKind.PUBLIC, "c", "T1", [self.ann, self.app.bot])

    def say(self, text: str, **more: object) -> str:
        """A message by Ann; its ts."""
        draft = posts.Draft(channel=self.channel, user=self.ann, text=text, **more)  # type: ignore[arg-type]
        return posts.post(self.world, draft).ts

    def subtypes(self) -> list[str | None]:
        """The subtypes of what the app heard."""
        return [outgoing.payload["event"].get("subtype") for outgoing in self.heard]


def test_times_of_messages_grow_and_never_repeat() -> None:
    """They are ids."""
    room = Room()
    times = [room.say("x") for _ in range(1000)]
    assert times == sorted(set(times))


def test_the_subtypes_are_slacks() -> None:
    """The adapter takes file_share, thread_broadcast and me_message for speech, and nothing else."""
    room = Room()
    root = room.say("root")
    room.say("aside", thread_ts=root, is_broadcast=True)
    room.say("waves", subtype="me_message")
    other = User(user_id="U2", team_id="T1", name="other", real_name="Other", bot_id="B2", app_id="A2")
    draft = posts.Draft(channel=room.channel, user=other, text="beep", subtype="bot_message")
    posts.post(room.world, draft)
    assert room.subtypes() == [None, "thread_broadcast", "me_message", "bot_message"]
    assert room.heard[1].payload["event"]["root"]["text"] == "root"
    last = room.heard[-1].payload["event"]
    assert ("user" in last, last["bot_id"]) == (False, "B2")


def test_the_apps_own_posts_come_back_with_its_bot_id() -> None:
    """So an app that answers everything would answer itself."""
    room = Room()
    posts.post(room.world, posts.Draft(channel=room.channel, user=room.app.bot, text="mine"))
    event = room.heard[0].payload["event"]
    assert (event["bot_id"], event["app_id"]) == (room.app.bot.bot_id, room.world.app.app_id)


def test_an_edit_that_adds_a_mention_calls_the_bot() -> None:
    """And an edit that keeps one does not call it again."""
    room = Room()
    message = room.world.need_message(room.channel.channel_id, room.say("hello"))
    posts.edit(room.world, message, f"hello <@{room.app.bot.user_id}>", room.ann)
    posts.edit(room.world, message, f"oh <@{room.app.bot.user_id}>", room.ann)
    assert [outgoing.name for outgoing in room.heard] == ["message", "message", "app_mention", "message"]


def test_what_the_app_did_not_subscribe_to_is_not_told() -> None:
    """A missing line in the manifest shows in the fake as it would in Slack."""
    room = Room()
    install(room.world, room.team, events=ALL_EVENTS - {"message.channels"})
    room.say(f"hi <@{room.app.bot.user_id}>")
    install(room.world, room.team, scopes=ALL_SCOPES - {"app_mentions:read"})
    room.say(f"hi <@{room.app.bot.user_id}>")
    assert [outgoing.name for outgoing in room.heard] == ["app_mention", "message"]


def test_a_stream_ends_by_itself_when_somebody_looks_after_its_time() -> None:
    """The state machine needs no timer."""
    room = Room()
    room.world.stream_life_s = 0.0
    root = room.say("root")
    message = streams.start(room.world, room.channel, room.app.bot, root, (None, None))
    streams.expire(room.world, message)
    assert message.stream is not None
    assert message.stream.state is StreamState.EXPIRED
    assert room.subtypes()[-1] == "message_changed"


def test_markdown_is_read_back_in_slacks_signs_and_code_is_left_alone() -> None:
    """A test that compares texts must use what was sent."""
    given = "# Title\n**bold** [a](https://b.example)\n- item\n```\n**code**\n```"
    assert render_mrkdwn(given) == "*Title*\n*bold* <https://b.example|a>\n• item\n```\n**code**\n```"


async def test_the_furnished_workspace_keeps_its_ids_between_runs() -> None:
    """So Parley knows its people again after a restart; event ids are new each time, so nothing counts as seen."""
    ids, events = [], []
    for _ in range(2):
        slack = FakeSlack()
        team = furnish(slack)
        ids.append((team.team_id, team.bot_token, [*slack.world.users], [*slack.world.channels]))
        events.append(slack.world.new_event_id())
        await slack.stop()
    assert ids[0] == ids[1]
    assert events[0] != events[1]
