"""What strangers and broken networks send: the door stays shut, and nothing that was acked is lost."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlencode

import httpx2
import pytest
from starlette.applications import Starlette
from structlog.testing import capture_logs

from adapters.slack.door import Door
from adapters.slack.http import build_route
from adapters.slack.inbox import Intake
from adapters.slack.payloads import parse_event
from adapters.slack.records import Said
from adapters.slack.sharing import KNOWN_S, Pins
from adapters.slack.signature import BODY_LIMIT_BYTES, sign
from agent.errors import StoreUnavailableError
from agent.records import JsonObject

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
NOW_S = 1_800_000_000
Post = Callable[..., Awaitable[httpx2.Response]]


class FakeInbox:
    """Keeps what is written down; while `is_away` it takes nothing."""

    def __init__(self) -> None:
        self.received: dict[str, tuple[str, tuple[str, str] | None]] = {}
        self.is_away = False

    async def receive(self, **delivery: Any) -> tuple[int, bool] | None:
        """Never to be taken in now."""
        if self.is_away:
            raise StoreUnavailableError("away")
        if delivery["event_id"] in self.received:
            return None
        self.received[delivery["event_id"]] = (delivery["kind"], delivery["decision"])
        return len(self.received), False


class FakeShared:
    """No conversation is shared."""

    async def pin(self, conversation: str, installation: str, team: str, bot_user: str | None) -> Any:
        """Whoever asks. An index takes no long names."""
        assert len(conversation + installation) < 2_000
        return installation, team, bot_user

    async def find(self, conversation: str) -> None:
        """Nobody's."""


def event(**fields: Any) -> JsonObject:
    """An Events API body."""
    inner = {"type": "message", "channel": "C1", "user": "U1", "ts": "1.1", "text": "hi", **fields}
    return {
        "type": "event_callback",
        "event_id": "Ev1",
        "team_id": "T1",
        "api_app_id": "A1",
        "authorizations": [{"team_id": "T1", "user_id": "UBOT", "is_bot": True}],
        "event": inner,
    }


@asynccontextmanager
async def open_door() -> AsyncIterator[tuple[FakeInbox, Post]]:
    """The route in process, with a clock that stands."""
    inbox = FakeInbox()

    async def handle(_: object) -> Any:
        raise AssertionError("nothing is taken in here")

    door = Door(Intake(inbox, handle, 30.0), None, None, None, None, Pins(FakeShared()), None)  # type: ignore[arg-type]
    app = Starlette(routes=[build_route(door, SECRET, lambda: NOW_S)])
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://gateway") as client:

        async def post(
            body: bytes, *, at: str = str(NOW_S), signature: str | None = None, kind: str = "application/json"
        ) -> httpx2.Response:
            headers: dict[bytes, bytes] = {
                b"X-Slack-Request-Timestamp": at.encode("latin-1"),
                b"X-Slack-Signature": (sign(SECRET, at, body) if signature is None else signature).encode("latin-1"),
                b"Content-Type": kind.encode(),
            }
            return await client.post("/slack/events", content=body, headers=headers)

        yield inbox, post


BODY = json.dumps(event()).encode()
GOOD = sign(SECRET, str(NOW_S), BODY)
FORGED = {
    "none": {"signature": ""},
    "of another secret": {"signature": sign("x" * 32, str(NOW_S), BODY)},
    "of another body": {"signature": sign(SECRET, str(NOW_S), BODY + b" ")},
    "of another time": {"signature": sign(SECRET, str(NOW_S - 1), BODY)},
    "cut": {"signature": GOOD[:-1]},
    "longer": {"signature": GOOD + "0"},
    "in capitals": {"signature": GOOD.upper()},
    "of another version": {"signature": "v1=" + GOOD[3:]},
    "bare": {"signature": GOOD[3:]},
    "not ASCII": {"signature": "v0=\u00e9"},
    "too old": {"at": str(NOW_S - 301)},
    "too new": {"at": str(NOW_S + 301)},
    "no time": {"at": ""},
    "a time in words": {"at": "now"},
    "a negative time": {"at": "-1"},
    "a time with a fraction": {"at": f"{NOW_S}.0"},
    "a time with a sign": {"at": f"+{NOW_S}"},
    "a huge time": {"at": "9" * 40},
    "infinity": {"at": "inf"},
    "a time in other digits": {"at": "\u0661".encode().decode("latin-1")},
}


@pytest.mark.parametrize("how", FORGED)
async def test_what_is_not_signed_by_slack_gets_401_and_no_word(how: str) -> None:
    """Nothing is parsed before the signature is right. Proves: SL-1."""
    async with open_door() as (inbox, post):
        response = await post(BODY, **FORGED[how])
        assert (response.status_code, response.content) == (401, b"")
        assert inbox.received == {}


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b"[" * 100_000, b'{"a":' * 100_000, b""])
async def test_an_unsigned_body_is_not_even_looked_at(body: bytes) -> None:
    """Broken JSON without a signature is a stranger's, not a fault of ours. Proves: SL-1."""
    async with open_door() as (_, post):
        assert (await post(body, signature="v0=00")).status_code == 401


BROKEN = {
    "no JSON": b"{",
    "a list": b"[]",
    "a number": b"1",
    "not UTF-8": b"\xff\xfe{}",
    "nothing": b"",
    "deeply nested": b"[" * 100_000 + b"]" * 100_000,
    "deeply nested objects": b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
    "no event": b'{"type": "event_callback"}',
    "no team": b'{"type": "event_callback", "event_id": "E", "event": {"type": "message"}}',
    "a message without a channel": json.dumps({**event(), "event": {"type": "message", "ts": "1"}}).encode(),
    "an unknown outer type": b'{"type": "surprise"}',
    "an event that is a list": json.dumps({**event(), "event": []}).encode(),
}


@pytest.mark.parametrize("how", BROKEN)
async def test_what_slack_signed_but_nobody_understands_gets_400(how: str) -> None:
    """Never a 5xx, which Slack would send again and again. Proves: SL-1."""
    async with open_door() as (inbox, post):
        response = await post(BROKEN[how])
        assert (response.status_code, response.content) == (400, b"")
        assert inbox.received == {}


@pytest.mark.parametrize("body", [b"payload=%7B", b"payload=[]", b"\xff=1", b"payload=%FF", b"a=1"])
async def test_a_broken_form_gets_400(body: bytes) -> None:
    """Interactions come as forms. Proves: SL-1."""
    async with open_door() as (_, post):
        assert (await post(body, kind="application/x-www-form-urlencoded")).status_code == 400


LONG = "C" + "1" * 9_000
COMMAND = {
    "command": "/parley",
    "text": "link",
    "team_id": "T1",
    "channel_id": "C1",
    "user_id": "U1",
    "trigger_id": "1",
}
CLICK: JsonObject = {
    "type": "block_actions",
    "trigger_id": "1",
    "team": {"id": "T1"},
    "user": {"id": "U1"},
    "channel": {"id": "C1"},
    "message": {"ts": "1.1"},
    "actions": [{"action_id": "a"}],
}
SHORTCUT: JsonObject = {
    **CLICK,
    "type": "message_action",
    "message": {"ts": "1.1", "user": "U2", "team": "T1", "text": "x"},
}
FORM: JsonObject = {**CLICK, "type": "view_submission", "view": {"callback_id": "x"}}
ODD: dict[str, JsonObject] = {
    "an event of a shared conversation": {**event(channel=LONG), "is_ext_shared_channel": True},
    "an event of a company": {**event(), "authorizations": [{"team_id": LONG}]},
    "a stop": event(type="agent_session_stopped", streaming_message_ts=[LONG]),
    "a command's user": {**COMMAND, "user_id": LONG},
    "a command's conversation": {**COMMAND, "channel_id": LONG},
    "a command's trigger": {**COMMAND, "trigger_id": LONG},
    "a command of nobody": {**COMMAND, "user_id": ""},
    "a click's message": {**CLICK, "message": {"ts": LONG}},
    "a click's action": {**CLICK, "actions": [{"action_id": LONG}]},
    "a click of nobody": {**CLICK, "user": {}},
    "a shortcut's author": {**SHORTCUT, "message": {"ts": "1.1", "user": LONG}},
    "a shortcut's author's company": {**SHORTCUT, "message": {"ts": "1.1", "team": LONG}},
    "a form of nobody": {**FORM, "user": {}},
    "a form's sender": {**FORM, "user": {"id": LONG}},
}


@pytest.mark.parametrize("how", ODD)
async def test_ids_that_are_none_get_400_before_anything_is_looked_up(how: str) -> None:
    """No index takes them, and an account without a name would be everybody's. Proves: SL-1."""
    async with open_door() as (inbox, post):
        body = ODD[how]
        is_form = body.get("type") != "event_callback"
        fields = body if "command" in body else {"payload": json.dumps(body)}
        sent = urlencode(fields).encode() if is_form else json.dumps(body).encode()
        response = await post(sent, kind="application/x-www-form-urlencoded" if is_form else "application/json")
        assert (response.status_code, inbox.received) == (400, {})


async def test_slack_may_say_that_it_holds_events_back() -> None:
    """It asks for nothing but the ack. Proves: SL-2."""
    async with open_door() as (_, post):
        body = {"token": "x", "type": "app_rate_limited", "team_id": "T1", "minute_rate_limited": 1, "api_app_id": "A1"}
        with capture_logs() as logs:
            assert (await post(json.dumps(body).encode())).status_code == 200
        assert [(entry["event"], entry["team"]) for entry in logs] == [("slack_holds_events_back", "T1")]


async def test_a_form_is_one_however_its_kind_is_written() -> None:
    """Names of media types have no case. Proves: SL-1."""
    async with open_door() as (_, post):
        sent = await post(b"ssl_check=1", kind="Application/X-WWW-Form-UrlEncoded; charset=utf-8")
        assert sent.status_code == 200


async def test_a_body_over_one_mebibyte_gets_413() -> None:
    """Slack sends none such. Proves: SL-1."""
    async with open_door() as (_, post):
        assert (await post(b" " * (BODY_LIMIT_BYTES + 1))).status_code == 413


async def test_a_request_five_minutes_old_is_taken() -> None:
    """Clocks differ, and networks are slow. Proves: SL-1."""
    async with open_door() as (inbox, post):
        for at in (NOW_S - 300, NOW_S + 300):
            assert (await post(BODY, at=str(at))).status_code == 200
        assert list(inbox.received) == ["Ev1"]


async def test_slack_is_told_that_the_address_is_ours() -> None:
    """Slack asks once, when the address is entered. Proves: SL-2."""
    async with open_door() as (_, post):
        response = await post(b'{"type": "url_verification", "challenge": "abc"}')
        assert (response.status_code, response.json()) == (200, {"challenge": "abc"})


async def test_every_event_type_is_acked_and_on_record() -> None:
    """One that is not acked comes again, and too many of those switch the app off. Proves: SL-2."""
    async with open_door() as (inbox, post):
        body = {**event(), "event": {"type": "emoji_changed"}}
        assert (await post(json.dumps(body).encode())).status_code == 200
        assert inbox.received == {"Ev1": ("emoji_changed", ("ignored", "nothing is done about this event"))}


async def test_nothing_is_acked_while_it_cannot_be_written_down() -> None:
    """Slack sends it again. Proves: SL-3."""
    async with open_door() as (inbox, post):
        inbox.is_away = True
        assert (await post(BODY)).status_code == 503
        inbox.is_away = False
        assert (await post(BODY)).status_code == 200
        assert list(inbox.received) == ["Ev1"]


async def test_a_retry_is_not_dropped_for_being_one() -> None:
    """The first try may never have arrived. Proves: SL-3."""
    async with open_door() as (inbox, post):
        assert (await post(BODY)).status_code == 200
        assert (await post(BODY)).status_code == 200
        assert len(inbox.received) == 1


async def test_a_shared_conversation_that_another_process_freed_is_looked_up_anew() -> None:
    """One process alone hears that a company removed the app. Proves: SL-32."""

    class Kept(FakeShared):
        owner = "T1"

        async def pin(self, conversation: str, installation: str, team: str, bot_user: str | None) -> Any:
            return self.owner, self.owner, bot_user

    shared, now_s = Kept(), [0.0]
    pins = Pins(shared, lambda: now_s[0])
    told = parse_event({**event(), "is_ext_shared_channel": True, "authorizations": [{"team_id": "T9"}]})
    assert isinstance(told, Said)
    assert (await pins.settle(told)).origin.installation == "T1"
    shared.owner = "T2"
    assert (await pins.settle(told)).origin.installation == "T1"
    now_s[0] += KNOWN_S
    assert (await pins.settle(told)).origin.installation == "T2"
