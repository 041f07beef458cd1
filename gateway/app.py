"""The web application: the channels' routes beside the gateway's own."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from gateway.metrics import render_metrics

_PAGES = files("gateway").joinpath("pages")
_PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
_TYPES = {"html": "text/html; charset=utf-8", "css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8"}


@dataclass(slots=True)
class Readiness:
    """Whether this process should be sent people: it serves, is not leaving, and its database answers.

    What is wrong with Slack is told beside it, and keeps nobody away.
    """

    is_serving: bool = False
    is_draining: bool = False
    is_store_there: Callable[[], bool] = lambda: True
    find_slack_note: Callable[[], str | None] = lambda: None

    @property
    def reason(self) -> str | None:
        """Why not; none when it should."""
        if self.is_draining:
            return "stopping"
        if not self.is_serving:
            return "starting"
        return None if self.is_store_there() else "the database is away"


def build_app(readiness: Readiness, channels: Sequence[BaseRoute], *, has_demo_page: bool) -> Starlette:
    """All routes of one process."""

    async def healthz(_: Request) -> Response:
        return JSONResponse({"status": "alive"})

    async def readyz(_: Request) -> Response:
        reason, note = readiness.reason, readiness.find_slack_note()
        body = {"status": reason or "ready", **({"slack": note} if note else {})}
        return JSONResponse(body, status_code=503 if reason else 200)

    async def metrics(_: Request) -> Response:
        return Response(render_metrics(), media_type="text/plain; version=0.0.4; charset=utf-8")

    async def favicon(_: Request) -> Response:
        return Response(status_code=204, headers={"Cache-Control": "max-age=86400"})

    own = [
        Route("/favicon.ico", favicon),
        Route("/healthz", healthz),
        Route("/readyz", readyz),
        Route("/metrics", metrics),
    ]
    own.append(_serve_file("/widget.js", files("widget").joinpath("dist", "widget.js"), is_public=True))
    if has_demo_page:
        pages = {"/": "demo.html", "/demo.css": "demo.css", "/demo.js": "demo.js"}
        own += [_serve_file(path, _PAGES.joinpath(name), is_public=False) for path, name in pages.items()]
    return Starlette(routes=[*own, *channels])


def _serve_file(path: str, file: Traversable, *, is_public: bool) -> Route:
    """A file of ours, read once. One that is public may be used from other sites' pages."""
    body, kind = file.read_bytes(), _TYPES[file.name.rpartition(".")[2]]
    headers = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-cache"}
    if is_public:
        headers |= {"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin"}
    else:
        headers |= {"Content-Security-Policy": _PAGE_POLICY, "Referrer-Policy": "no-referrer"}

    async def respond(_: Request) -> Response:
        return Response(body, media_type=kind, headers=headers)

    return Route(path, respond)
