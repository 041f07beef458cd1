"""The limits on what a stranger may send, in front of applications that read in their own ways."""

import asyncio
import json
from collections.abc import Callable, Sequence

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from adapters.http_limits import HttpLimits

LIMIT = 1000


async def _echo_length(request: Request) -> Response:
    return PlainTextResponse(str(len(await request.body())))


async def _ignore(request: Request) -> Response:
    return PlainTextResponse("not read")


def _inside(timeout_s: float = 60.0) -> ASGIApp:
    limits = Middleware(HttpLimits, max_body_bytes=LIMIT, body_timeout_s=timeout_s)
    return Starlette(routes=_routes(), middleware=[limits])


def _outside(timeout_s: float = 60.0) -> ASGIApp:
    return HttpLimits(Starlette(routes=_routes()), max_body_bytes=LIMIT, body_timeout_s=timeout_s)


def _routes() -> list[Route]:
    return [Route("/read", _echo_length, methods=["POST"]), Route("/ignore", _ignore, methods=["POST"])]


class _Caller:
    """Sends a body in parts and keeps what comes back; after the last part it is silent."""

    def __init__(self, path: str, parts: Sequence[bytes], *, is_whole: bool = True, length: str | None = None) -> None:
        self.parts = list(parts)
        self.is_whole = is_whole
        self.sent: list[Message] = []
        self.is_silent = asyncio.Event()
        self.left = asyncio.Event()
        headers = [(b"content-length", length.encode())] if length is not None else []
        self.scope: Scope = {
            "type": "http",
            "method": "POST",
            "path": path,
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": b"",
            "headers": headers,
        }

    async def receive(self) -> Message:
        if not self.parts:
            self.is_silent.set()
            await self.left.wait()
            return {"type": "http.disconnect"}
        part = self.parts.pop(0)
        return {"type": "http.request", "body": part, "more_body": bool(self.parts) or not self.is_whole}

    async def send(self, message: Message) -> None:
        self.sent.append(message)

    async def call(self, app: ASGIApp) -> tuple[int, bytes]:
        async with asyncio.timeout(5):
            await app(self.scope, self.receive, self.send)
        assert [message["type"] for message in self.sent] == ["http.response.start", "http.response.body"]
        return self.sent[0]["status"], self.sent[1]["body"]

    @property
    def headers(self) -> dict[str, str]:
        return {name.decode(): value.decode() for name, value in self.sent[0]["headers"]}


PLACES = pytest.mark.parametrize("place", [_inside, _outside])


@PLACES
async def test_a_body_within_the_limit_arrives_whole(place: Callable[[], ASGIApp]) -> None:
    """The limit itself is allowed, in however many parts it comes. Proves: API-11."""
    caller = _Caller("/read", [b"x" * 600, b"", b"x" * 400], length="1000")

    assert await caller.call(place()) == (200, b"1000")


@PLACES
async def test_a_body_declared_too_large_is_refused_unread(place: Callable[[], ASGIApp]) -> None:
    """Nothing of it is taken in, whether or not the application would have read it. Proves: API-11."""
    for length in ("1001", "9" * 30):
        caller = _Caller("/ignore", [b"x" * 600], length=length)
        status, body = await caller.call(place())

        assert status == 413
        error = {"code": "too_large", "message": "body: expected at most 1000 bytes", "field": "body"}
        assert json.loads(body) == {"error": error}
        assert len(caller.parts) == 1
        assert caller.headers["connection"] == "close"


async def test_a_path_may_have_a_larger_limit_of_its_own() -> None:
    """Slack sends up to a mebibyte to its one path. Proves: API-11."""
    limited = HttpLimits(Starlette(routes=_routes()), max_body_bytes=100, larger={"/read": 2000})

    assert await _Caller("/read", [b"x" * 1500], length="1500").call(limited) == (200, b"1500")
    assert (await _Caller("/read", [b"x" * 2500], length="2500").call(limited))[0] == 413
    assert (await _Caller("/ignore", [b"x" * 1500], length="1500").call(limited))[0] == 413


async def test_a_larger_limit_may_be_that_of_paths_of_a_form() -> None:
    """What is imported is of a person, whom the path names. Proves: API-11."""
    routes = [Route("/{path:path}", _echo_length, methods=["POST"])]
    limited = HttpLimits(Starlette(routes=routes), max_body_bytes=100, larger={"/users/*/import": 2000})

    for path in ("/users/x/import", "/users/x/y/import"):
        assert (await _Caller(path, [b"x" * 1500], length="1500").call(limited))[0] == 200
    for path in ("/users/import", "/users//import", "/users/x/import/y", "/x/users/x/import", "/users/*/importx"):
        assert (await _Caller(path, [b"x" * 1500], length="1500").call(limited))[0] == 413


@PLACES
@pytest.mark.parametrize("length", [None, "12", "", "-5", "zero", "²"])
async def test_a_body_that_grows_too_large_is_cut_off(place: Callable[[], ASGIApp], length: str | None) -> None:
    """What a caller declares, or does not, is not believed. Proves: API-11."""
    caller = _Caller("/read", [b"x" * 600] * 9, length=length)

    status, body = await caller.call(place())

    assert (status, json.loads(body)["error"]["code"]) == (413, "too_large")
    assert len(caller.parts) == 7


@PLACES
async def test_a_body_that_does_not_come_in_time_is_given_up(place: Callable[[float], ASGIApp]) -> None:
    """A caller who drips holds a connection for ten seconds, not for ever. Proves: API-11."""
    caller = _Caller("/read", [b"x"], is_whole=False)

    status, body = await caller.call(place(0))

    assert (status, json.loads(body)["error"]["code"]) == (408, "timeout")
    assert caller.headers["connection"] == "close"


async def test_the_deadline_is_for_the_body_and_not_for_the_answer() -> None:
    """A stream watches for its reader's leaving by the same channel, for as long as it takes. Proves: API-11."""
    noticed: list[str] = []

    async def watch(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        noticed.append((await receive())["type"])

    caller = _Caller("/", [b"x"])
    app = HttpLimits(watch, body_timeout_s=0)
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        group.create_task(app(caller.scope, caller.receive, caller.send))
        await caller.is_silent.wait()
        for _ in range(10):
            await asyncio.sleep(0)  # the loop goes round; a deadline that is past would be noticed
        assert noticed == []
        caller.left.set()

    assert noticed == ["http.disconnect"]
    assert caller.sent == []


async def test_an_answer_that_has_begun_is_not_answered_over() -> None:
    """Two heads in one answer would break the connection; to the application the caller is gone. Proves: API-11."""
    noticed: list[str] = []

    async def hasty(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        noticed.append((await receive())["type"])
        await send({"type": "http.response.body", "body": b"done"})

    caller = _Caller("/", [b"x" * 2000])

    assert await caller.call(HttpLimits(hasty, max_body_bytes=LIMIT)) == (200, b"done")
    assert noticed == ["http.disconnect"]


async def test_a_caller_who_leaves_is_still_the_applications_business() -> None:
    """Only a refusal is settled here; a real departure goes on to whoever handles it. Proves: API-11."""
    caller = _Caller("/read", [b"x"], is_whole=False)
    caller.left.set()

    with pytest.raises(ClientDisconnect):
        await _inside()(caller.scope, caller.receive, caller.send)


async def test_what_is_not_http_passes_untouched() -> None:
    """Websockets have limits of their own. Proves: API-11."""
    seen: list[object] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.extend((scope, receive, send))

    caller = _Caller("/", [])
    scope: Scope = {"type": "websocket", "headers": []}
    await HttpLimits(app)(scope, caller.receive, caller.send)

    assert seen == [scope, caller.receive, caller.send]
