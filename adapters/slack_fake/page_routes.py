"""The page on which one is somebody in the fake workspace."""

import json
from collections.abc import AsyncIterator
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from adapters.slack_fake.errors import FakeSlackError
from adapters.slack_fake.fake import FakeSlack
from adapters.slack_fake.page_acts import PageActs
from adapters.slack_fake.page_state import render_state

_FILES = files("adapters.slack_fake").joinpath("page")
_TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript"}
_PATHS = {
    "/": "page.html",
    "/page.css": "page.css",
    "/page.js": "page.js",
    "/dom.js": "dom.js",
    "/text.js": "text.js",
    "/blocks.js": "blocks.js",
    "/links.js": "links.js",
    "/messages.js": "messages.js",
    "/panels.js": "panels.js",
}
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def build_page(slack: FakeSlack) -> list[BaseRoute]:
    """The page's routes, to be given to `FakeSlack.start`."""
    page = _Page(slack)
    shown: list[BaseRoute] = [_serve_file(path, name) for path, name in _PATHS.items()]
    return [
        *shown,
        Route("/app_redirect", _lead_to_page, methods=["GET"]),
        Route("/page/state", page.state, methods=["GET"]),
        Route("/page/changes", page.changes, methods=["GET"]),
        Route("/page/act", page.act, methods=["POST"]),
    ]


async def _lead_to_page(request: Request) -> Response:
    """A link that opens the app in Slack: here it opens the page."""
    return RedirectResponse("/", status_code=302)


def _serve_file(path: str, name: str) -> Route:
    async def serve(request: Request) -> Response:
        content = _FILES.joinpath(name).read_bytes()
        return Response(content, media_type=_TYPES[name.rpartition(".")[2]], headers=HEADERS)

    return Route(path, serve, methods=["GET"])


class _Page:
    """State, changes and acts."""

    def __init__(self, slack: FakeSlack) -> None:
        self._slack = slack
        self._acts = PageActs(slack)

    def _is_ours(self, request: Request) -> bool:
        """Whether the page itself asks: another site's page can neither name our host nor hide its origin."""
        host = request.headers.get("host", "").rpartition(":")[0]
        origin = request.headers.get("origin")
        is_same = origin is None or origin.partition("://")[2] == request.headers.get("host")
        return host in {"127.0.0.1", "localhost"} and is_same

    async def state(self, request: Request) -> Response:
        """What one person sees."""
        if not self._is_ours(request):
            return JSONResponse({"error": "not from this page"}, status_code=403)
        query = request.query_params
        people = [user for user in self._slack.world.users.values() if not user.is_bot]
        user = self._slack.world.users.get(query.get("user", ""), people[0])
        channel = self._slack.world.channels.get(query.get("channel", ""))
        return JSONResponse(render_state(self._slack, user, channel), headers=HEADERS)

    async def changes(self, request: Request) -> Response:
        """Server-sent events: one whenever there may be something new to fetch."""
        if not self._is_ours(request):
            return JSONResponse({"error": "not from this page"}, status_code=403)
        return StreamingResponse(self._stream(), media_type="text/event-stream", headers=HEADERS)

    async def _stream(self) -> AsyncIterator[bytes]:
        yield b"retry: 1000\n\ndata: 0\n\n"
        async for _ in self._slack.watch():
            yield b"data: 1\n\n"

    async def act(self, request: Request) -> Response:
        """Do something. What is impossible is a 400 with a sentence."""
        kind = request.headers.get("content-type", "")
        if not self._is_ours(request) or not kind.startswith("application/json"):
            return JSONResponse({"error": "not from this page"}, status_code=403)
        try:
            body = json.loads(await request.body())
            shown = await self._acts.run(body if isinstance(body, dict) else {})
        except ValueError:
            return JSONResponse({"error": "that cannot be read"}, status_code=400)
        except FakeSlackError as error:
            return JSONResponse({"error": str(error)}, status_code=400)
        return JSONResponse(shown)
