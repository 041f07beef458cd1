"""A connection is as good as its token, from the first to the last."""

import json
from collections.abc import Iterable

import pytest

from adapters.widget.codes import CloseCode
from adapters.widget.commands import Close, Command, Greet, Say
from adapters.widget.tokens import Claims
from adapters.widget.wire import Wire
from agent.ids import SessionId
from agent.records import JsonObject
from tests.adapters.widget.make import ORIGIN, at, dump, hello, make_wire, send, site_token


def said(commands: Iterable[Command]) -> list[JsonObject]:
    return [json.loads(one.text) for one in commands if isinstance(one, Say)]


def only_close(commands: list[Command]) -> CloseCode:
    (close,) = commands
    assert isinstance(close, Close)
    return close.code


def known(thread: str | None = None, **claims: object) -> Wire:
    """A connection of Ann, whom the site `shop` knows, welcomed at second 0."""
    wire = make_wire(origin=ORIGIN)
    (greet,) = wire.receive(dump(hello(site="shop", token=site_token(**claims))), at(0))  # type: ignore[arg-type]
    assert isinstance(greet, Greet)
    assert isinstance(greet.admitted.bearer, Claims)
    wire.greeted(SessionId("web:shop:x"), thread, at(0))
    return wire


def refresh(token: str) -> str:
    return dump({"type": "refresh", "token": token})


def test_a_connection_lasts_as_long_as_its_token() -> None:
    """Who is no longer vouched for is no longer let in. Proves: WI-28."""
    wire = known()
    wire.receive(dump({"type": "ping", "n": 1}), at(600))
    assert said(wire.tick(at(604.9)))[0]["type"] == "hb"
    assert wire.deadline_s <= at(605).monotonic_s
    assert only_close(wire.tick(at(605))) is CloseCode.TOKEN


def test_a_fresh_token_of_the_same_person_prolongs_it() -> None:
    """The page renews it before it expires. Proves: WI-28."""
    wire = known()
    assert wire.receive(refresh(site_token(at(500).unix_s)), at(500)) == []
    assert said(wire.tick(at(605)))[0]["type"] == "hb"
    assert only_close(wire.tick(at(1105))) is CloseCode.TOKEN


@pytest.mark.parametrize("token", ["", "nonsense", site_token(sub="bob"), site_token(exp=1, iat=0)])
def test_a_token_of_another_or_of_nobody_ends_it(token: str) -> None:
    """Another person on the same browser starts afresh. Proves: WI-28."""
    assert only_close(known().receive(refresh(token), at(1))) is CloseCode.TOKEN


def test_what_came_after_a_bad_token_does_not_count() -> None:
    """Also if both came before the welcome. Proves: WI-28."""
    wire = make_wire(origin=ORIGIN)
    wire.receive(dump(hello(site="shop", token=site_token())), at(0))
    wire.receive(refresh("nonsense"), at(0))
    wire.receive(dump(send()), at(0))
    assert only_close(wire.greeted(SessionId("web:shop:x"), None, at(0))) is CloseCode.TOKEN


def test_a_fresh_token_without_the_thread_shuts_it() -> None:
    """The site took the person off the ticket. Proves: WI-24, WI-28."""
    wire = known("T-1", threads=["T-1"])
    assert wire.receive(refresh(site_token(threads=["T-1", "T-2"])), at(1)) == []
    assert only_close(wire.receive(refresh(site_token(threads=["T-2"])), at(2))) is CloseCode.NOT_FOUND
