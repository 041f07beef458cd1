"""What Slack's records promise, on a real database."""

import asyncio
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest

from adapters.slack import inbox as intake_module
from adapters.slack.deciding import Decision, Reason, Verdict
from adapters.slack.inbox import Intake
from adapters.slack.records import Asked, Event
from agent.ids import SessionId, UserId, WorkerId
from agent.tasks import Inbound
from memory.database import Database
from memory.memories import Memories
from memory.slack import SlackInbox, SlackPosts, SlackThreads
from memory.tasks import Tasks
from memory.users import Users
from tests.adapters.slack.payloads import body, parsed
from tests.memory.test_planner import PLANS
from tests.support.gateway import run_sql
from tests.support.make import ANN, BOB, inbound

SESSION = SessionId("slack:T1:C1:1.1")
ME = WorkerId("me")


def message(text: str, **more: Any) -> Inbound:
    """A message in Slack."""
    return replace(inbound(text, session_id=SESSION, **more), channel="slack", tenant="T1")


async def deliver(
    inbox: SlackInbox, event_id: str, twin: str | None = None, lane: str = "L"
) -> tuple[int, bool] | None:
    """A delivery that arrives."""
    return await inbox.receive(
        event_id=event_id,
        twin_key=twin,
        lane=lane,
        kind="said",
        payload={"id": event_id},
        decision=None,
        twin_reason="twin",
        may_take=True,
    )


async def test_a_delivery_is_written_down_once_and_its_twin_without_a_payload(database: Database) -> None:
    """Both are on record. Proves: SL-4."""
    inbox = SlackInbox(database, ME)
    first = await deliver(inbox, "Ev1", "twin")
    assert first is not None
    assert await deliver(inbox, "Ev1", "twin") is None
    assert await deliver(inbox, "Ev2", "twin") is None
    await inbox.decide(first[0], "answered", "because", SESSION)
    assert await inbox.list_decisions(10) == [
        ("Ev2", "said", "ignored", "twin"),
        ("Ev1", "said", "answered", "because"),
    ]
    rows = await database.fetch("SELECT payload FROM slack_inbox")
    assert [row["payload"] for row in rows] == [None, None]


async def test_deliveries_of_a_thread_are_taken_in_one_after_another(database: Database) -> None:
    """Whatever process is free: a reply must not overtake its question. Proves: SL-3."""
    mine, other = SlackInbox(database, ME), SlackInbox(database, WorkerId("other"))
    assert (await deliver(mine, "Ev1") or (0, False))[1] is True
    assert (await deliver(other, "Ev2") or (0, True))[1] is False
    assert (await deliver(other, "Ev3", lane="M") or (0, False))[1] is True
    assert await other.claim(5) == []
    rows = await database.fetch("SELECT inbox_id FROM slack_inbox ORDER BY inbox_id")
    following = await mine.decide(rows[0]["inbox_id"], "kept", "because", SESSION)
    assert following is not None
    assert following[1:] == ({"id": "Ev2"}, 1)


async def test_a_delivery_that_takes_long_is_taken_in_by_nobody_else(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two at once would each post their own line. Proves: SL-3, SL-4."""
    monkeypatch.setattr(intake_module, "HOLD_S", 0.0)
    monkeypatch.setattr(intake_module, "LANES", 1)
    mine, other, end = SlackInbox(database, ME), SlackInbox(database, WorkerId("other")), asyncio.Event()

    async def handle(_: Event | Asked) -> tuple[Decision, SessionId | None]:
        await end.wait()
        return Decision(verdict=Verdict.KEPT, reason=Reason.NOT_ADDRESSED), SESSION

    event = {"type": "message", "channel": "C1", "user": "U1", "ts": "100.1", "text": "hello"}
    await database.execute("INSERT INTO workers (worker_id) VALUES ($1)", ME)
    intake = Intake(mine, handle, 30.0)
    poll = asyncio.create_task(intake.poll())
    await intake.receive(body(event), parsed(event))
    await database.execute("UPDATE slack_inbox SET run_at = now() - interval '1 second'")
    async with asyncio.timeout(5):
        while await database.fetch("SELECT FROM slack_inbox WHERE run_at < now()"):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    assert await other.claim(5) == []
    end.set()
    await intake.drain(5.0)
    poll.cancel()
    assert [row[1:3] for row in await mine.list_decisions(5)] == [("said", "kept")]


async def test_many_deliveries_at_once_are_written_down_each_once_and_in_order(database: Database) -> None:
    """What comes together goes into one statement, and nobody's answer is another's. Proves: SL-3, SL-4."""
    inbox = SlackInbox(database, ME)
    lanes = [n % 7 for n in range(100)]
    told = [deliver(inbox, f"Ev{n}", f"twin{n}", lane=f"L{lane}") for n, lane in enumerate(lanes)]
    again = [deliver(inbox, f"Ev{n}", f"twin{n}", lane=f"L{lanes[n]}") for n in range(0, 100, 3)]
    twins = [deliver(inbox, f"Tw{n}", f"twin{n}", lane=f"L{lanes[n]}") for n in range(0, 100, 5)]
    found = await asyncio.gather(*told, *again, *twins)
    numbers = [one[0] for one in found[:100] if one is not None]
    assert len(numbers) == 100
    assert numbers == sorted(numbers)
    assert all(one is None for one in found[100:])
    mine = [lanes[n] for n, one in enumerate(found[:100]) if one is not None and one[1]]
    assert sorted(mine) == list(range(7))
    rows = await database.fetch("SELECT reason, count(*) FROM slack_inbox GROUP BY reason ORDER BY reason")
    assert [tuple(row) for row in rows] == [("twin", 20), (None, 100)]
    claimed = await inbox.claim(50)
    assert claimed == []


async def test_what_a_dead_process_had_taken_is_free_again(database: Database) -> None:
    """Without waiting for its time to run out. Proves: SL-3."""
    await deliver(SlackInbox(database, WorkerId("dead")), "Ev1")
    living = SlackInbox(database, ME)
    assert await living.claim(1) == []
    await living.recover()
    (taken,) = await living.claim(5)
    assert taken[1:] == ({"id": "Ev1"}, 2)
    await living.put_back(taken[0], 3600.0)
    assert await living.claim(1) == []
    assert (await living.next_in() or 0) > 3000


async def test_old_decisions_are_forgotten_and_what_waits_is_not(database: Database) -> None:
    """Keys are kept for a day at least, since Slack sends again for hours. Proves: SL-26."""
    inbox = SlackInbox(database, ME)
    for event_id in ("Ev1", "Ev2", "Ev3"):
        found = await deliver(inbox, event_id, lane=event_id)
        if found is not None and event_id != "Ev3":
            await inbox.decide(found[0], "kept", "because", None)
    await database.execute("UPDATE slack_inbox SET decided_at = now() - interval '40 days' WHERE event_id = 'Ev1'")
    await inbox.forget_old(30.0)
    rows = await database.fetch("SELECT event_id FROM slack_inbox ORDER BY event_id")
    assert [row["event_id"] for row in rows] == ["Ev2", "Ev3"]


async def test_all_that_is_old_is_forgotten_however_much_it_is(database: Database) -> None:
    """A busy gateway takes more in between two looks than one statement deletes. Proves: SL-26."""
    await database.execute(
        "INSERT INTO slack_inbox (event_id, lane, kind, verdict, reason, decided_at)"
        " SELECT 'Ev' || n, 'l', 'said', 'kept', 'because', now() - interval '40 days' FROM generate_series(1, 2100) n"
    )
    await SlackInbox(database, ME).forget_old(30.0)
    assert await database.fetch("SELECT 1 FROM slack_inbox") == []


async def test_kept_words_go_to_the_next_task_and_stay_with_it(database: Database) -> None:
    """The prompt only grows: what one run has seen, the next sees in the same place. Proves: SL-7."""
    threads, tasks = SlackThreads(database), Tasks(database, ME)
    await Users(database).save(ANN)
    await threads.keep_message(message("kept", user=BOB))
    assert await threads.keep_message(message("kept", user=BOB)) is False
    assert await threads.load_state(SESSION, BOB.id) == (True, False, True, True, 0, ())
    intake = await tasks.accept(message("asked"), may_take=True)
    await threads.keep_message(message("later", user=BOB))
    assert await threads.load_state(SESSION, ANN.id) == (True, True, True, False, 0, ("Bob",))
    assert intake.claim is not None
    rows = await run_sql_in(database, "SELECT text, position FROM messages ORDER BY seq")
    assert rows == [("kept", intake.claim.position), ("asked", intake.claim.position), ("later", None)]


async def run_sql_in(database: Database, sql: str) -> list[tuple[Any, ...]]:
    """Rows of the session."""
    async with database.scope(session_id=SESSION) as connection:
        return [tuple(row) for row in await connection.fetch(sql)]


async def test_a_message_that_says_something_else_takes_its_facts_along(database_url: str) -> None:
    """And only its own. Proves: SL-8."""
    database = await Database.open(database_url, size=2)
    try:
        threads = SlackThreads(database)
        await Users(database).save(ANN)
        await threads.keep_message(message("I like tea"))
        await threads.keep_message(message("I live in Rome"))
        for n, seq in enumerate((1, 2)):
            await run_sql(
                database_url,
                "INSERT INTO user_memories (user_id, memory_id, memory, hash, visibility, source_session_id,"
                " source_seq) VALUES ($1, $2, $2, $3, 'private', $4, $5)",
                ANN.id,
                f"m{n}",
                str(n).encode(),
                SESSION,
                seq,
            )
        ((key, seq, author, *rest),) = await threads.list_versions(SESSION, "I like tea")
        assert (key, seq, author, rest) == ("I like tea", 1, ANN.id, ["I like tea", None, None, False])
        await threads.rewrite_message(SESSION, author, seq, "gone")
        assert [m.memory_id for m in await Memories(database).list_all(ANN.id)] == ["m1"]
        assert (await run_sql_in(database, "SELECT text FROM messages ORDER BY seq"))[0] == ("gone",)
    finally:
        await database.close()


PLACE = {"installation": "T1", "conversation": "C1"}


async def test_what_was_withdrawn_stays_so(database: Database) -> None:
    """A post that is under way must not bring it back. Proves: SL-8."""
    posts = SlackPosts(database, ME)
    assert await posts.begin_part(SESSION, "q", 0, **PLACE, state="draft") is True
    assert await posts.begin_part(SESSION, "q", 0, **PLACE, state="draft") is False
    assert await posts.show_part(SESSION, "q", 0, "9.9") is True
    assert await posts.find_session("T1", "C1", "9.9") == SESSION
    assert await posts.filter_known("T1", "C1", ["9.9", "8.8"]) == {"9.9"}
    assert await posts.begin_part(SESSION, "q", 1, **PLACE, state="draft") is True
    found = await posts.withdraw(SESSION, "q", **PLACE)
    assert list(found) == [(0, "9.9", "draft", False), (1, None, "draft", False)]
    assert [part[2] for part in await posts.load_parts(SESSION, "q")] == ["withdrawn", "draft", "draft"]
    assert await posts.show_part(SESSION, "q", 1, "9.8") is False


async def test_a_preview_is_held_until_its_process_is_done_or_dead(database: Database) -> None:
    """Two processes that write one message at once would show it twice, or cut it short. Proves: SL-23."""
    shown, posted = SlackPosts(database, ME), SlackPosts(database, WorkerId("other"))
    await database.execute("INSERT INTO workers (worker_id) VALUES ('me'), ('other')")
    for part in (0, 1):
        assert await shown.begin_part(SESSION, "q", part, **PLACE, state="draft") is True
    assert [part[3] for part in await posted.load_parts(SESSION, "q")] == [True, True]
    assert [part[3] for part in await shown.load_parts(SESSION, "q")] == [False, False]
    await shown.release_parts(SESSION, "q")
    assert [part[3] for part in await posted.load_parts(SESSION, "q")] == [False, False]
    assert await shown.begin_part(SESSION, "p", 0, **PLACE, state="draft") is True
    await database.execute("DELETE FROM workers WHERE worker_id = 'me'")
    assert [part[3] for part in await posted.load_parts(SESSION, "p")] == [True], "its call may be on its way"
    await database.execute("UPDATE slack_posts SET at = at - interval '6 seconds'")
    assert [part[3] for part in await posted.load_parts(SESSION, "p")] == [False]


async def test_a_preview_that_is_shown_by_now_is_not_posted_beside(database: Database) -> None:
    """Its message may have come between a look at the thread and the post. Proves: SL-23."""
    shown, posted = SlackPosts(database, ME), SlackPosts(database, WorkerId("other"))
    for question in ("late", "soon"):
        assert await shown.begin_part(SESSION, question, 0, **PLACE, state="draft") is True
    assert await shown.show_part(SESSION, "soon", 0, "9.9") is True
    assert await posted.take_part(SESSION, "soon", 0, post_key="k") is False
    assert list(await posted.load_parts(SESSION, "soon")) == [(0, "9.9", "draft", False)]
    assert await posted.take_part(SESSION, "late", 0, post_key="k") is True
    assert await shown.show_part(SESSION, "late", 0, "9.8") is False


async def test_a_preview_that_comes_after_its_answer_is_not_taken_for_it(database: Database) -> None:
    """Its message is then taken away by whoever made it. Proves: SL-23."""
    shown, posted = SlackPosts(database, ME), SlackPosts(database, WorkerId("other"))
    assert await shown.begin_part(SESSION, "q", 0, **PLACE, state="draft") is True
    await posted.set_part(SESSION, "q", 0, ts=None, state="posting", post_key="k")
    await posted.set_part(SESSION, "q", 0, ts="9.9", state="last", post_key="k")
    assert await shown.show_part(SESSION, "q", 0, "8.8") is False
    assert list(await posted.load_parts(SESSION, "q")) == [(0, "9.9", "last", False)]


async def test_what_is_past_retention_goes_and_what_may_still_be_posted_stays(database: Database) -> None:
    """Places of answers and judgements too. Proves: SL-26."""
    posts, inbox, threads = SlackPosts(database, ME), SlackInbox(database, ME), SlackThreads(database)
    for session in ("s1", "s2", "s3"):
        await posts.begin_part(SessionId(session), "q", 0, **PLACE, state="draft")
        await threads.add_feedback(SessionId(session), "k", "T1:U1", is_good=True)
    await database.execute("UPDATE slack_posts SET at = now() - interval '40 days' WHERE session_id <> 's3'")
    await database.execute("UPDATE slack_feedback SET at = now() - interval '40 days' WHERE session_id <> 's3'")
    await database.execute(
        "INSERT INTO outbox (session_id, seq, post_key, channel, reply_to) VALUES ('s2', 1, 'k', 'slack', '{}')"
    )
    await inbox.forget_old(30.0)
    rows = await database.fetch("SELECT session_id FROM slack_posts ORDER BY 1")
    assert [row["session_id"] for row in rows] == ["s2", "s3"]
    assert [row["session_id"] for row in await database.fetch("SELECT session_id FROM slack_feedback")] == ["s3"]


@pytest.mark.parametrize("plan", PLANS)
async def test_slacks_statements_work_under_any_plan(database_url: str, plan: str) -> None:
    """A plan that looks at a row before the scope is set would fail on the day the statistics change. Proves: SL-26."""
    connection = await asyncpg.connect(database_url)
    await connection.execute(f"ALTER DATABASE {urlsplit(database_url).path[1:]} SET {plan}")
    await connection.close()
    database = await Database.open(database_url, size=2)
    try:
        threads, tasks = SlackThreads(database), Tasks(database, ME)
        await Users(database).save(ANN)
        for n in range(3):
            await threads.keep_message(message(f"kept {n}"))
            await threads.load_state(SESSION, UserId("ann"))
            await tasks.accept(message(f"asked {n}"), may_take=True)
            (found,) = await threads.list_versions(SESSION, f"asked {n}")
            await threads.rewrite_message(SESSION, ANN.id, found[1], "else")
            await run_sql(database_url, "ANALYZE")
        rows = await run_sql_in(database, "SELECT count(*) FROM messages WHERE position IS NULL")
        assert rows == [(0,)]
        assert len(await threads.list_running("slack:T1:", None)) == 3
    finally:
        await database.close()
