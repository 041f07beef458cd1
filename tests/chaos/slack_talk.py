"""Load and judgement of the run in Slack: people in several fake workspaces talk, some of them to the bot."""

import asyncio
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from adapters.slack_fake.fake import FakeSlack
from adapters.slack_fake.records import Channel, Message, User
from adapters.slack_fake.team import Workspace
from tests.chaos.checker import Break
from tests.chaos.speech import answer_to, make_token, question

ROOMS, PEOPLE = 10, 4
FINAL = "parley_answer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question: its token, and where it stands."""

    token: str
    room: Channel
    ts: str


@dataclass(slots=True, kw_only=True)
class Talk:
    """`asked` of the bot, `said` among people (tokens by conversation and time). `event_count`: what Slack tells of."""

    slack: FakeSlack
    seed: int
    asked: list[Asked] = field(default_factory=list)
    said: dict[tuple[str, str], str] = field(default_factory=dict)
    event_count: int = 0
    _rooms: list[tuple[Channel, Sequence[User]]] = field(default_factory=list)

    def furnish(self, team: Workspace) -> None:
        """People and conversations in a workspace where the app is installed."""
        people = [team.add_user(f"Person {n}") for n in range(PEOPLE)]
        self._rooms += [(team.add_channel(f"room-{n}", members=people), people) for n in range(ROOMS)]

    async def run(self, *, events_per_s: float, seconds: float) -> None:
        """Talk at a steady rate. A question is told by two events, everything else by one; a third are questions."""
        chance, started_s = random.Random(self.seed), time.monotonic()
        while (due_s := self.event_count / events_per_s) < seconds:
            await asyncio.sleep(max(0.0, started_s + due_s - time.monotonic()))
            room, people = chance.choice(self._rooms)
            token, who = make_token(f"slack {self.seed} {self.event_count}"), chance.choice(people)
            if chance.random() < 1 / 3:
                ts = await self.slack.say(who, room, f"<@BOT> {question(token)}")
                self.asked.append(Asked(token=token, room=room, ts=ts))
                self.event_count += 2
            else:
                self.said[room.channel_id, await self.slack.say(who, room, f"Nothing but {token}.")] = token
                self.event_count += 1


def check_slack(slack: FakeSlack, asked: Sequence[Asked]) -> Iterator[Break]:
    """Under each question stands one whole answer to it, and nothing else of the bot's."""
    for one in asked:
        posts = slack.answers(one.room, one.ts)
        whole = [post for post in posts if is_final(post)]
        if not whole:
            yield Break(kind="lost", text=f"{one.token} has no answer, but {[post.source for post in posts]}")
        elif len(posts) > 1:
            yield Break(kind="doubled", text=f"{one.token} is answered by {[post.source for post in posts]}")
        elif whole[0].source != answer_to([one.token]):
            yield Break(kind="lost", text=f"{one.token} is answered by {whole[0].source!r}")


def check_kept(said: Mapping[tuple[str, str], str], stored: Sequence[str]) -> Iterator[Break]:
    """What people say among themselves is kept, once."""
    for token in said.values():
        count = stored.count(token)
        if count != 1:
            yield Break(kind="lost" if count == 0 else "doubled", text=f"{token} is kept {count} times")


def is_final(post: Message) -> bool:
    """Whether a message carries the key that only whole answers have."""
    return bool(post.metadata and post.metadata.get("event_type") == FINAL)
