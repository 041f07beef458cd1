"""The protocol where websockets are blocked: server-sent events down, one POST per frame up, over the same log.

    GET  /widget/events?hello={hello, without token}    Authorization: Bearer {token}, Last-Event-ID: {cursor}
         one event per frame; `event: close` with {"code", "reason"} ends it
    POST /widget/frames?session_id={…}[&name={…}]       Authorization: Bearer {token}
         one frame; a list of the frames that answer it

A POST may reach another process than the stream does, so it brings along all it needs, and proves it each time. What
is refused before anything was sent has the HTTP status that fits, and the same {"code", "reason"} as its body.
"""

import asyncio
import json
import re

from starlette.datastructures import QueryParams
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from adapters.widget.codes import CloseCode
from adapters.widget.commands import Close, Command, Greet, Say
from adapters.widget.connections import Connections
from adapters.widget.desk import Desk
from adapters.widget.errors import RefusedError
from adapters.widget.frames import VERSION
from adapters.widget.limits import FRAME_BYTES, FrameMeter
from adapters.widget.origins import address_of, origin_of
from adapters.widget.socket import PeerStuckError, read_moment
from adapters.widget.wire import Wire
from adapters.windows import Window
from agent.errors import StoreUnavailableError
from agent.records import JsonObject

_SEND_S = 20.0
_SEQ = re.compile(r'\{"type":"(?:message|run|handoff)","seq":([0-9]+)')
_BEARER = re.compile(r"Bearer +(\S+) *", re.IGNORECASE)
_STATUS = {
    CloseCode.TOO_MANY_BAD_FRAMES: 400,
    CloseCode.BAD_FRAME: 400,
    CloseCode.TOKEN: 401,
    CloseCode.FORBIDDEN: 403,
    CloseCode.NOT_FOUND: 404,
    CloseCode.VERSION: 426,
    CloseCode.RATE: 429,
}


def token_of(request: Request) -> str | None:
    """The bearer token; what is given in another form is a token that nobody signed."""
    given = request.headers.get("authorization")
    if given is None:
        return None
    match = _BEARER.fullmatch(given)
    return match[1] if match else ""


def allow_page(origin: str | None) -> dict[str, str]:
    """The headers by which a browser lets the page of a known origin read the answer."""
    headers = {"Cache-Control": "no-store", "Vary": "Origin", "X-Content-Type-Options": "nosniff"}
    return headers if origin is None else {**headers, "Access-Control-Allow-Origin": origin}


def render_refusal(code: int, reason: str, origin: str | None) -> Response:
    """An answer that ends it."""
    status = _STATUS.get(CloseCode(code), 503)
    return JSONResponse({"code": int(code), "reason": reason}, status, headers=allow_page(origin))


class EventsTransport:
    """A response of server-sent events as a path down; the one frame up is the `hello` of the request."""

    def __init__(self, request: Request, hello: str, origin: str | None, send: Send) -> None:
        self._request = request
        self._hello: str | None = hello
        self._origin = origin
        self._send = send
        self._is_started = False
        self._is_closed = False
        self._turn = asyncio.Lock()

    async def receive(self) -> str | bytes | None:
        """The hello, then nothing until the peer is gone."""
        if self._hello is not None:
            hello, self._hello = self._hello, None
            return hello
        while (await self._request.receive())["type"] != "http.disconnect":
            pass
        return None

    async def send(self, text: str) -> None:
        """One event. Raises `PeerStuckError` when the peer has not read for 20 s: no ping would find it out here."""
        seq = _SEQ.match(text)
        await self._write(f"id: {seq[1]}\ndata: {text}\n\n" if seq else f"data: {text}\n\n")

    def send_now(self, text: str) -> bool:
        """Never."""
        return False

    async def close(self, code: int, reason: str) -> None:
        """The last event; or a refusal, if nothing was sent yet."""
        if not self._is_started:
            self._is_started = self._is_closed = True
            response = render_refusal(code, reason, self._origin)
            await response(self._request.scope, self._request.receive, self._send)
            return
        body = json.dumps({"code": int(code), "reason": reason})
        await self._write(f"event: close\ndata: {body}\n\n", is_last=True)

    async def _write(self, text: str, *, is_last: bool = False) -> None:
        try:
            async with asyncio.timeout(_SEND_S), self._turn:
                if self._is_closed:
                    return
                self._is_closed = is_last
                if not self._is_started:
                    self._is_started = True
                    await self._start()
                await self._send({"type": "http.response.body", "body": text.encode(), "more_body": not is_last})
        except TimeoutError:
            raise PeerStuckError from None

    async def _start(self) -> None:
        headers = {**allow_page(self._origin), "Content-Type": "text/event-stream", "X-Accel-Buffering": "no"}
        raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
        await self._send({"type": "http.response.start", "status": 200, "headers": raw})


class Fallback:
    """Both endpoints."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._posts = Window(FrameMeter.COUNT, FrameMeter.SPAN_S)

    async def serve_events(self, scope: Scope, receive: Receive, send: Send) -> None:
        """An ASGI application: the stream of one client."""
        request = Request(scope, receive)
        origin, address = origin_of(scope), address_of(scope)
        early = self._refuse_early(request, origin) or self._connections.find_refusal(address)
        if isinstance(early, tuple):
            early = render_refusal(*early, origin)
        if early is not None:
            return await early(scope, receive, send)
        transport = EventsTransport(request, _read_hello(request), origin, send)
        return await self._connections.serve(transport, origin, address)

    async def serve_frame(self, request: Request) -> Response:
        """One frame of a client, and what answers it."""
        origin, address = origin_of(request.scope), address_of(request.scope)
        early = self._refuse_early(request, origin)
        if early is not None:
            return early
        now = read_moment().monotonic_s
        if self._posts.wait_s(address, now) > 0:
            return render_refusal(CloseCode.RATE, "too many frames", origin)
        self._posts.take(address, now)
        if self._connections.is_draining:
            return render_refusal(CloseCode.RESTART, "restart", origin)
        token = token_of(request)
        if token is None:
            return render_refusal(CloseCode.TOKEN, "token: expected one", origin)
        exchange = Exchange(self._connections, self._connections.build_wire(origin, address))
        try:
            frame = await _read_body(request)
            answers = await exchange.answer(_build_hello(request.query_params, token), frame)
        except RefusedError as error:
            return render_refusal(error.code, error.reason, origin)
        except StoreUnavailableError as error:
            return render_refusal(CloseCode.TRY_LATER, error.sentence, origin)
        except ClientDisconnect:
            return render_refusal(CloseCode.BAD_FRAME, "frame: expected all of it", origin)
        return Response(f"[{','.join(answers)}]", media_type="application/json", headers=allow_page(origin))

    def refuse_body(self, scope: Scope, status: int, code: str, message: str) -> Response:
        """What is refused before it comes here, in the form that the client reads: it may try a slow one again."""
        close_code = CloseCode.TRY_LATER if status == 408 else CloseCode.BAD_FRAME
        body = {"code": int(close_code), "reason": message}
        return JSONResponse(body, status, headers=allow_page(self._connections.find_page(scope)))

    def _refuse_early(self, request: Request, origin: str | None) -> Response | None:
        """The answer to a page that may not ask, or that asks whether it may."""
        if not self._connections.door.knows_origin(origin):
            return render_refusal(CloseCode.FORBIDDEN, "origin: expected one that a site allows", None)
        if request.method != "OPTIONS":
            return None
        allowed = {
            "Access-Control-Allow-Methods": "GET, POST",
            "Access-Control-Allow-Headers": "authorization, content-type, last-event-id",
            "Access-Control-Max-Age": "600",
        }
        return Response(status_code=204, headers={**allow_page(origin), **allowed})


class Exchange:
    """One frame, from `hello` to its answers. A wire that lives for a moment decides as for any other client."""

    def __init__(self, connections: Connections, wire: Wire) -> None:
        self._service = connections.service
        self._wire = wire
        self._desk: Desk | None = None
        self._answers: list[str] = []

    async def answer(self, hello: str, frame: str | bytes) -> list[str]:
        """The frames that answer. Raises `RefusedError` and `StoreUnavailableError`."""
        await self._carry_out(self._wire.receive(hello, read_moment()))
        await self._carry_out(self._wire.receive(frame, read_moment()))
        return self._answers

    async def _carry_out(self, commands: list[Command]) -> None:
        for command in commands:
            if isinstance(command, Close):
                raise RefusedError(command.code, command.reason)
            if isinstance(command, Say):
                self._answers.append(command.text)
            elif isinstance(command, Greet):
                place = await self._service.greeter.find_place(command.admitted)
                self._desk = self._service.build_desk(place)
                self._wire.greeted(place.session_id, place.thread, read_moment())
            elif self._desk is not None and (reply := await self._desk.serve(command)) is not None:
                self._answers.append(reply)


def _read_hello(request: Request) -> str:
    """The `hello` of a stream. Its cursor is the last event the client saw, if it says which that was."""
    text = request.query_params.get("hello", "")
    try:
        hello = json.loads(text)
    except (ValueError, RecursionError):
        return text
    if not isinstance(hello, dict):
        return text
    hello.pop("token", None)
    token, last_seen = token_of(request), request.headers.get("last-event-id", "")
    if token is not None:
        hello["token"] = token
    if last_seen.isascii() and last_seen.isdecimal() and len(last_seen) < 17:
        hello["cursor"] = int(last_seen)
    return json.dumps(hello)


def _build_hello(query: QueryParams, token: str) -> str:
    """The `hello` that goes before a frame: the session names the site."""
    session_id = query.get("session_id", "")
    site = session_id.split(":")[1] if session_id.count(":") > 1 else ""
    hello: JsonObject = {"type": "hello", "v": VERSION, "site": site, "cursor": 0, "token": token}
    return json.dumps({**hello, "session_id": session_id, "name": query.get("name")})


async def _read_body(request: Request) -> str | bytes:
    """The frame; of one that is too large only as much as shows it."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > 2 * FRAME_BYTES:
            break
    try:
        return body.decode()
    except UnicodeDecodeError:
        return bytes(body)
