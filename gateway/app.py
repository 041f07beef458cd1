"""The web application: the channels' routes beside the gateway's own."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.resources import files

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from gateway.metrics import render_metrics
from gateway.static_files import FRAMES_POLICY, serve_file

_PAGES = files("gateway").joinpath("pages")
_DEMO_PAGES = {"/": "demo.html", "/demo.css": "demo.css", "/demo.js": "demo.js"}
_GALLERY_PAGES = {
    "/gallery": "gallery.html",
    "/gallery/gallery.css": "gallery.css",
    "/gallery/gallery.js": "gallery.js",
    "/gallery/state": "gallery_state.html",
    "/gallery/state.js": "gallery_state.js",
    "/gallery/script.js": "gallery_script.js",
}


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


def build_app(
    readiness: Readiness, channels: Sequence[BaseRoute], *, has_demo_page: bool, has_gallery: bool = False
) -> Starlette:
    """All routes of one process. The gallery shows every state of the widget, for those who change it."""

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
    own.append(serve_file("/widget.js", files("widget").joinpath("dist", "widget.js"), policy=None))
    if has_demo_page:
        own += [serve_file(path, _PAGES.joinpath(name)) for path, name in _DEMO_PAGES.items()]
    if has_gallery:
        own += [serve_file(path, _PAGES.joinpath(name), policy=FRAMES_POLICY) for path, name in _GALLERY_PAGES.items()]
    return Starlette(routes=[*own, *channels])
