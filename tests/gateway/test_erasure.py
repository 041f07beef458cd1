""" "Forget me", over the whole gateway: while a turn runs, in front of others, on every table there is."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace

import asyncpg
import pytest

from adapters.widget.codes import CloseCode
from agent.errors import UserGoneError, UserNotFoundError
from agent.ids import SessionId, UserId
from agent.memories import MemoryDraft
from agent.ports import ModelReply, ModelRequest
from agent.records import Audience, Identity, JsonObject, JsonValue, Message, RunNote, RunState, Usage
from memory.erasure import ERASED_TEXT
from tests.adapters.widget.make import send
from tests.adapters.widget.peer import Peer, user_of
from tests.gateway.test_core_memory import Learner, facts, learned
from tests.gateway.test_people import HERE, opened, signed
from tests.support.agent_runs import all_text, text_reply
from tests.support.gateway import find_text, run_sql
from tests.support.make import ANN, BOB, SESSION

ACCOUNT = Identity(tenant="default", channel="id", external_id="ann")
OWN = SessionId("web:demo:own")
WORD = "zebrafish"

TABLES = {
    "erased": "messages turns tool_calls runs tasks outbox dedupe participants feedback attachments watermarks jobs "
    "sessions users identities user_memories memory_words tombstones memory_optimizations link_codes user_tries "
    "slack_inbox slack_feedback spend compactions approvals agent_memory_revisions handoffs",
    "tells that somebody was erased, by a hash": "former_users user_changes",
    "is about no person": "migrations instance workers watchers session_leases run_notes slack_posts "
    "slack_installations slack_shared slack_buckets reservations",
}
BOOKS = {"spend"}
"""What a call that was under way cost is booked by the id, without a word; nobody can find the person by it."""


class Parrot(Learner):
    """Answers with everything it was given, so that nothing hides. `has_begun`: it was asked for facts."""

    def __init__(self) -> None:
        super().__init__()
        self.has_begun = asyncio.Event()

    async def complete_json(self, request: ModelRequest, schema: JsonObject) -> tuple[JsonValue, Usage]:
        """The facts in the new messages."""
        self.has_begun.set()
        return await super().complete_json(request, schema)

    async def stream(self, request: ModelRequest) -> AsyncGenerator[str | ModelReply, None]:
        """The whole request, once it may."""
        self.requests.append(request)
        await self._count(1)
        try:
            await self.may_answer.wait()
        finally:
            await self._count(-1)
        answer = all_text(request)
        yield answer
        yield text_reply(answer)


@pytest.fixture(autouse=True)
def quick_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Durable work and changes are looked for all the time."""
    monkeypatch.setattr("gateway.poller.POLL_S", 0.05)
    monkeypatch.setattr("gateway.housekeeping.BEAT_S", 0.05)


async def test_nothing_of_an_erased_person_is_left_even_though_a_turn_was_running(database_url: str) -> None:
    """Words, answers, facts and accounts, now and when the turn would have ended. Proves: UM-16."""
    model = Parrot()
    async with opened(database_url, model) as core:
        service, people = core.gateway.service, core.gateway.people
        ann = await service.ensure_user(ACCOUNT, replace(ANN, last_name="Zebrafishy", email="zebrafish@example.com"))
        bob = await service.ensure_user(Identity(tenant="default", channel="id", external_id="bob"), BOB)
        await core.ask(f"I like {WORD} soup", user=ann, session_id=OWN, audience=Audience.PRIVATE)
        await core.ask(f"I like {WORD} stew", user=ann)
        await core.ask("I like rain", user=bob)
        await learned(database_url)
        await service.memories.add_memory(ann.id, MemoryDraft(memory=f"keeps a {WORD}"))
        assert await facts(database_url, ann) >= {f"likes {WORD} soup", f"likes {WORD} stew"}
        assert len(await find_text(database_url, WORD)) >= 4, "the test has to try something"

        model.may_answer.clear()
        running = await core.say(f"more {WORD} please, and quickly", user=ann, session_id=OWN)
        reading = await core.say("and now?", user=bob)
        waiting = await core.say(f"one more {WORD} for me", user=ann)
        await model.wait_until_running(2)
        report = await people.erase(ann.id)
        assert not any(report.left.values()), report.left
        assert await find_text(database_url, WORD, WORD.capitalize()) == set()
        before = len(model.requests)
        model.may_answer.set()
        answered = await core.end_of(reading)
        assert WORD not in (answered.text or "")
        assert "I like rain" in (answered.text or ""), "what others said is still there to read"
        assert all(WORD not in all_text(request) for request in model.requests[before:])
        for task, place in ((running, OWN), (waiting, SESSION)):
            assert (await core.states(task.run_id, place))[-1] is RunState.STOPPED
        await learned(database_url)
        assert await find_text(database_url, WORD, WORD.capitalize()) == set()
        assert await find_text(database_url, ann.id) <= BOOKS
        assert await facts(database_url, bob) == {"likes rain"}

        log = await core.log()
        assert [entry.seq for entry in log] == list(range(1, len(log) + 1)), "the thread stays whole"
        talk = [(e.author.name, e.text) for e in log if isinstance(e, Message)]
        assert talk[:3] == [("Erased", ERASED_TEXT), ("Assistant", ERASED_TEXT), ("Bob", "I like rain")]
        assert not [e for e in log if isinstance(e, RunNote) and e.state is RunState.FAILED]
        with pytest.raises(UserGoneError):
            await core.say("too late", user=ann)
        with pytest.raises(UserNotFoundError):
            await people.erase(ann.id)
        again = await service.ensure_user(ACCOUNT, ANN)
        assert again.id != ann.id, "who comes back is somebody new"
        assert (await core.ask("hello", user=again)).text
        assert await facts(database_url, again) == set()


async def test_a_person_is_erased_under_every_id_they_ever_had_and_their_sockets_are_closed(database_url: str) -> None:
    """What a visitor said before signing in is theirs too. Proves: UM-16."""
    async with opened(database_url, Parrot()) as core, Peer(core.gateway.app) as peer, Peer(core.gateway.app) as other:
        welcome = await peer.greet(**HERE)
        peer.send(send(f"I like {WORD}"))
        while (await peer.until("message"))["role"] != "assistant":
            pass
        peer.send({"type": "identify", "id": "i", "token": signed()})
        known = UserId(str((await peer.until("identified"))["user_id"]))
        visitor = str(user_of(welcome)["id"])
        await other.greet(**HERE, token=signed(sub="bob"))
        await learned(database_url)
        await core.gateway.people.erase(known)
        closed = await peer.closed()
        assert closed.code == CloseCode.DELETED
        other.send({"type": "ping", "n": 1})
        await other.until("pong")
        assert await find_text(database_url, WORD) == set()
        assert await find_text(database_url, visitor, known) <= BOOKS
        async with Peer(core.gateway.app) as stale:
            stale.send({"type": "hello", "v": 1, "cursor": 0, **HERE, "token": welcome["token"]})
            assert (await stale.closed()).code == CloseCode.TOKEN


async def test_every_table_is_known_to_the_erasure(database_url: str) -> None:
    """A table that is added later must not keep what a person wanted gone. Proves: UM-16."""
    rows = await run_sql(database_url, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    known = {name for names in TABLES.values() for name in names.split()}
    assert {row[0] for row in rows} <= known, "say in TABLES what becomes of it, and see to it in erasure.sql"


async def test_a_fact_that_is_on_its_way_while_its_person_is_erased_is_not_written(database_url: str) -> None:
    """The model may be reading the words at that very moment. Proves: UM-16."""
    model = Parrot()
    model.may_learn.clear()
    async with opened(database_url, model) as core:
        ann = await core.gateway.service.ensure_user(ACCOUNT, ANN)
        await core.ask(f"I like {WORD}", user=ann)
        async with asyncio.timeout(10):
            await model.has_begun.wait()
        await core.gateway.people.erase(ann.id)
        model.may_learn.set()
        await core.ask("hello", user=BOB)
        await learned(database_url)
    assert await find_text(database_url, WORD) == set()


async def test_a_message_of_a_person_who_is_being_erased_comes_before_or_not_at_all(database_url: str) -> None:
    """Whichever the database does first, nothing is left. Proves: UM-16."""
    async with opened(database_url, Parrot()) as core:
        ann = await core.gateway.service.ensure_user(ACCOUNT, ANN)
        await core.ask(f"I like {WORD}", user=ann)
        says = [core.say(f"{WORD} {n}", user=ann, session_id=SessionId(f"web:demo:{n}")) for n in range(10)]
        done = await asyncio.gather(core.gateway.people.erase(ann.id), *says, return_exceptions=True)
        assert not [one for one in done if isinstance(one, BaseException) and not isinstance(one, UserGoneError)]
    assert await find_text(database_url, WORD) == set()


async def test_the_application_cannot_undo_a_burial_by_accident(database_url: str) -> None:
    """The schema refuses facts of the buried, whatever code writes them. Proves: UM-16."""
    await run_sql(database_url, "INSERT INTO former_users (hash) VALUES (parley_user_hash('gone'))")
    connection = await asyncpg.connect(database_url)
    try:
        result = await connection.execute(
            "INSERT INTO user_memories (user_id, memory_id, memory, hash, visibility)"
            " VALUES ('gone', 'm', 'likes tea', '', 'private')"
        )
    finally:
        await connection.close()
    assert result == "INSERT 0 0"
