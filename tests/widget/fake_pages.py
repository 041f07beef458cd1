"""The pages a test gateway serves beside the protocol, under the strictest policy the widget promises to work under."""

from collections.abc import Mapping
from pathlib import Path

from websockets.asyncio.server import ServerConnection
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

ROOT = Path(__file__).parents[2]
PAGES = {
    "/": ROOT / "gateway/pages/demo.html",
    "/demo.js": ROOT / "gateway/pages/demo.js",
    "/demo.css": ROOT / "gateway/pages/demo.css",
    "/widget.js": ROOT / "widget/dist/widget.js",
}
KINDS = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
}
CSP = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)


def serve_page(connection: ServerConnection, request: Request, extra: Mapping[str, str]) -> Response:
    """One of the pages, or of `extra` (path to HTML); 404 for anything else."""
    path = request.path.split("?")[0]
    file = PAGES.get(path)
    if file is None and path not in extra:
        return connection.respond(404, "no such page\n")
    body = file.read_bytes() if file else extra[path].encode()
    kind = KINDS[file.suffix if file else ".html"]
    headers = Headers({"Content-Type": kind, "Content-Length": str(len(body)), "Content-Security-Policy": CSP})
    return Response(200, "OK", headers, body)
