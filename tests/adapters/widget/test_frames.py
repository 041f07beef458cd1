"""What a peer sends is either a frame of the protocol or one typed error that names what was wrong."""

import contextlib
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.widget.errors import BadFrameError
from adapters.widget.frames import Hello, Ping, Send, parse_frame
from adapters.widget.replies import (
    HISTORY_BYTES,
    render_event,
    render_history,
    render_nack,
    render_time,
)
from agent.ids import MessageId, RunId, SessionId, UserId
from agent.records import Author, JsonObject, JsonValue, Message, RunNote, RunState
from agent.signals import Delta
from tests.adapters.widget.make import hello, send

AT = datetime(2026, 5, 4, 12, 0, 0, 123_456, tzinfo=UTC)
ANN, BOB = UserId("usr_ann"), UserId("usr_bob")
UUID = "0f8fad5b-d9cb-469f-a165-70867728950e"


def parse(frame: JsonValue) -> object:
    return parse_frame(json.dumps(frame))


def without(frame: JsonObject, field: str) -> JsonObject:
    return {name: value for name, value in frame.items() if name != field}


@pytest.mark.parametrize(
    ("frame", "field", "expected"),
    [
        ([], "frame", "a JSON object"),
        ("hello", "frame", "a JSON object"),
        ({}, "type", "the name of a frame"),
        ({"type": "fly"}, "type", "the name of a frame of this protocol"),
        ({"type": 7}, "type", "the name of a frame of this protocol"),
        (without(hello(), "site"), "site", "a value"),
        (without(hello(), "cursor"), "cursor", "a value"),
        (hello(v="1"), "v", "a whole number"),
        (hello(v=True), "v", "a whole number"),
        (hello(site=""), "site", "at least 1 characters"),
        (hello(site="x" * 201), "site", "at most 200 characters"),
        (hello(cursor=-1), "cursor", "at least 0"),
        (hello(cursor=1.5), "cursor", "a whole number"),
        (hello(cursor="3"), "cursor", "a whole number"),
        (hello(cursor=2**60), "cursor", f"at most {2**53}"),
        (hello(token=7), "token", "a string"),
        (hello(epoch=[]), "epoch", "a string"),
        (hello(session_id={}), "session_id", "a string"),
        (hello(name=["Ann"]), "name", "a string"),
        (hello(thread=7), "thread", "a string"),
        (send(text=7), "text", "a string"),  # type: ignore[arg-type]
        (without(send(), "text"), "text", "a value"),
        (send(frame_id="1"), "id", "a UUID"),
        (send(frame_id=UUID + "\n"), "id", "a UUID"),
        (send(attachments="file"), "attachments", "a list"),
        ({"type": "stop"}, "run_id", "a value"),
        ({"type": "history", "before": 0, "limit": 5}, "before", "at least 1"),
        ({"type": "history", "before": 5, "limit": 1000}, "limit", "at most 100"),
        ({"type": "seen", "cursor": None}, "cursor", "a whole number"),
        ({"type": "ping", "n": "x"}, "n", "a whole number"),
        ({"type": "typing", "on": 1}, "on", "true or false"),
        ({"type": "feedback", "id": "a", "message_id": "m", "value": "meh"}, "value", "one of 'up' or 'down'"),
    ],
)
def test_a_wrong_frame_is_told_which_field_and_what_was_expected(frame: JsonValue, field: str, expected: str) -> None:
    """Who writes a client must see what is wrong with it. Proves: WI-14."""
    with pytest.raises(BadFrameError) as bad:
        parse(frame)
    assert (bad.value.field, bad.value.expected) == (field, expected)
    assert str(bad.value) == f"{field}: expected {expected}"


@pytest.mark.parametrize("thread", ["", " a", "~x", "a\u0000b", "x" * 101])
def test_a_wrong_thread_name_is_refused_by_its_field(thread: str) -> None:
    """It would else become part of a session id. Proves: WI-14, WI-24."""
    with pytest.raises(BadFrameError, match="thread: expected 1 to 100 printable"):
        parse(hello(thread=thread))


def test_unknown_fields_are_ignored() -> None:
    """A newer client can talk to an older gateway. Proves: WI-14."""
    assert isinstance(parse(hello(colour="red", nested={"deep": [1]})), Hello)


def test_optional_fields_may_be_null() -> None:
    """JSON has two ways to leave a field out. Proves: WI-14."""
    frame = parse(hello(token=None, session_id=None, thread=None, epoch=None, name=None))
    assert isinstance(frame, Hello)


def test_what_no_store_can_hold_is_replaced() -> None:
    """A lone surrogate or NUL in a text would else fail deep inside, after the ack. Proves: WI-32."""
    frame = parse_frame(json.dumps(send(text="a\ud83db\x00c\U0001f600")))
    assert isinstance(frame, Send)
    assert frame.text == "a\ufffdb\ufffdc\U0001f600"


def test_a_frame_that_can_be_named_is_answered_by_its_id() -> None:
    """The sender else waits for an ack that never comes. Proves: WI-14."""
    with pytest.raises(BadFrameError) as bad:
        parse({"type": "send", "id": "m1"})
    assert bad.value.reply_id == "m1"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
FIELDS = ["v", "site", "token", "session_id", "thread", "cursor", "id", "text", "run_id", "before", "limit", "n", "on"]
TYPES = ["hello", "send", "stop", "seen", "history", "sessions", "refresh", "typing", "ping", "action", "forget"]


def try_parse(text: str) -> None:
    with contextlib.suppress(BadFrameError):
        parse_frame(text)


@given(st.text(max_size=200))
def test_no_text_makes_the_parser_fail_otherwise(text: str) -> None:
    """A peer must not be able to raise what nobody expects. Proves: WI-32."""
    try_parse(text)


@given(st.binary(max_size=200))
def test_no_bytes_make_the_parser_fail_otherwise(data: bytes) -> None:
    """Surrogates and control characters among them. Proves: WI-32."""
    try_parse(data.decode(errors="surrogateescape"))


@given(st.sampled_from(TYPES), st.dictionaries(st.sampled_from(FIELDS), JSON))
def test_no_values_in_known_fields_make_the_parser_fail_otherwise(kind: str, fields: JsonObject) -> None:
    """Nearly right is the hardest to get right. Proves: WI-32."""
    try_parse(json.dumps({**fields, "type": kind}))


@pytest.mark.parametrize(
    "text",
    [
        "[" * 20_000,
        '{"type":"ping","n":' + "9" * 20_000 + "}",
        '{"a":' * 5_000,
        '{"type":"send","x":' + "[" * 900 + "]" * 900 + ',"t":"\\u0000"}',
        '{"type":"ping","n":NaN}',
        '{"type":"ping","n":1e999}',
        '{"type":"ping","n":1}{"type":"ping","n":1}',
        "\ufeff{}",
    ],
)
def test_json_made_to_hurt_is_only_a_bad_frame(text: str) -> None:
    """Depth and size are the usual ways to bring a parser down. Proves: WI-32."""
    with pytest.raises(BadFrameError):
        parse_frame(text)


def test_a_ping_keeps_its_number() -> None:
    """By it the client knows which ping was answered. Proves: WI-13."""
    frame = parse({"type": "ping", "n": 41})
    assert isinstance(frame, Ping)
    assert frame.n == 41


def message(seq: int = 1, text: str = "hi", author: UserId | None = ANN) -> Message:
    return Message(
        session_id=SessionId("web:shop:T-1"),
        seq=seq,
        message_id=MessageId(f"msg_{seq}"),
        role="user" if author else "assistant",
        author=Author(id=author, name="Ann" if author else "Agent"),
        text=text,
        at=AT,
        run_id=None if author else RunId("run_1"),
        client_id=UUID,
    )


def test_a_message_has_the_form_of_the_protocol() -> None:
    """Every field by its name. Proves: WI-8."""
    assert json.loads(render_event(message(), ANN)) == {
        "type": "message",
        "seq": 1,
        "id": "msg_1",
        "client_id": UUID,
        "role": "user",
        "author": {"id": "usr_ann", "name": "Ann"},
        "text": "hi",
        "at": "2026-05-04T12:00:00.123Z",
    }


def test_only_its_author_is_told_a_message_s_key() -> None:
    """Whoever knew the key before could use it up for another text. Proves: WI-27."""
    assert "client_id" not in json.loads(render_event(message(), BOB))


def test_an_answer_says_whose_run_it_was_and_has_no_person_behind_it() -> None:
    """The client joins it to the stream it has seen. Proves: WI-8."""
    frame = json.loads(render_event(message(author=None), ANN))
    assert (frame["run_id"], frame["author"]) == ("run_1", {"id": "", "name": "Agent"})


def test_runs_and_deltas_have_the_form_of_the_protocol() -> None:
    """Short keys for what comes often. Proves: WI-8, WI-10."""
    note = RunNote(
        session_id=SessionId("s"), seq=2, run_id=RunId("run_1"), state=RunState.TOOL, at=AT, label="Looking it up"
    )
    assert json.loads(render_event(note, ANN)) == {
        "type": "run",
        "seq": 2,
        "run_id": "run_1",
        "state": "tool",
        "label": "Looking it up",
    }
    delta = Delta(run_id=RunId("run_1"), offset=4, text="é…")
    assert render_event(delta, ANN) == '{"type":"d","r":"run_1","o":4,"x":"é…"}'


def test_history_says_whether_there_is_more() -> None:
    """One message more than asked for is loaded to know it. Proves: WI-12."""
    three = [message(1), message(2), message(3)]
    page = json.loads(render_history(three, ANN, 2))
    assert [one["seq"] for one in page["messages"]] == [2, 3]
    assert page["has_more"] is True
    assert json.loads(render_history(three, ANN, 3))["has_more"] is False
    assert json.loads(render_history([], ANN, 3)) == {"type": "history", "messages": [], "has_more": False}


def test_a_page_of_history_has_a_bounded_size() -> None:
    """A hundred long answers would else be megabytes in one frame. Proves: WI-12."""
    long = [message(seq, "ü" * 50_000) for seq in range(1, 6)]
    page = render_history(long, ANN, 5)
    assert len(page.encode()) <= HISTORY_BYTES + 100
    assert [one["seq"] for one in json.loads(page)["messages"]] == [4, 5]
    assert json.loads(page)["has_more"] is True
    giant = json.loads(render_history([message(1, "x" * HISTORY_BYTES)], ANN, 5))
    assert len(giant["messages"]) == 1


def test_a_nack_is_final_unless_it_says_when_to_try_again() -> None:
    """The client keeps or gives up the message by it. Proves: WI-7."""
    assert "retry_after" not in json.loads(render_nack("i", "conflict", "no"))
    assert json.loads(render_nack("i", "rate", "no", 0.51234))["retry_after"] == 0.51


def test_times_are_utc_to_the_millisecond() -> None:
    """Browsers parse this form. Proves: WI-8."""
    assert render_time(AT.replace(microsecond=0)) == "2026-05-04T12:00:00.000Z"
