"""How a connection ends, and that nothing of it stays behind."""

import asyncio

import pytest

from adapters.ports import SlowConsumerError
from adapters.widget.codes import CloseCode
from adapters.widget.routes import Widget
from agent.errors import StoreUnavailableError
from agent.records import Audience, JsonObject
from tests.adapters.widget.conftest import Connect
from tests.adapters.widget.make import send
from tests.adapters.widget.peer import WAIT_S
from tests.support.fake_gateway import FakeGateway

X = "web:demo:x"


async def test_work_that_piles_up_ends_the_connection(connect: Connect, gateway: FakeGateway) -> None:
    """Everything is bounded. Proves: WI-16, WI-26."""
    gateway.may_commit.clear()
    async with connect() as peer:
        await peer.greet()
        question: JsonObject = {"type": "history", "before": 9, "limit": 1}
        peer.send(send(), *[question] * 40)
        assert (await peer.closed()).code == CloseCode.RATE
        gateway.may_commit.set()


async def test_what_waits_when_it_is_closed_is_not_begun(connect: Connect, gateway: FakeGateway) -> None:
    """Nobody was promised anything, and nobody would hear of it. Proves: WI-14."""
    gateway.may_commit.clear()
    async with connect(answers_close=False) as peer:
        await peer.greet(thread="x")
        peer.send(send("begun"), send("waiting"))
        await gateway.waiting_to_commit.wait()
        for _ in range(5):
            peer.send_text("{")
        assert (await peer.closed()).code == CloseCode.TOO_MANY_BAD_FRAMES
        assert gateway.followers == 0
        gateway.may_commit.set()
    assert [one.text for one in gateway.inbounds] == ["begun"]


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (SlowConsumerError(), CloseCode.SLOW_CONSUMER),
        (StoreUnavailableError("secret"), CloseCode.TRY_LATER),
        (None, CloseCode.RESTART),
    ],
)
async def test_when_the_events_end_the_client_is_told_to_resume(
    connect: Connect, gateway: FakeGateway, fault: Exception | None, code: CloseCode
) -> None:
    """From its cursor it loses nothing. Proves: WI-25."""
    async with connect() as peer:
        await peer.greet(thread="x")
        peer.send({"type": "sessions"})
        await peer.until("sessions")
        gateway.break_off(X, fault)
        assert (await peer.closed()).code == code
    assert gateway.followers == 0


async def test_a_peer_that_does_not_read_is_dropped_and_its_neighbour_is_not(
    connect: Connect, gateway: FakeGateway, widget: Widget
) -> None:
    """Its events must not pile up, nor hold up anybody else's. Proves: WI-25."""
    async with connect() as slow, connect() as quick:
        await slow.greet(thread="x")
        await quick.greet(thread="x")
        gateway.put_session(X, Audience.SHARED)
        slow.reads.clear()
        for number in range(70):
            gateway.say(X, str(number))
            assert (await quick.next())["text"] == str(number)
        slow.reads.set()
        assert (await slow.closed()).code == CloseCode.SLOW_CONSUMER


async def test_a_peer_that_takes_not_even_the_end_is_given_up(
    connect: Connect, widget: Widget, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The transport then aborts it; here the connection must not wait for ever. Proves: WI-25."""
    monkeypatch.setattr("adapters.widget.socket._GOODBYE_S", 0.01)
    peer = connect()
    await peer.__aenter__()
    await peer.greet()
    peer.reads.clear()
    peer.send({"type": "ping", "n": 1})
    await widget.drain()
    assert widget.connection_count == 0
    async with asyncio.timeout(WAIT_S):
        await peer.task


async def test_a_bug_behind_it_does_not_leave_the_connection_behind(
    connect: Connect, gateway: FakeGateway, widget: Widget
) -> None:
    """What nobody foresaw ends the one connection, in the open; the client may resume. Proves: WI-32."""
    peer = connect()
    await peer.__aenter__()
    await peer.greet()
    gateway.fault = RuntimeError("secret")
    peer.send({"type": "sessions"})
    end = await peer.closed()
    assert (end.code, end.reason) == (CloseCode.FAILED, "failed")
    with pytest.raises(ExceptionGroup):
        async with asyncio.timeout(WAIT_S):
            await peer.task
    assert (widget.connection_count, gateway.followers) == (0, 0)


@pytest.mark.parametrize(
    "frame",
    [
        {"type": "link", "id": "1"},
        {"type": "memories", "id": "1", "op": "list"},
        {"type": "forget", "id": "1"},
    ],
)
async def test_what_is_not_offered_is_said_plainly(connect: Connect, frame: JsonObject) -> None:
    """The client must not wait for what will not come. Proves: WI-33."""
    async with connect() as peer:
        await peer.greet()
        peer.send(frame)
        nack = await peer.until("nack")
        assert (nack["id"], nack["code"]) == ("1", "unsupported")
