"""The protocol's state machine: no socket, no clock, no waiting."""

import json
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.widget.codes import CloseCode, fit_reason
from adapters.widget.commands import (
    Accept,
    Close,
    Command,
    Greet,
    ListSessions,
    LoadHistory,
    MarkSeen,
    RedeemCode,
    Say,
    StopRun,
)
from adapters.widget.door import Visitor
from adapters.widget.limits import Limits, Quotas
from adapters.widget.wire import Wire
from agent.ids import RunId, SessionId
from agent.records import JsonObject
from tests.adapters.widget.make import ORIGIN, at, dump, hello, make_wire, send

SESSION = SessionId("web:demo:x")
PING: JsonObject = {"type": "ping", "n": 1}


def greeted(limits: Limits | None = None, quotas: Quotas | None = None) -> Wire:
    """A connection of a visitor on the demo site, welcomed at second 0."""
    wire = make_wire(limits, quotas=quotas)
    wire.receive(dump(hello()), at(0))
    assert wire.greeted(SESSION, None, at(0)) == []
    return wire


def said(commands: Iterable[Command]) -> list[JsonObject]:
    return [json.loads(one.text) for one in commands if isinstance(one, Say)]


def only_close(commands: list[Command]) -> CloseCode:
    (close,) = commands
    assert isinstance(close, Close)
    return close.code


def test_hello_is_greeted_with_what_it_proved() -> None:
    """Everything after rests on who it is. Proves: WI-2, WI-3."""
    (greet,) = make_wire().receive(dump(hello()), at(1))
    assert isinstance(greet, Greet)
    assert isinstance(greet.admitted.bearer, Visitor)
    assert greet.admitted.bearer.fresh_token is not None


@pytest.mark.parametrize("frame", [PING, send(), {"type": "sessions"}, {"type": "forget", "id": "1"}])
def test_nothing_comes_before_hello(frame: JsonObject) -> None:
    """Nobody is known yet. Proves: WI-2."""
    assert only_close(make_wire().receive(dump(frame), at(0))) is CloseCode.BAD_FRAME


@pytest.mark.parametrize("data", ["", "{", "[]", b"\x00", '{"type":"hello"}', dump(hello(cursor="x"))])
def test_a_first_frame_that_is_no_hello_ends_it(data: str | bytes) -> None:
    """Whoever speaks like this speaks another protocol. Proves: WI-2, WI-14."""
    assert only_close(make_wire().receive(data, at(0))) is CloseCode.BAD_FRAME


@pytest.mark.parametrize("frame", [hello(v=2), {"type": "hello", "v": 3, "who": "?"}, hello(v=0)])
def test_another_version_is_told_so_whatever_its_hello_holds(frame: JsonObject) -> None:
    """A newer client must learn that the gateway is older, not that it is wrong. Proves: WI-1."""
    assert only_close(make_wire().receive(dump(frame), at(0))) is CloseCode.VERSION


def test_hello_is_due_in_five_seconds() -> None:
    """An open socket that says nothing costs a place. The client may try again. Proves: WI-2."""
    wire = make_wire()
    assert wire.deadline_s == at(5).monotonic_s
    assert wire.tick(at(4.9)) == []
    assert only_close(wire.tick(at(5))) is CloseCode.HEARTBEAT
    assert wire.receive(dump(hello()), at(5)) == []


def test_an_origin_that_only_another_site_allows_is_forbidden() -> None:
    """Before hello nobody could know which site is meant. Proves: WI-19."""
    for site, origin in [("blog", ORIGIN), ("demo", ORIGIN), ("shop", None), ("nowhere", ORIGIN)]:
        wire = make_wire(origin=origin)
        assert only_close(wire.receive(dump(hello(site=site)), at(0))) is CloseCode.FORBIDDEN


def test_a_bad_token_ends_it_with_4401() -> None:
    """The client then asks the page for a new one. Proves: WI-20."""
    wire = make_wire(origin=ORIGIN)
    assert only_close(wire.receive(dump(hello(site="shop", token="")), at(0))) is CloseCode.TOKEN


def test_a_thread_and_a_session_at_once_are_refused() -> None:
    """They could name two conversations. Proves: WI-4."""
    frame = hello(thread="x", session_id="web:demo:y")
    assert only_close(make_wire().receive(dump(frame), at(0))) is CloseCode.BAD_FRAME


def test_frames_that_come_before_the_welcome_wait_for_it() -> None:
    """A client may send at once; its messages need the conversation to be known. Proves: WI-2."""
    wire = make_wire()
    first, second = send("one"), send("two")
    wire.receive(dump(hello()), at(0))
    assert wire.receive(dump(first), at(0)) == []
    assert wire.receive(dump(second), at(0)) == []
    assert wire.greeted(SESSION, None, at(1)) == [Accept(str(first["id"]), "one"), Accept(str(second["id"]), "two")]


def test_not_many_frames_wait_for_the_welcome() -> None:
    """Everything is bounded. Proves: WI-16."""
    wire = make_wire()
    wire.receive(dump(hello()), at(0))
    for _ in range(32):
        assert wire.receive(dump(PING), at(0)) == []
    assert only_close(wire.receive(dump(PING), at(0))) is CloseCode.RATE


def test_frames_that_ask_the_gateway_become_work() -> None:
    """Each by its own command. Proves: WI-11, WI-12."""
    wire = greeted()
    assert wire.receive(dump({"type": "stop", "run_id": "run_1"}), at(1)) == [StopRun(RunId("run_1"))]
    assert wire.receive(dump({"type": "history", "before": 9, "limit": 4}), at(1)) == [LoadHistory(9, 4)]
    assert wire.receive(dump({"type": "sessions", "limit": 3}), at(1)) == [ListSessions(3)]
    assert wire.receive(dump({"type": "seen", "cursor": 7}), at(1)) == [MarkSeen(7)]
    assert wire.receive(dump({"type": "typing", "on": True}), at(1)) == []


def test_a_ping_is_answered_at_once() -> None:
    """It asks whether the path lives, not whether the database does. Proves: WI-13."""
    assert said(greeted().receive(dump({"type": "ping", "n": 7}), at(1))) == [{"type": "pong", "n": 7}]


def test_a_heartbeat_goes_out_every_25_seconds() -> None:
    """A browser's script cannot see the websocket's own pings. Proves: WI-13."""
    wire = greeted()
    assert wire.deadline_s == at(25).monotonic_s
    assert wire.tick(at(24.9)) == []
    assert said(wire.tick(at(25))) == [{"type": "hb", "n": 1}]
    assert wire.deadline_s == at(50).monotonic_s
    assert said(wire.tick(at(50.5))) == [{"type": "hb", "n": 2}]


def test_a_peer_that_says_nothing_for_half_an_hour_is_let_go() -> None:
    """It may come back at any time. Proves: WI-29."""
    wire = greeted(Limits(idle_s=60.0))
    wire.receive(dump(PING), at(10))
    assert said(wire.tick(at(69)))
    assert only_close(wire.tick(at(70))) is CloseCode.IDLE


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (send(" \n\t "), "empty"),
        (send(""), "empty"),
        (send("x" * 4001), "too_long"),
        (send("\U0001f600" * 4001), "too_long"),
        ({"type": "action", "id": "a", "name": "starter", "value": " "}, "empty"),
    ],
)
def test_a_message_that_cannot_be_taken_is_refused_for_good(frame: JsonObject, code: str) -> None:
    """Nothing is cut or dropped in silence, and a long paste is no misbehaviour. Proves: WI-15."""
    wire = greeted()
    for _ in range(10):
        (nack,) = said(wire.receive(json.dumps(frame, ensure_ascii=False), at(1)))
        assert (nack["type"], nack["id"], nack["code"]) == ("nack", frame["id"], code)
        assert "retry_after" not in nack


def test_four_thousand_characters_are_taken() -> None:
    """Characters as people count them, not UTF-16 units. Proves: WI-15."""
    frame = send("\U0001f600" * 2_000 + "x" * 2_000)
    (accept,) = greeted().receive(json.dumps(frame, ensure_ascii=False), at(1))
    assert isinstance(accept, Accept)


def test_the_21st_message_in_ten_seconds_is_to_be_tried_again() -> None:
    """Refused for now, not for good. Proves: WI-7, WI-16."""
    wire = greeted()
    for _ in range(20):
        assert isinstance(wire.receive(dump(send()), at(1))[0], Accept)
    (nack,) = said(wire.receive(dump(send()), at(4)))
    assert (nack["code"], nack["retry_after"]) == ("rate", 7.0)
    assert isinstance(wire.receive(dump(send()), at(11))[0], Accept)


def test_the_limit_holds_across_sockets_of_a_session() -> None:
    """A second tab is no second share. Proves: WI-16."""
    quotas = Quotas(Limits())
    one, other = greeted(quotas=quotas), greeted(quotas=quotas)
    for _ in range(10):
        one.receive(dump(send()), at(1))
        other.receive(dump(send()), at(1))
    assert said(one.receive(dump(send()), at(1)))[0]["code"] == "rate"


def test_a_flood_of_frames_ends_it() -> None:
    """A busy client is not that busy. Proves: WI-16."""
    wire = greeted()
    for _ in range(299):
        wire.receive(dump(PING), at(1))
    assert only_close(wire.receive(dump(PING), at(1))) is CloseCode.RATE


def test_the_fifth_bad_frame_ends_it() -> None:
    """Four are mistakes and are explained, five are a habit. Proves: WI-14."""
    wire = greeted()
    for data in ("{", b"\x00", '{"type":"fly"}', dump(hello())):
        (error,) = said(wire.receive(data, at(1)))
        assert (error["type"], error["code"], error["fatal"]) == ("error", "bad_frame", False)
    error_said, close = wire.receive("[]", at(1))
    assert said([error_said])[0]["message"] == "frame: expected a JSON object"
    assert only_close([close]) is CloseCode.TOO_MANY_BAD_FRAMES


def test_a_bad_frame_with_an_id_is_refused_by_that_id() -> None:
    """The sender else waits for its ack. Proves: WI-14."""
    (nack,) = said(greeted().receive('{"type":"send","id":"m1","text":1}', at(1)))
    assert (nack["type"], nack["id"], nack["message"]) == ("nack", "m1", "id: expected a UUID")


def test_a_frame_over_32_kib_is_bad() -> None:
    """By its bytes, however few its characters. Proves: WI-15."""
    fits = dump(PING | {"pad": ""})
    pad = 32 * 1024 - len(fits)
    assert said(greeted().receive(dump(PING | {"pad": "x" * pad}), at(1)))[0]["type"] == "pong"
    for large in ("x" * (pad + 1), "ü" * (pad // 2 + 1)):
        text = json.dumps(PING | {"pad": large}, ensure_ascii=False)
        assert said(greeted().receive(text, at(1)))[0]["message"] == "frame: expected at most 32768 bytes"


def test_a_message_in_too_large_a_frame_is_refused_by_its_id() -> None:
    """The sender would else send it again and again. Proves: WI-15."""
    frame = send("x" * 40_000)
    (nack,) = said(greeted().receive(dump(frame), at(1)))
    assert (nack["type"], nack["id"]) == ("nack", frame["id"])


def test_after_the_close_nothing_counts() -> None:
    """What was under way when it was closed must not be half done. Proves: WI-14."""
    wire = greeted()
    wire.close(CloseCode.RESTART, "restart")
    assert wire.receive(dump(send()), at(1)) == []
    assert wire.tick(at(10_000)) == []
    assert wire.greeted(SESSION, None, at(1)) == []
    assert wire.deadline_s == float("inf")


@pytest.mark.parametrize(
    "text",
    ["link ABCDE-23456", "link abcde-fghjk", "/parley link abcde23456", " /link ABCDE23456 ", "LINK ABCDEFGHJK"],
)
def test_a_code_that_is_said_is_for_the_gateway(text: str) -> None:
    """It must not reach the agent, nor stand in the history. Proves: ID-3."""
    frame = send(text)
    assert greeted().receive(dump(frame), at(1)) == [RedeemCode(str(frame["id"]), text.split()[-1], is_said=True)]


@pytest.mark.parametrize(
    "text", ["link hello world", "Link start pages", "link afterwards", "link ILOVE-YOU01", "please link ABCDE-23456"]
)
def test_a_sentence_that_only_begins_like_a_code_is_a_message(text: str) -> None:
    """What people write is stored and answered. Proves: WI-5."""
    frame = send(text)
    assert greeted().receive(dump(frame), at(1)) == [Accept(str(frame["id"]), text)]


def test_a_code_with_a_file_is_a_message() -> None:
    """The file would be lost. Proves: WI-5."""
    frame = send("link ABCDE-23456", attachments=[{"id": "file_1"}])
    assert greeted().receive(dump(frame), at(1)) == [Accept(str(frame["id"]), "link ABCDE-23456", ("file_1",))]


@given(st.lists(st.text(max_size=50) | st.binary(max_size=20), max_size=12))
def test_no_frames_bring_the_machine_down(frames: list[str | bytes]) -> None:
    """Before and after hello, whatever they are. Proves: WI-32."""
    for wire in (make_wire(), greeted()):
        for frame in frames:
            commands = wire.receive(frame, at(1))
            assert all(isinstance(one, Say | Close) for one in commands)


@given(st.text(max_size=300))
def test_a_close_reason_always_fits(reason: str) -> None:
    """A longer one would raise where nobody expects it. Proves: WI-32."""
    assert len(fit_reason(reason).encode()) <= 123
