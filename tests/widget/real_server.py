"""The widget's real server side under a browser: only what is behind it, the gateway's core, is a stand-in."""

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import Route

from adapters.widget.routes import build_widget
from adapters.widget.sites import Look, Site, build_demo_site
from agent.ids import AgentId
from tests.adapters.widget.make import SECRET
from tests.support.fake_gateway import FakeGateway, as_gateway
from tests.widget.fake_pages import KINDS, PAGES

STRICTEST = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
PAGE = (
    '<!doctype html><html lang="en"><meta name="viewport" content="width=device-width"><title>A shop</title>'
    '<script src="/widget.js" data-site="{site}" {more} async></script><main><h1>A shop</h1></main>'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RealServer:
    """Where it is, and what was said to it. `page(site)` is the path of a page that carries the widget."""

    url: str
    gateway: FakeGateway

    def page(self, site: str = "demo", more: str = "data-open") -> str:
        return f"{self.url}/bare?site={site}&more={more}"


def _bare(request: Request) -> Response:
    query = request.query_params
    text = PAGE.format(site=query["site"], more=query["more"])
    return HTMLResponse(text, headers={"Content-Security-Policy": STRICTEST})


def _file(request: Request) -> Response:
    file = PAGES[request.url.path]
    return FileResponse(file, media_type=KINDS[file.suffix], headers={"Content-Security-Policy": STRICTEST})


@asynccontextmanager
async def serve_really(look: Look | None = None, sites: Sequence[Site] = ()) -> AsyncIterator[RealServer]:
    """A server for one test on a free port of 127.0.0.1, with the demo site and these."""
    gateway = FakeGateway()
    demo = replace(build_demo_site(AgentId("assistant")), look=look or Look())
    widget = build_widget(as_gateway(gateway), {site.key: site for site in (demo, *sites)}, SECRET, "db1")
    pages = [Route("/bare", _bare), *(Route(path, _file) for path in PAGES)]
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        Starlette(routes=[*widget.routes, *pages]), ws="websockets-sansio", lifespan="off", log_config=None
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server._serve([listener]))
    try:
        yield RealServer(url=f"http://127.0.0.1:{listener.getsockname()[1]}", gateway=gateway)
    finally:
        await widget.drain(0.5, 0)
        server.should_exit = True
        async with asyncio.timeout(10):
            await serving
        listener.close()
