"""Who comes back finds their conversation, and nobody else does."""

import asyncio
import time

import pytest

from adapters import deadlines
from adapters.widget.codes import CloseCode
from agent.errors import StoreUnavailableError
from agent.ids import UserId
from agent.records import Audience, Identity, User
from tests.adapters.widget.conftest import Connect, build
from tests.adapters.widget.make import ORIGIN, hello, send, site_token
from tests.adapters.widget.peer import Peer, rows_of, user_of
from tests.support.fake_gateway import FakeGateway

SHOP = (ORIGIN,)


def token(**claims: object) -> str:
    """A token of the site `shop` that is good right now."""
    return site_token(time.time(), **claims)


async def test_a_new_visitor_gets_an_identity_to_keep_and_leaves_no_trace(
    connect: Connect, gateway: FakeGateway
) -> None:
    """A page view is no conversation: nothing is written before the first message. Proves: WI-3, WI-31."""
    gateway.fault = AssertionError("the gateway was asked")
    async with connect(origins=SHOP) as peer:
        welcome = await peer.greet(site="shop", tz="Europe/Berlin")
    assert isinstance(welcome["token"], str)
    assert str(user_of(welcome)["id"]).startswith("usr_")
    assert str(welcome["session_id"]).startswith("web:shop:~")
    assert (welcome["head"], welcome["cursor"], welcome["resumed"]) == (0, 0, False)


async def test_the_welcome_says_how_the_chat_looks_and_what_it_takes(connect: Connect) -> None:
    """The widget is built once and configured by the site. Proves: WI-2."""
    async with connect(origins=SHOP) as peer:
        welcome = await peer.greet(site="shop")
    config = welcome["config"]
    assert isinstance(config, dict)
    upload = config.pop("upload")
    assert isinstance(upload, dict)
    assert str(upload["url"]).startswith("/widget/uploads?key=")
    assert (upload["max_bytes"], upload["max_files"]) == (5 * 1024 * 1024, 4)
    assert config == {
        "max_chars": 4000,
        "features": [
            *["stop", "history", "sessions", "refresh", "feedback", "action", "attachments", "identify", "link"],
            *["memories", "forget"],
        ],
        "title": "Help",
        "greeting": "Hi!",
        "starters": [{"label": "Prices", "value": "What does it cost?"}],
    }
    assert welcome["hb_s"] == 25.0
    assert str(welcome["server_time"]).endswith("Z")


async def test_a_visitor_who_comes_back_is_the_same_and_finds_the_newest_conversation(
    connect: Connect, gateway: FakeGateway
) -> None:
    """Without a session in hello it is the newest of theirs. Proves: WI-3, WI-4."""
    async with connect() as peer:
        first = await peer.greet()
        peer.send(send("old"))
        await peer.until("ack")
    async with connect() as peer:
        second = await peer.greet(token=first["token"], session_id="new")
        peer.send(send("newer"))
        await peer.until("ack")
    async with connect() as peer:
        third = await peer.greet(token=first["token"])
    assert user_of(first)["id"] == user_of(second)["id"] == user_of(third)["id"]
    assert first["session_id"] != second["session_id"] == third["session_id"]
    assert "token" not in third
    assert third["head"] == 1


async def test_without_a_conversation_a_returning_visitor_gets_a_new_one(connect: Connect) -> None:
    """There may be none yet, or only shared ones. Proves: WI-4."""
    async with connect() as peer:
        first = await peer.greet(thread="T-1")
        peer.send(send("hello all"))
        await peer.until("ack")
    async with connect() as peer:
        second = await peer.greet(token=first["token"])
    assert str(second["session_id"]).startswith("web:demo:~")


async def test_an_unwritten_conversation_is_known_by_whom_it_was_issued_to(connect: Connect) -> None:
    """A reconnect before the first message goes on where it was. Proves: WI-31, WI-8."""
    async with connect() as peer:
        first = await peer.greet()
    async with connect() as peer:
        again = await peer.greet(token=first["token"], session_id=first["session_id"], epoch=first["epoch"])
    assert again["session_id"] == first["session_id"]
    assert again["resumed"] is True


async def refused(peer: Peer, **fields: object) -> tuple[int, str]:
    peer.send(hello(**fields))  # type: ignore[arg-type]
    end = await peer.closed()
    return end.code, end.reason


async def test_a_conversation_of_somebody_else_does_not_exist(connect: Connect, gateway: FakeGateway) -> None:
    """One answer for foreign and unknown: it tells nothing. Proves: WI-23."""
    async with connect(origins=SHOP) as peer:
        unwritten = await peer.greet(site="shop")
    async with connect(origins=SHOP) as peer:
        written = await peer.greet(site="shop")
        peer.send(send("mine"))
        await peer.until("ack")
    gateway.put_session("web:shop:T-1", Audience.SHARED, "usr_ann")
    answers = set()
    for session_id in (
        unwritten["session_id"],
        written["session_id"],
        "web:shop:~" + "A" * 38,
        "web:shop:T-1",
        "web:shop:T-2",
        "web:blog:x",
        "slack:a:b:c",
        "x",
    ):
        async with connect(origins=SHOP) as peer:
            answers.add(await refused(peer, site="shop", session_id=session_id))
    async with connect(origins=SHOP) as peer:
        answers.add(await refused(peer, site="shop", thread="T-1", token=token(threads=["T-2"])))
    assert answers == {(CloseCode.NOT_FOUND, "no such conversation")}


@pytest.mark.parametrize("change", [{"tenant": "other"}, {"channel": "api"}])
async def test_a_session_of_another_tenant_or_channel_does_not_exist(
    connect: Connect, gateway: FakeGateway, change: dict[str, str]
) -> None:
    """Even if its id and its members fit. Proves: WI-23."""
    async with connect(origins=SHOP) as peer:
        mine = await peer.greet(site="shop")
    session = gateway.put_session(str(mine["session_id"]), Audience.PRIVATE, str(user_of(mine)["id"]))
    shared = gateway.put_session("web:shop:T-1", Audience.SHARED)
    for name, value in change.items():
        setattr(session, name, value)
        setattr(shared, name, value)
    async with connect(origins=SHOP) as peer:
        answer = await refused(peer, site="shop", token=mine["token"], session_id=mine["session_id"])
    assert answer[0] == CloseCode.NOT_FOUND
    async with connect(origins=SHOP) as peer:
        assert (await refused(peer, site="shop", token=token(threads=["T-1"]), thread="T-1"))[0] == CloseCode.NOT_FOUND


async def test_a_person_the_site_vouches_for_becomes_known(connect: Connect, gateway: FakeGateway) -> None:
    """The same sub is the same user in every session. Proves: WI-21."""
    fields = {"email": "ann@example.com", "email_verified": True, "timezone": "Europe/Berlin"}
    async with connect(origins=SHOP) as peer:
        first = await peer.greet(site="shop", token=token(**fields), tz="Asia/Tokyo")
    async with connect(origins=SHOP) as peer:
        second = await peer.greet(site="shop", token=token(**fields))
    (identity,) = gateway.users
    assert identity == Identity(tenant="default", channel="id", external_id="ann")
    stored = gateway.users[identity]
    assert (stored.email, stored.first_name, stored.timezone) == ("ann@example.com", "Ann", "Europe/Berlin")
    assert user_of(first)["id"] == user_of(second)["id"] == stored.id
    assert first["user"] == {"id": stored.id, "name": "Ann", "verified": True}
    assert "token" not in first


async def test_a_known_person_is_written_only_when_the_site_tells_something_new(
    connect: Connect, gateway: FakeGateway
) -> None:
    """A reconnect should cost no write. Proves: WI-21."""
    identity = Identity(tenant="default", channel="id", external_id="ann")
    ann = User(id=UserId("usr_1"), first_name="Ann", last_name="Lee", email="old@example.com")
    gateway.users[identity] = ann
    async with connect(origins=SHOP) as peer:
        await peer.greet(site="shop", token=token())
    assert gateway.users[identity] is ann
    async with connect(origins=SHOP) as peer:
        await peer.greet(site="shop", token=token(last_name="Li"))
    assert gateway.users[identity].last_name == "Li"
    assert gateway.users[identity].id == "usr_1"


async def test_everybody_whose_token_names_the_thread_shares_it(connect: Connect, gateway: FakeGateway) -> None:
    """A ticket is one conversation for all who work on it. Proves: WI-24."""
    async with connect(origins=SHOP) as ann, connect(origins=SHOP) as bob:
        first = await ann.greet(site="shop", token=token(threads=["T-1"]), thread="T-1")
        ann.send(send("I am Ann"))
        await ann.until("ack")
        second = await bob.greet(site="shop", token=token(sub="bob", first_name="Bob", threads=["T-1"]), thread="T-1")
        assert first["session_id"] == second["session_id"] == "web:shop:T-1"
        assert (await bob.until("message"))["text"] == "I am Ann"
        bob.send(send("I am Bob"))
        heard = await ann.until("message")
        heard = heard if heard["text"] == "I am Bob" else await ann.until("message")
        assert heard["author"] == {"id": user_of(second)["id"], "name": "Bob"}
    assert gateway.joined == [("web:shop:T-1", user_of(second)["id"])]
    assert {one.audience for one in gateway.inbounds} == {Audience.SHARED}


async def test_a_shared_thread_can_be_asked_for_by_its_session_too(connect: Connect) -> None:
    """A client that keeps the session id of the welcome may come back with it. Proves: WI-24."""
    async with connect(origins=SHOP) as peer:
        first = await peer.greet(site="shop", token=token(threads=["T-1"]), thread="T-1")
    async with connect(origins=SHOP) as peer:
        again = await peer.greet(
            site="shop", token=token(threads=["T-1"]), session_id="web:shop:T-1", epoch=first["epoch"]
        )
    assert (again["session_id"], again["resumed"]) == ("web:shop:T-1", True)


async def test_on_the_demo_site_two_names_are_two_people_in_one_thread(connect: Connect, gateway: FakeGateway) -> None:
    """So that the shared thread can be tried with two windows and no setup. Proves: WI-24."""
    async with connect() as ann, connect() as bob:
        first = await ann.greet(thread="x", name="Ann ⟦x⟧\u202e")
        second = await bob.greet(thread="x", name="Bob")
        assert user_of(first)["id"] != user_of(second)["id"]
        bob.send(send("hi"))
        assert (await ann.until("message"))["author"] == {"id": user_of(second)["id"], "name": "Bob"}
        assert first["user"] == {"id": user_of(first)["id"], "name": "Ann [x]", "verified": False}


async def test_elsewhere_a_name_is_nobody_s_to_choose(connect: Connect, gateway: FakeGateway) -> None:
    """Else a visitor could speak as the shop's support. Proves: WI-24."""
    async with connect(origins=SHOP) as peer:
        welcome = await peer.greet(site="shop", name="Support")
        peer.send(send())
        assert (await peer.until("message"))["author"] == {"id": user_of(welcome)["id"], "name": "Guest"}


@pytest.mark.parametrize(
    ("tz", "kept"), [("Europe/Berlin", "Europe/Berlin"), ("../../etc/passwd", None), ("Mars", None)]
)
async def test_a_timezone_is_kept_if_there_is_one_of_that_name(
    connect: Connect, gateway: FakeGateway, tz: str, kept: str | None
) -> None:
    """It reaches prompts and date arithmetic; nonsense in it is no reason to refuse anybody. Proves: WI-2."""
    async with connect() as peer:
        await peer.greet(tz=tz)
        peer.send(send())
        await peer.until("ack")
    (inbound,) = gateway.inbounds
    assert inbound.user is not None
    assert inbound.user.timezone == kept


async def test_another_database_gives_another_epoch(gateway: FakeGateway) -> None:
    """A cursor into a log that is gone must not hide the messages of the new one. Proves: WI-9."""
    _, app = build(gateway, instance_id="db1")
    async with Peer(app) as peer:
        first = await peer.greet(thread="x")
    gateway.put_session("web:demo:x", Audience.SHARED)
    for text in ("a", "b", "c"):
        gateway.say("web:demo:x", text)
    _, app = build(gateway, instance_id="db2")
    async with Peer(app) as peer:
        second = await peer.greet(thread="x", epoch=first["epoch"], cursor=1)
        assert (second["resumed"], second["cursor"]) == (False, 3)
        assert (await peer.next())["type"] == "reset"
        peer.send({"type": "history", "before": 4, "limit": 10})
        page = await peer.until("history")
        assert [one["text"] for one in rows_of(page, "messages")] == ["a", "b", "c"]


async def test_while_the_store_is_away_the_client_is_asked_to_come_again(
    connect: Connect, gateway: FakeGateway
) -> None:
    """It is no reason to stop trying. Proves: WI-7."""
    gateway.fault = StoreUnavailableError("gone: postgres://user:secret@host")
    async with connect() as peer:
        peer.send(hello(thread="x"))
        error = await peer.until("error")
        assert (error["code"], error["fatal"]) == ("unavailable", False)
        assert "postgres" not in str(error["message"])
        assert (await peer.closed()).code == CloseCode.TRY_LATER


async def test_a_store_that_says_nothing_keeps_no_client_at_the_door(
    connect: Connect, gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who comes in is told as soon as who writes. Proves: RE-14."""
    monkeypatch.setattr(deadlines, "TOLD_S", 0.01)
    monkeypatch.setattr(gateway, "load_session", wait_for_ever)
    async with connect() as peer:
        peer.send(hello(thread="x"))
        assert (await peer.until("error"))["code"] == "unavailable"
        assert (await peer.closed()).code == CloseCode.TRY_LATER


async def test_a_store_that_says_nothing_keeps_no_question_waiting(
    connect: Connect, gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A list of conversations is asked for by people who look at it. Proves: RE-14."""
    async with connect() as peer:
        await peer.greet(thread="x")
        monkeypatch.setattr(deadlines, "TOLD_S", 0.01)
        monkeypatch.setattr(gateway, "list_sessions_of_user", wait_for_ever)
        peer.send({"type": "sessions"})
        assert (await peer.until("error"))["code"] == "unavailable"


async def wait_for_ever(*_: object) -> None:
    """A store that stalls."""
    await asyncio.Event().wait()
