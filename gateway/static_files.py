"""Files of ours as they are served: read once, compressed once, and not sent again to whoever has them."""

import gzip
import hashlib
from importlib.resources.abc import Traversable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
FRAMES_POLICY = PAGE_POLICY.replace("frame-ancestors 'none'", "frame-src 'self'; frame-ancestors 'self'")
"""For pages of ours that show one another."""
_TYPES = {"html": "text/html; charset=utf-8", "css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8"}


def serve_file(path: str, file: Traversable, *, policy: str | None = PAGE_POLICY) -> Route:
    """The file at a path. One without a policy is public: it may be used from other sites' pages."""
    body, kind = file.read_bytes(), _TYPES[file.name.rpartition(".")[2]]
    packed = gzip.compress(body, 9, mtime=0)
    headers = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
    if policy is None:
        headers |= {"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin"}
    else:
        headers |= {"Content-Security-Policy": policy, "Referrer-Policy": "no-referrer"}
    tag = hashlib.sha256(body).hexdigest()[:16]

    async def respond(request: Request) -> Response:
        is_packed = "gzip" in request.headers.get("accept-encoding", "")
        mark = f'"{tag}-gz"' if is_packed else f'"{tag}"'
        if mark in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers={**headers, "ETag": mark})
        if is_packed:
            return Response(packed, media_type=kind, headers={**headers, "ETag": mark, "Content-Encoding": "gzip"})
        return Response(body, media_type=kind, headers={**headers, "ETag": mark})

    return Route(path, respond)
