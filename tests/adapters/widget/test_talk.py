"""What is said in a conversation, from the client's side."""

import asyncio
import uuid

import pytest

from adapters.widget.routes import Widget
from agent.errors import BusyError, InputError, LeaseLostError, ParleyError, StoreUnavailableError
from agent.records import Audience, RunState
from tests.adapters.widget.conftest import Connect
from tests.adapters.widget.make import send
from tests.adapters.widget.peer import WAIT_S, rows_of, user_of
from tests.support.fake_gateway import FakeGateway

X = "web:demo:x"


async def test_a_message_is_acked_only_once_it_is_committed(connect: Connect, gateway: FakeGateway) -> None:
    """The ack is the promise that it will never be lost. Proves: WI-5."""
    gateway.may_commit.clear()
    async with connect() as peer:
        await peer.greet()
        message = send("hi")
        peer.send(message)
        await gateway.waiting_to_commit.wait()
        peer.send({"type": "ping", "n": 1})
        assert (await peer.next())["type"] == "pong"
        gateway.may_commit.set()
        ack = await peer.until("ack")
    assert ack == {"type": "ack", "id": message["id"], "seq": 1, "message_id": "msg_1"}
    (inbound,) = gateway.inbounds
    assert (inbound.channel, inbound.text, inbound.dedupe_key, inbound.max_waiting) == (
        "widget",
        "hi",
        message["id"],
        3,
    )


async def test_the_same_message_again_gets_the_same_ack(connect: Connect, gateway: FakeGateway) -> None:
    """The ack was lost, not the message. Proves: WI-6."""
    message = send("hi")
    async with connect() as peer:
        welcome = await peer.greet()
        peer.send(message)
        first = await peer.until("ack")
    async with connect() as peer:
        await peer.greet(token=welcome["token"], session_id=welcome["session_id"])
        peer.send(message)
        assert await peer.until("ack") == first
    assert len(gateway.inbounds) == 1


async def test_the_same_id_with_another_text_is_refused_for_good(connect: Connect) -> None:
    """One of the two texts would else be lost without a word. Proves: WI-6."""
    frame_id = str(uuid.uuid4())
    async with connect() as peer:
        await peer.greet()
        peer.send(send("one", frame_id), send("two", frame_id))
        nack = await peer.until("nack")
    assert (nack["id"], nack["code"]) == (frame_id, "conflict")
    assert "retry_after" not in nack


@pytest.mark.parametrize(
    ("fault", "code", "retry_after"),
    [
        (BusyError("secret", retry_after_s=3.0), "busy", 3.0),
        (StoreUnavailableError("secret"), "unavailable", 2.0),
        (LeaseLostError("secret"), "failed", 2.0),
        (InputError("text: expected something else"), "invalid", None),
    ],
)
async def test_what_cannot_be_taken_says_why_and_whether_to_try_again(
    connect: Connect, gateway: FakeGateway, fault: ParleyError, code: str, retry_after: float | None
) -> None:
    """By it the client keeps the message or gives it back; the inner reason is not for it. Proves: WI-7."""
    gateway.accept_fault = fault
    async with connect() as peer:
        await peer.greet()
        peer.send(send())
        nack = await peer.until("nack")
    assert (nack["code"], nack.get("retry_after")) == (code, retry_after)
    assert "secret" not in str(nack["message"])
    assert nack["message"]


async def test_messages_are_committed_in_the_order_they_were_sent(connect: Connect, gateway: FakeGateway) -> None:
    """Also those that were sent before the welcome. Proves: WI-8."""
    texts = [str(number) for number in range(12)]
    async with connect() as peer:
        peer.send({"type": "hello", "v": 1, "site": "demo", "cursor": 0}, *(send(text) for text in texts))
        acks = [await peer.until("ack") for _ in texts]
    assert [one.text for one in gateway.inbounds] == texts
    assert [ack["seq"] for ack in acks] == list(range(1, 13))


async def test_events_follow_from_the_cursor_each_once(connect: Connect, gateway: FakeGateway) -> None:
    """A cut between any two of them loses none and doubles none. Proves: WI-8."""
    gateway.put_session(X, Audience.SHARED)
    for text in "abc":
        gateway.say(X, text)
    async with connect() as peer:
        welcome = await peer.greet(thread="x")
        assert [(await peer.next())["seq"] for _ in range(3)] == [1, 2, 3]
        gateway.note(X, "run_1", RunState.THINKING)
        assert await peer.next() == {"type": "run", "seq": 4, "run_id": "run_1", "state": "thinking"}
    gateway.say(X, "d")
    async with connect() as peer:
        again = await peer.greet(thread="x", epoch=welcome["epoch"], cursor=2)
        assert (again["head"], again["cursor"], again["resumed"]) == (5, 2, True)
        assert [(await peer.next())["seq"] for _ in range(3)] == [3, 4, 5]


async def test_a_streamed_answer_can_be_joined_in_the_middle(connect: Connect, gateway: FakeGateway) -> None:
    """A reload shows at once what was written meanwhile. Proves: WI-10."""
    gateway.put_session(X, Audience.SHARED)
    gateway.stream(X, "run_1", "Hello ")
    async with connect() as peer:
        await peer.greet(thread="x")
        assert await peer.next() == {"type": "d", "r": "run_1", "o": 0, "x": "Hello "}
        gateway.stream(X, "run_1", "you")
        assert await peer.next() == {"type": "d", "r": "run_1", "o": 6, "x": "you"}
        gateway.say(X, "Hello you", run_id="run_1")
        assert (await peer.next())["text"] == "Hello you"


async def test_a_disconnect_stops_nothing_and_stop_does(connect: Connect, gateway: FakeGateway) -> None:
    """An answer that was asked for is there when the person comes back. Proves: WI-11."""
    async with connect() as peer:
        await peer.greet(thread="x")
        peer.send(send())
        await peer.until("ack")
    assert gateway.stopped == []
    async with connect() as peer:
        await peer.greet(thread="x")
        peer.send({"type": "stop", "run_id": "run_1"}, {"type": "sessions"})
        await peer.until("sessions")
    assert gateway.stopped == [(X, "run_1")]


async def test_what_was_read_before_a_cut_is_committed(connect: Connect, gateway: FakeGateway, widget: Widget) -> None:
    """The person pressed send and closed the tab. Proves: WI-5, WI-11."""
    gateway.may_commit.clear()
    peer = connect()
    await peer.__aenter__()
    await peer.greet()
    peer.send(send("one"), send("two"), {"type": "sessions"})
    await gateway.waiting_to_commit.wait()
    peer.leave()
    gateway.may_commit.set()
    async with asyncio.timeout(WAIT_S):
        await peer.task
    assert [one.text for one in gateway.inbounds] == ["one", "two"]
    assert (widget.connection_count, gateway.followers) == (0, 0)


async def test_history_pages_backwards(connect: Connect, gateway: FakeGateway) -> None:
    """Older messages are loaded as the person scrolls. Proves: WI-12."""
    gateway.put_session(X, Audience.SHARED)
    for number in range(1, 8):
        gateway.say(X, str(number))
    async with connect() as peer:
        await peer.greet(thread="x", cursor=7)
        peer.send({"type": "history", "before": 8, "limit": 3}, {"type": "history", "before": 3, "limit": 3})
        newer, older = await peer.until("history"), await peer.until("history")
    assert [one["text"] for one in rows_of(newer, "messages")] == ["5", "6", "7"]
    assert [one["text"] for one in rows_of(older, "messages")] == ["1", "2"]
    assert (newer["has_more"], older["has_more"]) == (True, False)


async def test_a_person_sees_their_own_conversations_of_this_site(connect: Connect, gateway: FakeGateway) -> None:
    """And of other sites none, though the person is the same. Proves: WI-12, WI-23."""
    async with connect() as peer:
        welcome = await peer.greet(thread="x")
        peer.send(send())
        await peer.until("ack")
        gateway.put_session("web:shop:T-1", Audience.SHARED, str(user_of(welcome)["id"]))
        gateway.put_session("web:demo:y", Audience.SHARED, "usr_other")
        peer.send({"type": "sessions", "limit": 10})
        (row,) = rows_of(await peer.until("sessions"), "sessions")
    assert (row["session_id"], row["is_shared"]) == (X, True)


async def test_how_far_somebody_has_read_is_kept(connect: Connect, gateway: FakeGateway) -> None:
    """For others, and for the next device. Proves: WI-12."""
    async with connect() as peer:
        welcome = await peer.greet(thread="x")
        peer.send({"type": "seen", "cursor": 4}, {"type": "sessions"})
        await peer.until("sessions")
    assert gateway.seen == [(X, user_of(welcome)["id"], 4)]


async def test_a_question_the_store_cannot_answer_now_is_no_end(connect: Connect, gateway: FakeGateway) -> None:
    """The conversation goes on when the store does. Proves: WI-7."""
    async with connect() as peer:
        await peer.greet()
        gateway.fault = StoreUnavailableError("secret")
        peer.send({"type": "sessions"})
        error = await peer.until("error")
        assert (error["code"], error["fatal"]) == ("unavailable", False)
        gateway.fault = None
        peer.send({"type": "sessions"})
        assert await peer.until("sessions")


async def test_the_reader_waits_for_nobody(connect: Connect, gateway: FakeGateway) -> None:
    """While it waited, pongs would be unread and the server would close its own healthy socket. Proves: WI-26."""
    gateway.may_commit.clear()
    async with connect() as peer:
        await peer.greet()
        peer.send(*(send() for _ in range(10)))
        for number in range(50):
            peer.send({"type": "ping", "n": number})
            assert await peer.until("pong") == {"type": "pong", "n": number}
        gateway.may_commit.set()
