"""Answers that have to be posted: stored with the end of their run, posted once, and looked for before a second try."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import pytest

from agent.asks import Ask
from agent.errors import StoreUnavailableError
from agent.ids import SessionId, WorkerId
from agent.records import JsonObject, RunState
from agent.tasks import TaskState
from gateway.outbox import ATTEMPTS, Delivery
from gateway.ports import CannotLookError, PostError, PostUnknownError
from memory.database import Database
from memory.left_posts import LeftPosts
from memory.outbox import Outbox
from memory.task_records import Outcome
from memory.tasks import Tasks
from tests.support.make import SESSION, inbound

ME = WorkerId("me")
DUE = "UPDATE outbox SET run_at = now() - interval '1 second'"


@dataclass
class Channel:
    """A platform that holds what was posted. `faults` come one per call, before or after the post stands."""

    faults: list[Exception | None] = field(default_factory=list)
    look_faults: list[Exception | None] = field(default_factory=list)
    is_posted_first: bool = False
    unknown_policy: Literal["at_most_once", "at_least_once"] = "at_most_once"
    posts: list[tuple[str, str]] = field(default_factory=list)
    looks: int = 0

    def follow_up(self, reply_to: JsonObject, name: str) -> JsonObject:
        """The same place."""
        return reply_to

    async def post(self, reply_to: JsonObject, text: str, post_key: str, asks: Sequence[Ask] = ()) -> str:
        """Say it."""
        fault = self.faults.pop(0) if self.faults else None
        if fault is None or self.is_posted_first:
            self.posts.append((text, post_key))
        if fault is not None:
            raise fault
        return f"post-{len(self.posts)}"

    async def find(self, reply_to: JsonObject, post_key: str) -> str | None:
        """Look."""
        self.looks += 1
        fault = self.look_faults.pop(0) if self.look_faults else None
        if fault is not None:
            raise fault
        return next((f"post-{n}" for n, (_, key) in enumerate(self.posts, 1) if key == post_key), None)


async def answer(database: Database, text: str, *, session_id: SessionId = SESSION, channel: str = "slack") -> None:
    """A message with an address, and its answer."""
    tasks = Tasks(database, ME)
    message = replace(inbound(text, session_id=session_id), channel=channel, reply_to={"ts": "1"})
    claim = (await tasks.accept(message, may_take=True)).claim
    assert claim is not None
    outcome = Outcome(state=TaskState.DONE, run_state=RunState.DONE, run=None, answer=f"re: {text}")
    assert (await tasks.finish(claim, outcome, may_keep=False)).is_posted


async def state(database: Database) -> list[str]:
    """Where the posts stand."""
    return [row[0] for row in await database.fetch("SELECT state FROM outbox ORDER BY session_id, seq")]


def deliver(database: Database, channel: Channel, clock: list[float] | None = None) -> Delivery:
    """The worker for one channel."""
    times = iter(clock or [])
    return Delivery(Outbox(database, ME), {"slack": channel}, (lambda: next(times)) if clock else (lambda: 0.0))


async def test_an_answer_is_posted_once_with_its_key(database: Database) -> None:
    """Proves: RE-7."""
    channel = Channel()
    await answer(database, "one")
    delivery = deliver(database, channel)
    assert [await delivery.work(), await delivery.work()] == [True, False]
    [(text, key)] = channel.posts
    assert text == "re: one"
    assert key.startswith("msg_")
    assert await state(database) == ["sent"]


async def test_after_a_lost_answer_one_looks_before_one_posts_again(database: Database) -> None:
    """It may stand there already. Proves: RE-7."""
    channel = Channel(faults=[PostUnknownError()], is_posted_first=True)
    await answer(database, "one")
    delivery = deliver(database, channel)
    for _ in range(2):
        await delivery.work()
        await database.execute(DUE)
    assert (len(channel.posts), channel.looks, await state(database)) == (1, 1, ["sent"])


async def test_after_a_lost_answer_that_did_not_stand_it_is_posted(database: Database) -> None:
    """Proves: RE-7."""
    channel = Channel(faults=[PostUnknownError()])
    await answer(database, "one")
    for _ in range(2):
        await deliver(database, channel).work()
        await database.execute(DUE)
    assert (len(channel.posts), channel.looks, await state(database)) == (1, 1, ["sent"])


async def test_a_refusal_while_one_looks_does_not_make_one_forget_to_look(database: Database) -> None:
    """A rate limit between two tries must not lead to a second post. Proves: RE-7."""
    channel = Channel(
        faults=[PostUnknownError()], look_faults=[PostError("slow down", retry_after_s=0.0)], is_posted_first=True
    )
    await answer(database, "one")
    for _ in range(3):
        await deliver(database, channel).work()
        await database.execute(DUE)
    assert (len(channel.posts), channel.looks, await state(database)) == (1, 2, ["sent"])


async def test_a_process_that_died_while_posting_leaves_a_trace(database: Database) -> None:
    """The next one looks first. Proves: RE-7."""
    channel = Channel()
    await answer(database, "one")
    taken = await Outbox(database, WorkerId("dead")).take(["slack"])
    assert taken is not None
    assert not taken.may_stand
    channel.posts.append(("re: one", taken.post_key))
    delivery = deliver(database, channel)
    assert not await delivery.work(), "it is the other's for half a minute"
    await database.execute(DUE)
    assert await delivery.work()
    assert (len(channel.posts), await state(database)) == (1, ["sent"])


async def test_a_process_that_was_paused_between_taking_and_posting_leaves_it_to_others(database: Database) -> None:
    """A paused process is worse than a dead one. Proves: RE-7."""
    channel = Channel()
    await answer(database, "one")
    assert await deliver(database, channel, clock=[0.0, 3600.0]).work()
    assert channel.posts == []
    await database.execute(DUE)
    await deliver(database, channel).work()
    assert (len(channel.posts), channel.looks, await state(database)) == (1, 1, ["sent"])


@pytest.mark.parametrize(("policy", "posts", "end"), [("at_most_once", 0, "unknown"), ("at_least_once", 1, "sent")])
async def test_where_nobody_may_look_the_channel_says_what_is_worse(
    database: Database, policy: Literal["at_most_once", "at_least_once"], posts: int, end: str
) -> None:
    """A lost answer or a double one. Proves: RE-7, RE-12."""
    channel = Channel(faults=[PostUnknownError()], look_faults=[CannotLookError()], unknown_policy=policy)
    await answer(database, "one")
    for _ in range(2):
        await deliver(database, channel).work()
        await database.execute(DUE)
    assert (len(channel.posts), await state(database)) == (posts, [end])


async def test_what_is_refused_for_good_is_given_up_and_what_is_refused_for_now_is_tried_again(
    database: Database,
) -> None:
    """A channel that was deleted must not be tried for ever."""
    channel = Channel(faults=[PostError("slow down", retry_after_s=0.0), PostError("gone", retry_after_s=None)])
    await answer(database, "one")
    for _ in range(3):
        await deliver(database, channel).work()
        await database.execute(DUE)
    assert (channel.posts, await state(database)) == ([], ["failed"])


async def test_a_try_that_only_has_to_wait_is_not_counted_and_ends_after_a_week(database: Database) -> None:
    """A channel that is out of turns, or whose token was revoked, says nothing about the answer. Proves: SL-31."""
    waits = [PostError("not your turn", retry_after_s=0.0, is_counted=False) for _ in range(20)]
    channel = Channel(faults=[*waits])
    await answer(database, "one")
    for _ in range(10):
        await deliver(database, channel).work()
        await database.execute(DUE)
    row = await database.fetchrow("SELECT attempts, state FROM outbox")
    assert row is not None
    assert tuple(row) == (0, "pending")
    await database.execute("UPDATE outbox SET created_at = now() - interval '8 days'")
    await deliver(database, channel).work()
    assert await state(database) == ["failed"]


async def test_answers_of_a_session_are_posted_in_order_and_nobody_asks_in_vain_meanwhile(database: Database) -> None:
    """One that waits for its next try holds back the later ones of its thread, and no other thread."""
    channel = Channel(faults=[PostError("slow down", retry_after_s=60.0)])
    await answer(database, "one")
    await answer(database, "two")
    delivery = deliver(database, channel)
    assert await delivery.work()
    assert not await delivery.work()
    assert 50 < (await delivery.next_in() or 0) <= 60
    await answer(database, "three", session_id=SessionId("other"))
    assert await delivery.work()
    assert [text for text, _ in channel.posts] == ["re: three"]
    await database.execute(DUE)
    assert [await delivery.work(), await delivery.work()] == [True, True]
    assert [text for text, _ in channel.posts] == ["re: three", "re: one", "re: two"]


@pytest.mark.parametrize("is_looking", [False, True])
async def test_a_fault_that_no_channel_speaks_of_holds_back_a_thread_for_its_attempts_at_most(
    database: Database, is_looking: bool
) -> None:
    """It may have come before the post or after it, so one looks; then operators see it, and the thread goes on.

    Proves: RE-7.
    """
    channel = Channel(faults=[KeyError("ts") for _ in range(1 if is_looking else ATTEMPTS)])
    channel.look_faults = [KeyError("ts") for _ in range(ATTEMPTS - 1 if is_looking else 0)]
    await answer(database, "one")
    await answer(database, "two")
    delivery = deliver(database, channel)
    for _ in range(ATTEMPTS + 1):
        assert await delivery.work()
        await database.execute(DUE)
    assert ([text for text, _ in channel.posts], await state(database)) == (["re: two"], ["unknown", "sent"])
    assert channel.looks == ATTEMPTS - 1
    [left] = await LeftPosts(database).list_newest()
    assert left.note == "a fault of ours: KeyError"


async def test_a_store_that_is_away_while_one_posts_says_nothing_about_the_answer(database: Database) -> None:
    """The loop waits and the post is taken again."""
    channel = Channel(faults=[StoreUnavailableError("away")])
    await answer(database, "one")
    with pytest.raises(StoreUnavailableError):
        await deliver(database, channel).work()
    assert await state(database) == ["posting"]


async def test_what_waits_for_a_channel_that_is_not_served_here_is_left_alone(database: Database) -> None:
    """And does not keep the process busy looking."""
    await answer(database, "one", channel="elsewhere")
    delivery = deliver(database, Channel())
    assert not await delivery.work()
    assert await delivery.next_in() is None
    assert await Delivery(Outbox(database, ME), {}).next_in() is None
