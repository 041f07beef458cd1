"""Who gets as far as a first frame."""

import pytest
from starlette.applications import Starlette

from adapters.widget.codes import CloseCode
from adapters.widget.limits import Limits
from adapters.widget.routes import Widget, build_widget
from tests.adapters.widget.conftest import Connect, build
from tests.adapters.widget.make import ORIGIN, SECRET, SITE, hello
from tests.adapters.widget.peer import Peer, user_of
from tests.support.fake_gateway import FakeGateway, as_gateway


async def test_the_subprotocol_is_agreed_on(connect: Connect) -> None:
    """Both sides know which protocol they speak. Proves: WI-1."""
    async with connect(subprotocols=("other", "gw.v1")) as peer:
        assert peer.subprotocol == "gw.v1"


@pytest.mark.parametrize(("offered", "answered"), [((), None), (("gw.v2",), "gw.v2"), (("chat", "x"), "chat")])
async def test_another_subprotocol_is_closed_with_4426(
    connect: Connect, offered: tuple[str, ...], answered: str | None
) -> None:
    """A browser can only read the code of a websocket that was opened, with a protocol it asked for. Proves: WI-1."""
    async with connect(subprotocols=offered) as peer:
        assert peer.subprotocol == answered
        assert (await peer.closed()).code == CloseCode.VERSION


@pytest.mark.parametrize("origins", [("https://evil.example",), ("null",), ("",), (ORIGIN, "https://evil.example")])
async def test_an_origin_that_no_site_allows_is_turned_away(connect: Connect, origins: tuple[str, ...]) -> None:
    """Middleware for requests does not see a foreign page's socket. It learns why, which it can only by a close.

    Proves: WI-19, WI-36.
    """
    async with connect(origins=origins) as peer:
        peer.send(hello())
        closed = await peer.closed()
    assert (closed.code, closed.reason) == (CloseCode.FORBIDDEN, "origin: expected one that a site allows")


async def test_a_client_without_an_origin_is_turned_away_in_the_handshake_where_no_site_takes_such(
    gateway: FakeGateway,
) -> None:
    """It is no browser: it reads the status, and costs no websocket. Proves: WI-19."""
    widget = build_widget(as_gateway(gateway), {"shop": SITE}, SECRET, "db1")
    async with Peer(Starlette(routes=widget.routes)) as peer:
        assert not peer.is_accepted


async def test_a_known_origin_is_let_in_and_bound_to_its_site(connect: Connect) -> None:
    """The handshake can only tell that some site allows it. Proves: WI-19."""
    async with connect(origins=(ORIGIN,)) as peer:
        assert peer.is_accepted
        peer.send({"type": "hello", "v": 1, "site": "blog", "cursor": 0})
        assert (await peer.closed()).code == CloseCode.FORBIDDEN
    async with connect(origins=(ORIGIN,)) as peer:
        welcome = await peer.greet(site="shop")
        assert (user_of(welcome)["name"], user_of(welcome)["verified"]) == (None, False)


async def test_an_address_has_ten_sockets(connect: Connect, widget: Widget) -> None:
    """One visitor must not take all places. Proves: WI-17."""
    peers = [connect() for _ in range(10)]
    for peer in peers:
        await peer.__aenter__()
    async with connect() as eleventh:
        assert (await eleventh.closed()).code == CloseCode.RATE
    async with connect(address="192.0.2.2") as another:
        assert await another.greet()
    for peer in peers:
        await peer.__aexit__(None, None, None)
    assert widget.connection_count == 0
    async with connect() as later:
        assert await later.greet()


async def test_hello_is_awaited_for_as_long_as_the_limit_says(gateway: FakeGateway) -> None:
    """The shell winds the clock that the wire asks for. Proves: WI-2."""
    _, app = build(gateway, Limits(hello_s=0.01))
    async with Peer(app) as peer:
        assert (await peer.closed()).code == CloseCode.HEARTBEAT


async def test_heartbeats_come_by_themselves(gateway: FakeGateway) -> None:
    """A client that hears nothing takes the path for dead. Proves: WI-13."""
    _, app = build(gateway, Limits(hb_s=0.01))
    async with Peer(app) as peer:
        welcome = await peer.greet()
        assert welcome["hb_s"] == 0.01
        assert [await peer.next(), await peer.next()] == [{"type": "hb", "n": 1}, {"type": "hb", "n": 2}]


async def test_before_a_restart_everybody_is_told_when_to_come_back(connect: Connect, widget: Widget) -> None:
    """Else all come back at once, and to a gateway that is not there. Proves: WI-25."""
    async with connect() as greeted, connect(address="192.0.2.2") as silent:
        await greeted.greet()
        await widget.drain(reconnect_after_ms=400)
        for peer in (greeted, silent):
            bye = await peer.until("bye")
            assert bye["reason"] == "restart"
            wait_ms = bye["reconnect_after_ms"]
            assert isinstance(wait_ms, int)
            assert 400 <= wait_ms <= 800
            assert (await peer.closed()).code == CloseCode.RESTART
        assert widget.connection_count == 0
    async with connect() as late:
        assert (await late.closed()).code == CloseCode.RESTART
