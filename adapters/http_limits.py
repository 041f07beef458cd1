"""How much a stranger may send, and how slowly: a limit and a deadline for the body of every HTTP request.

Only the body is in an application's hands. The deadline for the head of a request, and for the rest of a body that
nobody reads, belong to the server's protocol class.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import TypeAlias

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

Refuse: TypeAlias = Callable[[Scope, int, str, str], Response]
"""What a path answers with instead of its own: of a request, a status, a code and a sentence about the body."""

MAX_BODY_BYTES = 256 * 1024
BODY_TIMEOUT_S = 10.0


class HttpLimits:
    """ASGI middleware: a body over `max_body_bytes` gets 413, one that takes over `body_timeout_s` gets 408.

    `larger` holds the paths whose bodies may be larger, with their own limits; a `*` in one stands for any part of
    it, and the first that fits decides. `refusals` holds those that have a form of their own for what is refused.

    A body that is declared too large is never read, and one that is not wanted is never asked for. The time counts
    from when the application first asks for the body. Both answers are JSON and close the connection. Websockets are
    left alone.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        max_body_bytes: int = MAX_BODY_BYTES,
        body_timeout_s: float = BODY_TIMEOUT_S,
        larger: Mapping[str, int] | None = None,
        refusals: Mapping[str, Refuse] | None = None,
    ) -> None:
        self.app = app
        self.larger = larger or {}
        self.refusals = refusals or {}
        self.max_body_bytes = max_body_bytes
        self.body_timeout_s = body_timeout_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request within the limits."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path = scope["path"]
        max_bytes = next((most for form, most in self.larger.items() if _fits(form, path)), self.max_body_bytes)
        refusal = _Refusal(scope, send, self.refusals.get(path, _refuse))
        if _declared_bytes(scope) > max_bytes:
            await refusal.send(413, "too_large", f"at most {max_bytes} bytes")
            return
        body = _Body(receive, send, refusal, max_bytes, self.body_timeout_s)
        try:
            await self.app(scope, body.receive, body.send)
        except ClientDisconnect:
            if not body.is_refused:
                raise


class _Body:
    """The body of one request, counted and timed as it is read.

    When it is refused, the caller gets the refusal, and to the application the caller is gone: whatever frameworks
    stand in between, none of them can make another answer of it.
    """

    def __init__(self, receive: Receive, send: Send, refusal: "_Refusal", max_bytes: int, timeout_s: float) -> None:
        self._receive = receive
        self._send = send
        self._refusal = refusal
        self._max_bytes = max_bytes
        self._timeout_s = timeout_s
        self._ends_at: float | None = None
        self._bytes = 0
        self._is_whole = False
        self._has_answer = False
        self.is_refused = False

    async def receive(self) -> Message:
        """The next part of the body. Once it is whole there is no limit: then it is the caller's leaving."""
        if self._is_whole:
            return await self._receive()
        if self._ends_at is None:
            self._ends_at = asyncio.get_running_loop().time() + self._timeout_s
        try:
            async with asyncio.timeout_at(self._ends_at):
                message = await self._receive()
        except TimeoutError:
            return await self._refuse(408, "timeout", f"it within {self._timeout_s:g} seconds")
        self._bytes += len(message.get("body", b""))
        if self._bytes > self._max_bytes:
            return await self._refuse(413, "too_large", f"at most {self._max_bytes} bytes")
        self._is_whole = message["type"] != "http.request" or not message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        """Pass on a part of the answer, unless the refusal was the answer."""
        if not self.is_refused:
            self._has_answer = True
            await self._send(message)

    async def _refuse(self, status: int, code: str, expected: str) -> Message:
        self._is_whole = True
        if not self._has_answer:
            self.is_refused = True
            await self._refusal.send(status, code, expected)
        return {"type": "http.disconnect"}


def _fits(form: str, path: str) -> bool:
    head, star, tail = form.partition("*")
    return path.startswith(head) and path.endswith(tail) and len(path) > len(head + tail) if star else path == form


def _declared_bytes(scope: Scope) -> int:
    declared = Headers(scope=scope).get("content-length", "")
    return int(declared[:20]) if declared.isascii() and declared.isdecimal() else 0


class _Refusal:
    """The answer to one request whose body is not taken. It closes the connection: the rest is never read."""

    def __init__(self, scope: Scope, send: Send, render: Refuse) -> None:
        self._scope = scope
        self._send = send
        self._render = render

    async def send(self, status: int, code: str, expected: str) -> None:
        response = self._render(self._scope, status, code, f"body: expected {expected}")
        response.headers["cache-control"] = "no-store"
        response.headers["connection"] = "close"
        await self._send({"type": "http.response.start", "status": status, "headers": response.raw_headers})
        await self._send({"type": "http.response.body", "body": bytes(response.body)})


def _refuse(scope: Scope, status: int, code: str, message: str) -> Response:
    return JSONResponse({"error": {"code": code, "message": message, "field": "body"}}, status_code=status)
