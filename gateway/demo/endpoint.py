"""An HTTP exchange with a model, as values: what a transport or a socket carries to it and back."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from agent.records import JsonObject, JsonValue
from gateway.demo.wire import WireError, render_error

EVENT_STREAM = "text/event-stream; charset=utf-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpAsk:
    """A request. Header names are in lower case; `path` is without the query."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> JsonValue:
        """The body; raises `WireError` where it is not JSON."""
        try:
            value: JsonValue = json.loads(self.body)
        except ValueError:
            raise WireError(400, "invalid_request_error", "The request body is not valid JSON") from None
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpReply:
    """An answer: the body comes in pieces. Whoever stops reading closes `pieces`."""

    status: int
    pieces: AsyncIterator[bytes]
    headers: Mapping[str, str] = field(default_factory=dict)


Endpoint: TypeAlias = Callable[[HttpAsk], Awaitable[HttpReply]]


def json_reply(body: JsonObject, status: int = 200, headers: Mapping[str, str] | None = None) -> HttpReply:
    """An answer in one piece."""
    data = json.dumps(body, ensure_ascii=False).encode()
    return HttpReply(status=status, pieces=_once(data), headers={"content-type": "application/json", **(headers or {})})


def error_reply(error: WireError) -> HttpReply:
    """The vendor's form of an error."""
    return json_reply(render_error(error), error.status, error.headers)


def stream_reply(pieces: AsyncIterator[bytes]) -> HttpReply:
    """A stream of events."""
    return HttpReply(status=200, pieces=pieces, headers={"content-type": EVENT_STREAM})


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data
