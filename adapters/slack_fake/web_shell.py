"""HTTP around the Web API: addresses, arguments from wherever they come, files, response URLs, and faults."""

import asyncio
import base64
import json
from collections.abc import Sequence
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket

from adapters.slack_fake.consent import Consent
from adapters.slack_fake.errors import RefusalError
from adapters.slack_fake.faults import Fault, FaultKind, Faults
from adapters.slack_fake.json_types import Json
from adapters.slack_fake.response_urls import use_response_url
from adapters.slack_fake.server import FakeServer
from adapters.slack_fake.sockets import Sockets
from adapters.slack_fake.web_api import Answer, WebApi
from adapters.slack_fake.world import World


class WebShell:
    """All that the fake answers over HTTP."""

    def __init__(self, world: World, api: WebApi, faults: Faults, server: FakeServer, sockets: Sockets) -> None:
        self._world = world
        self._api = api
        self._faults = faults
        self._server = server
        self._sockets = sockets

    def build(self, more: Sequence[BaseRoute] = ()) -> Starlette:
        """The application. `more` are the page's routes."""
        return Starlette(
            routes=[
                Route("/api/{method}", self.call, methods=["GET", "POST"]),
                Route("/upload/v1/{file_id}", self.upload, methods=["POST"]),
                Route("/files-pri/{place}/{name:path}", self.download, methods=["GET"]),
                Route("/actions/{token}", self.respond, methods=["POST"]),
                Route("/oauth/v2/authorize", Consent(self._world).answer, methods=["GET"]),
                Route("/signin", self.sign_in, methods=["GET"]),
                WebSocketRoute("/link/", self.link),
                *more,
            ]
        )

    async def call(self, request: Request) -> Response:
        """`/api/{method}`"""
        method = request.path_params["method"]
        faults = self._faults.take(method)
        before = await self._before(request, faults)
        if before is not None:
            return before
        try:
            values = await _read_args(request)
        except RefusalError as error:
            return JSONResponse({"ok": False, "error": error.code})
        answer = self._api.call(method, _token(request, values), values)
        return await self._after(request, faults, answer)

    async def _before(self, request: Request, faults: list[Fault]) -> Response | None:
        """What keeps a call from being done."""
        for fault in faults:
            if fault.kind is FaultKind.DELAY:
                await asyncio.sleep(fault.seconds)
            elif fault.kind is FaultKind.CUT:
                self._server.cut(request.scope)
                return Response(status_code=500)
            elif fault.kind is FaultKind.SERVER_ERROR:
                return PlainTextResponse("server error", status_code=500)
            elif fault.kind is FaultKind.REFUSE:
                return JSONResponse({"ok": False, "error": fault.code})
            elif fault.kind is FaultKind.RATE_LIMIT:
                headers = {"Retry-After": str(max(1, int(fault.seconds)))}
                return JSONResponse({"ok": False, "error": "ratelimited"}, status_code=429, headers=headers)
        return None

    async def _after(self, request: Request, faults: list[Fault], answer: Answer) -> Response:
        """What keeps an answer from arriving."""
        for fault in faults:
            if fault.kind is FaultKind.DELAY_ANSWER:
                await asyncio.sleep(fault.seconds)
            elif fault.kind is FaultKind.DROP_ANSWER:
                self._server.cut(request.scope)
        return JSONResponse(answer.body, status_code=answer.status, headers=answer.headers)

    async def upload(self, request: Request) -> Response:
        """The bytes of a file, raw."""
        file = self._world.files.get(request.path_params["file_id"])
        if file is None or file.is_complete:
            return PlainTextResponse("file not found", status_code=404)
        file.content = await request.body()
        if len(file.content) != file.size_bytes:
            return PlainTextResponse(f"expected {file.size_bytes} bytes", status_code=400)
        return PlainTextResponse(f"OK - {file.size_bytes}")

    async def download(self, request: Request) -> Response:
        """The bytes of a file, for a token with `files:read`; all others are led to the sign-in page, as Slack does."""
        faults = self._faults.take("files.download")
        before = await self._before(request, faults)
        if before is not None:
            return before
        file = self._world.files.get(request.path_params["place"].rpartition("-")[2])
        token = _token(request, {})
        readers = [i for i in self._world.installations.values() if i.bot_token == token and not i.is_revoked]
        if not readers or "files:read" not in readers[0].scopes:
            return RedirectResponse(f"/signin?redir={request.url.path}", status_code=302)
        if file is None or file.is_deleted or file.content is None:
            return PlainTextResponse("not found", status_code=404)
        return Response(file.content, media_type=file.mimetype, headers={"X-Content-Type-Options": "nosniff"})

    async def sign_in(self, request: Request) -> Response:
        """The page that somebody without a token sees: HTML, and a 200."""
        return HTMLResponse("<!doctype html><title>Sign in</title><p>You need to sign in to see this page.</p>")

    async def respond(self, request: Request) -> Response:
        """A response URL."""
        body = await request.body()
        try:
            values = json.loads(body)
        except ValueError:
            return JSONResponse({"ok": False, "error": "invalid_payload"}, status_code=400)
        try:
            use_response_url(self._world, request.path_params["token"], values if isinstance(values, dict) else {})
        except RefusalError as error:
            return JSONResponse({"ok": False, "error": error.code}, status_code=404)
        return PlainTextResponse("ok")

    async def link(self, socket: WebSocket) -> None:
        """A Socket Mode connection."""
        await self._sockets.serve(socket)


def _token(request: Request, values: Json) -> str | None:
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer" and token:
        return token
    given = values.get("token")
    return given if isinstance(given, str) else None


async def _read_args(request: Request) -> Json:
    """The arguments of a call: from the address, and from a form or JSON in the body."""
    values: Json = {**_client_credentials(request), **request.query_params}
    body = await request.body()
    if not body:
        return values
    kind = request.headers.get("content-type", "").partition(";")[0].strip()
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise RefusalError("invalid_charset") from None
    if kind == "application/json":
        return values | _parse_json(text)
    if kind == "application/x-www-form-urlencoded":
        return values | dict(parse_qsl(text, keep_blank_values=True))
    raise RefusalError("invalid_post_type")


def _client_credentials(request: Request) -> Json:
    """`oauth.v2.access` takes the app's id and secret as HTTP Basic authorisation; slack_sdk sends them so."""
    kind, _, coded = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "basic":
        return {}
    try:
        client_id, _, secret = base64.b64decode(coded, validate=True).decode().partition(":")
    except ValueError:
        return {}
    return {"client_id": client_id, "client_secret": secret}


def _parse_json(text: str) -> Json:
    try:
        parsed = json.loads(text)
    except ValueError:
        raise RefusalError("invalid_json") from None
    if not isinstance(parsed, dict):
        raise RefusalError("json_not_object")
    return parsed
