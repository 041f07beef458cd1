"""Where websockets are blocked the same conversation goes by server-sent events and POST."""

import asyncio
import json

import httpx2
import pytest
from starlette.applications import Starlette

from adapters.widget.codes import CloseCode
from adapters.widget.limits import Limits
from adapters.widget.routes import Widget
from agent.errors import StoreUnavailableError
from agent.handoffs import SessionMode
from agent.records import Audience, JsonObject, JsonValue, RunState
from tests.adapters.widget.conftest import build
from tests.adapters.widget.make import ORIGIN, hello, send
from tests.adapters.widget.peer import WAIT_S, user_of
from tests.adapters.widget.stream import Stream
from tests.adapters.widget.test_tokens import FORGED
from tests.support.fake_gateway import FakeGateway

X = "web:demo:x"


@pytest.fixture
def app(widget_and_app: tuple[Widget, Starlette]) -> Starlette:
    return widget_and_app[1]


async def post(
    app: Starlette, session_id: JsonValue, token: JsonValue, frame: JsonObject | str | bytes, **more: str
) -> httpx2.Response:
    """One frame up. `more` are headers, or `name`."""
    params = {"session_id": str(session_id)} | ({"name": more.pop("name")} if "name" in more else {})
    headers = {"authorization": f"Bearer {token}"} if token is not None else {}
    content = frame if isinstance(frame, str | bytes) else json.dumps(frame)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://localhost:8080") as client:
        return await client.post("/widget/frames", params=params, headers=headers | more, content=content)


async def test_a_conversation_goes_down_the_stream_and_up_by_posts(app: Starlette, gateway: FakeGateway) -> None:
    """Some networks let no websocket through. Proves: WI-35."""
    async with Stream(app, hello(thread="x", name="Ann")) as stream:
        assert (stream.status, stream.headers["content-type"]) == (200, "text/event-stream")
        kind, mark, welcome = await stream.next()
        assert (kind, mark, welcome["type"]) == (None, None, "welcome")
        message = send("hi")
        answer = await post(app, welcome["session_id"], welcome["token"], message, name="Ann")
        assert answer.json() == [{"type": "ack", "id": message["id"], "seq": 1, "message_id": "msg_1"}]
        kind, mark, frame = await stream.next()
        assert (mark, frame["text"], frame["client_id"]) == ("1", "hi", message["id"])
        assert frame["author"] == {"id": user_of(welcome)["id"], "name": "Ann"}
        gateway.note(X, "run_1", RunState.STREAMING)
        assert (await stream.next())[1] == "2"
        gateway.hand_over(X, SessionMode.WAITING)
        assert (await stream.next())[1] == "3"
        gateway.stream(X, "run_1", "Hel")
        assert await stream.next() == (None, None, {"type": "d", "r": "run_1", "o": 0, "x": "Hel"})


async def test_the_stream_goes_on_after_the_last_event_id(app: Starlette, gateway: FakeGateway) -> None:
    """The log is the same, and so is the cursor. Proves: WI-35, WI-8."""
    gateway.put_session(X, Audience.SHARED)
    for text in "abc":
        gateway.say(X, text)
    async with Stream(app, hello(thread="x")) as stream:
        first = await stream.until("welcome")
    async with Stream(app, hello(thread="x", epoch=first["epoch"]), last_event_id="2") as stream:
        again = await stream.until("welcome")
        assert (again["resumed"], again["cursor"]) == (True, 2)
        assert (await stream.next())[2]["text"] == "c"


async def test_posts_ask_whatever_a_websocket_may_ask(app: Starlette, gateway: FakeGateway) -> None:
    """Each is answered where it was asked. Proves: WI-35."""
    async with Stream(app, hello(thread="x")) as stream:
        welcome = await stream.until("welcome")

        async def ask(frame: JsonObject | str) -> list[JsonObject]:
            answer = await post(app, welcome["session_id"], welcome["token"], frame)
            found: list[JsonObject] = answer.json()
            return found

        assert await ask({"type": "ping", "n": 3}) == [{"type": "pong", "n": 3}]
        assert await ask({"type": "stop", "run_id": "run_1"}) == []
        assert await ask({"type": "history", "before": 9, "limit": 1}) == [
            {"type": "history", "messages": [], "has_more": False}
        ]
        (nack,) = await ask(send("x" * 4001))
        assert nack["code"] == "too_long"
        (error,) = await ask("{")
        assert error["message"] == "frame: expected a JSON object"
    assert gateway.stopped == [(X, "run_1")]


async def test_a_conversation_that_is_not_theirs_takes_no_post(app: Starlette, gateway: FakeGateway) -> None:
    """The session in the address is a claim, the token the proof. Proves: WI-23, WI-35."""
    async with Stream(app, hello()) as ann, Stream(app, hello()) as bob:
        mine, other = await ann.until("welcome"), await bob.until("welcome")
    for session_id in (mine["session_id"], "web:shop:T-1", "web:demo:~x", "slack:a:b:c", "", "web::x", "x:y:z"):
        answer = await post(app, session_id, other["token"], send())
        assert answer.status_code in {400, 401, 403, 404}
        assert set(answer.json()) == {"code", "reason"}
    assert gateway.inbounds == []


@pytest.mark.parametrize("name", [name for name in FORGED if name != "not ASCII"])
async def test_forged_tokens_get_401_both_ways(app: Starlette, name: str) -> None:
    """Never 5xx, and never in. Proves: WI-20, WI-35."""
    token = FORGED[name]()
    answer = await post(app, "web:shop:T-1", token, send(), origin=ORIGIN)
    assert (answer.status_code, answer.json()["code"]) == (401, CloseCode.TOKEN)
    async with Stream(app, hello(site="shop"), authorization=f"Bearer {token}", origin=ORIGIN) as stream:
        assert stream.status == 401
        assert (await stream.body())["code"] == CloseCode.TOKEN


async def test_without_a_token_nothing_is_posted(app: Starlette, gateway: FakeGateway) -> None:
    """Each such post would else be another new visitor. Proves: WI-35."""
    assert (await post(app, X, None, send())).status_code == 401
    assert (await post(app, X, None, send(), authorization="Basic YTpi")).status_code == 401
    assert gateway.inbounds == []


async def test_a_token_in_the_address_does_not_count(app: Starlette) -> None:
    """Addresses are logged. Proves: WI-35."""
    async with Stream(app, hello(site="shop", token="nonsense"), origin=ORIGIN) as stream:
        welcome = await stream.until("welcome")
    assert user_of(welcome)["verified"] is False


@pytest.mark.parametrize("text", ["", "{", "[]", '"x"', json.dumps(hello(cursor="x")), "[" * 5_000])
async def test_a_bad_hello_gets_400(app: Starlette, text: str) -> None:
    """With the field and what was expected. Proves: WI-14, WI-35."""
    async with Stream(app, text) as stream:
        assert stream.status == 400
        body = await stream.body()
        assert body["code"] == CloseCode.BAD_FRAME
        assert "expected" in str(body["reason"])


@pytest.mark.parametrize("data", [b"\xff\xfe", b"", b"x" * 40_000, b"y" * 200_000])
async def test_a_bad_frame_is_answered_and_not_more(app: Starlette, data: bytes) -> None:
    """Whatever its bytes. Proves: WI-32, WI-35."""
    async with Stream(app, hello(thread="x")) as stream:
        welcome = await stream.until("welcome")
    answer = await post(app, X, welcome["token"], data)
    assert answer.status_code == 200
    assert [one["code"] for one in answer.json()] == ["bad_frame"]


async def test_only_pages_of_known_origins_may_ask(app: Starlette) -> None:
    """And only they may read the answers. Proves: WI-19, WI-35."""
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://localhost:8080") as client:
        for path in ("/widget/events", "/widget/frames"):
            allowed = await client.options(path, headers={"origin": ORIGIN})
            assert allowed.status_code == 204
            assert allowed.headers["access-control-allow-origin"] == ORIGIN
            assert "authorization" in allowed.headers["access-control-allow-headers"]
            foreign = await client.options(path, headers={"origin": "https://evil.example"})
            assert foreign.status_code == 403
            assert "access-control-allow-origin" not in foreign.headers
    assert (await post(app, X, "t", send(), origin="https://evil.example")).status_code == 403
    async with Stream(app, hello(site="shop"), origin="https://blog.example.com") as stream:
        assert stream.status == 403


async def test_a_page_of_the_gateway_itself_needs_no_origin_header(gateway: FakeGateway) -> None:
    """Browsers leave it out there, and say so. Proves: WI-19, WI-35."""
    _, app = build(gateway)
    async with Stream(app, hello(site="shop"), host="www.example.com", sec_fetch_site="same-origin") as stream:
        assert stream.status == 403
    async with Stream(app, hello(), sec_fetch_site="same-origin") as stream:
        assert stream.status == 200


async def test_the_store_being_away_is_503(app: Starlette, gateway: FakeGateway) -> None:
    """The client tries again. Proves: WI-7, WI-35."""
    async with Stream(app, hello(thread="x")) as stream:
        welcome = await stream.until("welcome")
    gateway.fault = StoreUnavailableError("secret")
    answer = await post(app, X, welcome["token"], send())
    assert answer.status_code == 503
    assert "secret" not in answer.text


async def test_a_flood_of_posts_is_cut_off(app: Starlette) -> None:
    """Each costs more than a frame does. Proves: WI-16, WI-35."""
    statuses = [(await post(app, X, "nonsense", "{}")).status_code for _ in range(301)]
    assert set(statuses[:300]) == {401}
    assert statuses[300] == 429


async def test_before_a_restart_the_stream_ends_with_the_same_words(
    gateway: FakeGateway, app: Starlette, widget: Widget
) -> None:
    """The client needs to know no second protocol. Proves: WI-25, WI-35."""
    async with Stream(app, hello()) as stream:
        welcome = await stream.until("welcome")
        await widget.drain()
        assert (await stream.next())[2]["type"] == "bye"
        kind, _, end = await stream.next()
        assert (kind, end) == ("close", {"code": CloseCode.RESTART, "reason": "restart"})
        assert widget.connection_count == 0
    async with Stream(app, hello()) as stream:
        assert stream.status == 503
    assert (await post(app, welcome["session_id"], welcome["token"], send())).status_code == 503


async def test_a_stream_counts_as_a_connection(gateway: FakeGateway) -> None:
    """Else it would be the way round the limit. Proves: WI-17, WI-35."""
    _, app = build(gateway, Limits(sockets_per_ip=1))
    async with Stream(app, hello()) as stream:
        await stream.until("welcome")
        async with Stream(app, hello()) as second:
            assert second.status == 429


async def test_a_stream_that_nobody_reads_is_given_up(
    app: Starlette, gateway: FakeGateway, widget: Widget, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There are no pings here that would find it out. Proves: WI-25, WI-35."""
    monkeypatch.setattr("adapters.widget.fallback._SEND_S", 0.01)
    async with Stream(app, hello(thread="x")) as stream:
        await stream.until("welcome")
        stream.reads.clear()
        gateway.put_session(X, Audience.SHARED)
        gateway.say(X, "hi")
        async with asyncio.timeout(WAIT_S):
            await asyncio.wait([stream.task])
        assert (widget.connection_count, gateway.followers) == (0, 0)
