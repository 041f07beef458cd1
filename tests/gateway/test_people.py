"""A visitor becomes somebody the site knows, and accounts are linked, while people talk: over the whole gateway."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from adapters.widget.codes import CloseCode
from agent.ids import UserId
from agent.people import VISITOR_CHANNEL
from agent.records import Identity, JsonObject, User
from tests.adapters.widget.make import SITE, send, site_token
from tests.adapters.widget.peer import Peer, rows_of, user_of
from tests.gateway.test_core_memory import Learner, facts, learned
from tests.support.gateway import ASSISTANT, Core, build_agent, configure, open_core, run_sql

SHOP = replace(SITE, agent_id=ASSISTANT, allows_no_origin=True)
LEARNING = build_agent(memory_mode="agentic", extract_after_s=0.0)
HERE: JsonObject = {"site": "shop"}


@pytest.fixture(autouse=True)
def quick_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Durable work and changes are looked for all the time."""
    monkeypatch.setattr("gateway.poller.POLL_S", 0.05)
    monkeypatch.setattr("gateway.housekeeping.BEAT_S", 0.05)


@asynccontextmanager
async def opened(url: str, model: Learner) -> AsyncIterator[Core]:
    """A gateway with a shop that signs tokens, and an agent that remembers."""
    configuration = replace(configure(LEARNING), sites={SHOP.key: SHOP})
    async with open_core(url, model, configuration) as core:
        yield core


def signed(**changes: object) -> str:
    """A token of the shop for Ann, valid now."""
    return site_token(time.time(), **changes)


async def test_a_visitor_who_signs_in_keeps_conversation_memories_and_the_running_answer(database_url: str) -> None:
    """And the visitor's token is worth nothing from then on: the browser may be anybody's next. Proves: ID-3, ID-4."""
    model = Learner()
    async with opened(database_url, model) as core, Peer(core.gateway.app) as peer:
        welcome = await peer.greet(**HERE)
        visitor = str(user_of(welcome)["id"])
        peer.send(send("I like tea"))
        await peer.until("message")
        await learned(database_url)
        model.may_answer.clear()
        peer.send(send("I like rain"))
        await model.wait_until_running(1)
        peer.send({"type": "identify", "id": "i", "token": signed()})
        identified = await peer.until("identified")
        assert identified["merged_from"] == visitor
        known = UserId(str(identified["user_id"]))
        model.may_answer.set()
        while (answer := await peer.until("message"))["role"] != "assistant" or "rain" not in str(answer["text"]):
            pass
        await learned(database_url)
        assert await facts(database_url, User(id=known)) == {"likes tea", "likes rain"}
        peer.send({"type": "history", "before": 1000, "limit": 50})
        mine = [row for row in rows_of(await peer.until("history"), "messages") if row["role"] == "user"]
        assert [row["author"] for row in mine] == [{"id": known, "name": "Guest"}] * 2
        peer.send({"type": "sessions"})
        assert [row["session_id"] for row in rows_of(await peer.until("sessions"), "sessions")] == [
            welcome["session_id"]
        ]
        for table, column in (
            ("tasks", "user_id"),
            ("runs", "user_id"),
            ("messages", "author_id"),
            ("jobs", "user_id"),
        ):
            left = await run_sql(database_url, f"SELECT count(*) FROM {table} WHERE {column} = $1", visitor)
            assert left[0][0] == 0, table
        async with Peer(core.gateway.app) as again:
            await again.greet(**HERE, token=signed(), session_id=welcome["session_id"])
        async with Peer(core.gateway.app) as stale:
            stale.send({"type": "hello", "v": 1, "cursor": 0, **HERE, "token": welcome["token"]})
            assert (await stale.closed()).code == CloseCode.TOKEN


async def test_an_unused_conversation_and_an_open_socket_of_a_visitor_go_over_too(database_url: str) -> None:
    """Before the first message there is no row of either. Proves: ID-4."""
    async with opened(database_url, Learner()) as core, Peer(core.gateway.app) as peer, Peer(core.gateway.app) as other:
        welcome = await peer.greet(**HERE)
        token = welcome["token"]
        await other.greet(**HERE, token=token, session_id=welcome["session_id"])
        peer.send({"type": "identify", "id": "i", "token": signed()}, send("hi"))
        identified = await peer.until("identified")
        assert (await peer.until("ack"))["seq"] == 1
        assert (await other.closed()).code == CloseCode.RESTART, "it comes back, and is asked for another token"
        assert (await peer.until("message"))["author"] == {"id": identified["user_id"], "name": "Ann"}


async def test_somebody_elses_token_on_the_same_browser_merges_nothing(database_url: str) -> None:
    """Nor does a visitor who proved to be somebody by another channel. Proves: ID-3, ID-4."""
    async with opened(database_url, Learner()) as core:
        people = core.gateway.people
        async with Peer(core.gateway.app) as peer:
            await peer.greet(**HERE, token=signed())
            peer.send({"type": "identify", "id": "i", "token": signed(sub="bob")})
            assert (await peer.until("nack"))["code"] == "other_person"
            peer.send({"type": "identify", "id": "i", "token": signed(aud="blog")})
            assert (await peer.until("nack"))["code"] == "token"
            peer.send({"type": "identify", "id": "i", "token": signed()})
            assert "merged_from" not in await peer.until("identified")
        slack = await core.gateway.service.ensure_user(
            Identity(tenant="T1", channel="slack", external_id="T1:U1"), User(id=UserId("usr_slack"))
        )
        code = await people.issue_link_code(slack, Identity(tenant="T1", channel="slack", external_id="T1:U1"))
        async with Peer(core.gateway.app) as peer:
            welcome = await peer.greet(**HERE)
            peer.send(send(f"link {code.code}"))
            assert (await peer.until("nack"))["code"] == "linked"
            peer.send({"type": "identify", "id": "i", "token": signed()})
            assert (await peer.until("nack"))["code"] == "refused"
            peer.send(send("hello"))
            assert (await peer.until("message"))["author"] == {"id": "usr_slack", "name": "Guest"}
        async with Peer(core.gateway.app) as again:
            back = await again.greet(**HERE, token=welcome["token"])
            assert user_of(back)["id"] == "usr_slack", "a code's link lasts as long as the token does"
        assert "link" not in repr(await run_sql(database_url, "SELECT text FROM messages"))
        [account] = [a for a in await people.list_accounts(UserId("usr_slack")) if a.channel == VISITOR_CHANNEL]
        async with Peer(core.gateway.app) as open_peer:
            await open_peer.greet(**HERE, token=welcome["token"])
            await people.unlink(UserId("usr_slack"), account.identity_id)
            assert (await open_peer.closed()).code == CloseCode.RESTART
        async with Peer(core.gateway.app) as apart:
            assert user_of(await apart.greet(**HERE, token=welcome["token"]))["id"] == user_of(welcome)["id"]


async def test_a_code_of_the_widget_is_said_by_another_account(database_url: str) -> None:
    """The other way round; a visitor becomes the other, whoever asked for the code. Proves: ID-3."""
    async with opened(database_url, Learner()) as core, Peer(core.gateway.app) as peer:
        await peer.greet(**HERE)
        peer.send({"type": "link", "id": "c"})
        issued = await peer.until("link_code")
        identity = Identity(tenant="default", channel="id", external_id="customer")
        customer = await core.gateway.service.ensure_user(identity, User(id=UserId("customer")))
        linked = await core.gateway.people.redeem_link_code(customer, identity, str(issued["code"]))
        assert linked.user_id == "customer"
        peer.send({"type": "link", "id": "c", "code": "AAAAA-AAAAA"})
        assert (await peer.closed()).code == CloseCode.RESTART


async def test_a_verified_address_of_the_site_and_one_of_slack_are_one_person(database_url: str) -> None:
    """An address that the site has not verified is nobody's proof. Proves: ID-3."""
    async with opened(database_url, Learner()) as core:
        identity = Identity(tenant="T1", channel="slack", external_id="T1:U1")
        slack = await core.gateway.service.ensure_user(identity, User(id=UserId("usr_slack")))
        await core.gateway.people.prove_email(identity, slack, "ann@example.com")
        async with Peer(core.gateway.app) as peer:
            welcome = await peer.greet(**HERE, token=signed(email="ann@example.com"))
            assert user_of(welcome)["id"] != "usr_slack"
        async with Peer(core.gateway.app) as peer:
            welcome = await peer.greet(**HERE, token=signed(email="ann@example.com", email_verified=True))
            assert user_of(welcome)["id"] == "usr_slack"


async def test_a_task_that_waits_is_merged_with_what_the_known_person_says_next(database_url: str) -> None:
    """Queued tasks change hands too, so that one person's burst is one answer. Proves: ID-4."""
    model = Learner()
    model.may_answer.clear()
    async with opened(database_url, model) as core, Peer(core.gateway.app) as peer:
        await peer.greet(**HERE)
        peer.send(send("one"))
        await model.wait_until_running(1)
        peer.send(send("two"), {"type": "identify", "id": "i", "token": signed()}, send("three"))
        await peer.until("identified")
        await peer.until("ack")
        model.may_answer.set()
        async with asyncio.timeout(10):
            while "two + three" not in str((await peer.until("message"))["text"]):
                pass
