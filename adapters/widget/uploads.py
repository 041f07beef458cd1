"""Files in and out, each by a signed link.

    POST /widget/uploads?key={…}&name={…}   the file as the body ─► 201 {"id", "name", "type", "size"}
    GET  /widget/files/{name}?key={…}       the file, to be saved, never to be shown as a page of this origin

What a file is, its content says. A refusal is a 4xx with {"code", "message"}.
"""

from collections.abc import Awaitable, Callable
from urllib.parse import quote

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import Scope

from adapters.ports import WidgetGateway
from adapters.widget.connections import Connections
from adapters.widget.errors import LinkRefusedError
from adapters.widget.fallback import allow_page
from adapters.widget.links import read_link
from adapters.widget.origins import address_of, origin_of
from adapters.widget.replies import render_attachment
from adapters.widget.socket import read_moment
from adapters.windows import Window
from agent.errors import BusyError, StoreUnavailableError
from agent.files import find_media_type, fit_name
from agent.text import storable

_UPLOADS, _UPLOADS_SPAN_S = 20, 60.0
_SAFE = {
    "Cache-Control": "private, no-store",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def refuse(status: int, code: str, message: str, origin: str | None) -> Response:
    """A refusal that the page may read."""
    return JSONResponse({"code": code, "message": message}, status, headers=allow_page(origin))


class Uploads:
    """Both endpoints. `secret` signs the links; `file_bytes` is the largest file."""

    def __init__(self, connections: Connections, gateway: WidgetGateway, secret: bytes, file_bytes: int) -> None:
        self._connections = connections
        self._gateway = gateway
        self._secret = secret
        self._file_bytes = file_bytes
        self._recent = Window(_UPLOADS, _UPLOADS_SPAN_S)

    async def upload(self, request: Request) -> Response:
        """Keep one file until it is sent."""
        origin = origin_of(request.scope)
        if not self._connections.door.knows_origin(origin):
            return refuse(403, "origin", "origin: expected one that a site allows", None)
        if request.method == "OPTIONS":
            allowed = {"Access-Control-Allow-Methods": "POST", "Access-Control-Allow-Headers": "content-type"}
            return Response(status_code=204, headers={**allow_page(origin), **allowed, "Access-Control-Max-Age": "600"})
        return await self._answer(request, origin, self._keep)

    def refuse_body(self, scope: Scope, status: int, code: str, message: str) -> Response:
        """What is refused before it comes here, in the form that the page reads."""
        return refuse(status, code, message, self._connections.find_page(scope))

    async def _answer(
        self, request: Request, origin: str | None, serve: Callable[[Request, str | None], Awaitable[Response]]
    ) -> Response:
        try:
            return await serve(request, origin)
        except LinkRefusedError as error:
            return refuse(403, "key", str(error), origin)
        except BusyError as error:
            return refuse(429, "busy", str(error), origin)
        except StoreUnavailableError as error:
            return refuse(503, "unavailable", error.sentence, origin)
        except ClientDisconnect:
            return refuse(400, "incomplete", "body: expected all of it", origin)

    async def _keep(self, request: Request, origin: str | None) -> Response:
        moment, address = read_moment(), address_of(request.scope)
        grant = read_link(self._secret, "upload", request.query_params.get("key", ""), moment.unix_s)
        if self._recent.wait_s(address, moment.monotonic_s) > 0:
            return refuse(429, "rate", "Too many files at once. Please wait a moment.", origin)
        self._recent.take(address, moment.monotonic_s)
        content = await self._read(request)
        if content is None:
            return refuse(413, "too_large", f"body: expected at most {self._file_bytes} bytes", origin)
        media_type = find_media_type(content)
        if media_type is None:
            return refuse(415, "type", "body: expected an image, a PDF, an office document or a text", origin)
        name = fit_name(storable(request.query_params.get("name", "")), media_type)
        kept = await self._gateway.save_attachment(
            grant.user_id, grant.session_id, name=name, media_type=media_type, content=content
        )
        return JSONResponse(render_attachment(kept), 201, headers=allow_page(origin))

    async def _read(self, request: Request) -> bytes | None:
        """The whole body; none when it is too large, and then the rest is not read."""
        content = bytearray()
        async for part in request.stream():
            content += part
            if len(content) > self._file_bytes:
                return None
        return bytes(content)

    async def open(self, request: Request) -> Response:
        """A file that was sent, for somebody who takes part where it was."""
        return await self._answer(request, None, self._give)

    async def _give(self, request: Request, _: str | None) -> Response:
        grant = read_link(self._secret, "open", request.query_params.get("key", ""), read_moment().unix_s)
        found = None
        if grant.attachment_id is not None:
            found = await self._gateway.load_attachment(grant.user_id, grant.session_id, grant.attachment_id)
        if found is None:
            return refuse(404, "not_found", "There is no such file here.", None)
        attachment, content = found
        saved_as = f"attachment; filename*=UTF-8''{quote(attachment.name, safe='')}"
        headers = {**_SAFE, "Content-Disposition": saved_as}
        return Response(content, media_type=attachment.media_type, headers=headers)
