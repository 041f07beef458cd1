"""`POST /slack/events`: events, interactions and commands over HTTP. The signature is checked before anything else."""

import time
from collections.abc import Callable

import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from adapters.slack.door import Door
from adapters.slack.errors import PayloadError
from adapters.slack.payloads import parse_form, parse_json
from adapters.slack.signature import BODY_LIMIT_BYTES, is_genuine
from agent.errors import StoreUnavailableError

log = structlog.get_logger(__name__)
PATH = "/slack/events"


class TooLargeError(Exception):
    """More than Slack ever sends."""


def build_route(door: Door, signing_secret: str, now: Callable[[], float] = time.time) -> Route:
    """The route. `now` is the wall clock, in seconds."""

    async def respond(request: Request) -> Response:
        try:
            body = await _read_body(request)
        except TooLargeError:
            return Response(status_code=413)
        timestamp = request.headers.get("x-slack-request-timestamp", "")
        signature = request.headers.get("x-slack-signature", "")
        if not is_genuine(signing_secret, timestamp, signature, body, now()):
            return Response(status_code=401)
        is_form = request.headers.get("content-type", "").casefold().startswith("application/x-www-form-urlencoded")
        try:
            answer = await door.take(parse_form(body) if is_form else parse_json(body))
        except PayloadError:
            return Response(status_code=400)
        except StoreUnavailableError as error:
            log.warning("store_away", during="slack http", error=str(error))
            return Response(status_code=503)
        return JSONResponse(answer) if answer else Response(status_code=200)

    return Route(PATH, respond, methods=["POST"])


async def _read_body(request: Request) -> bytes:
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > BODY_LIMIT_BYTES:
            raise TooLargeError
    return bytes(body)
