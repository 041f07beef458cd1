"""The widget's server side as it is mounted."""

from collections.abc import Collection, Mapping

from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import Receive, Scope, Send

from adapters.http_limits import Refuse
from adapters.memory_ports import Memories
from adapters.ports import People, WidgetGateway
from adapters.widget.connections import Connections
from adapters.widget.door import Door
from adapters.widget.errors import SiteInvalidError
from adapters.widget.fallback import Fallback
from adapters.widget.greeting import Greeter
from adapters.widget.identifying import Identifier
from adapters.widget.keys import derive_secret
from adapters.widget.limits import Limits
from adapters.widget.links import FILES_PATH, UPLOADS_PATH
from adapters.widget.own_data import OwnData
from adapters.widget.sites import Site
from adapters.widget.socket import Service
from adapters.widget.uploads import Uploads
from adapters.widget.websocket import WebsocketEndpoint

WEBSOCKET_PATH = "/widget/ws"
EVENTS_PATH = "/widget/events"
FRAMES_PATH = "/widget/frames"


class _EventsEndpoint:
    """Starlette takes an object for an ASGI application, and a function for something that gives a response."""

    def __init__(self, fallback: Fallback) -> None:
        self._fallback = fallback

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._fallback.serve_events(scope, receive, send)


class Widget:
    """All connections of this process. `routes` are to be mounted; `drain` ends them before a restart.

    `refusals` are for `HttpLimits`: how a body is refused by path.
    """

    def __init__(self, connections: Connections, uploads: Uploads) -> None:
        self._connections = connections
        fallback = Fallback(connections)
        self.routes: list[BaseRoute] = [
            WebSocketRoute(WEBSOCKET_PATH, WebsocketEndpoint(connections)),
            Route(EVENTS_PATH, _EventsEndpoint(fallback), methods=["GET", "OPTIONS"]),
            Route(FRAMES_PATH, fallback.serve_frame, methods=["POST", "OPTIONS"]),
            Route(UPLOADS_PATH, uploads.upload, methods=["POST", "OPTIONS"]),
            Route(f"{FILES_PATH}/{{name}}", uploads.open, methods=["GET"]),
        ]
        self.refusals: Mapping[str, Refuse] = {FRAMES_PATH: fallback.refuse_body, UPLOADS_PATH: uploads.refuse_body}

    @property
    def connection_count(self) -> int:
        """How many peers are connected."""
        return len(self._connections)

    def see_off(self, changes: Collection[tuple[bytes, str]]) -> None:
        """User ids (SHA-256) were `merged`, `split` or `erased`: who is connected as one of them comes back as who they
        are, or not at all.
        """
        self._connections.see_off(changes)

    async def drain(self, within_s: float = 5.0, reconnect_after_ms: int = 1_000) -> None:
        """Tell every peer to come back after the time given (up to twice that, each another), and see them off.

        Returns when all are gone, or after `within_s`. Who comes later is turned away with 1012.
        """
        await self._connections.drain(within_s, reconnect_after_ms)


def build_widget(
    gateway: WidgetGateway,
    sites: Mapping[str, Site],
    secret: bytes,
    instance_id: str,
    limits: Limits | None = None,
    people: People | None = None,
    memories: Memories | None = None,
) -> Widget:
    """The widget's server side. `secret` signs what visitors keep: another one makes strangers of them all.

    `instance_id` names the database. Without `people` nobody becomes somebody else, and without
    `memories` too nobody sees what is kept of them.
    Raises `SiteInvalidError` for a bad secret, or a site under another's key.
    """
    for key, site in sites.items():
        if key != site.key:
            raise SiteInvalidError(f"sites.{key}: expected the site of this key")
    derived = derive_secret(secret)
    greeter = Greeter(gateway, derived, instance_id, people)
    identifier = Identifier(greeter, people) if people is not None else None
    own_data = OwnData(memories, people) if people is not None and memories is not None else None
    service = Service(
        gateway=gateway, greeter=greeter, limits=limits or Limits(), identifier=identifier, own_data=own_data
    )
    connections = Connections(Door(sites, derived), service)
    return Widget(connections, Uploads(connections, gateway, derived.links, service.limits.file_bytes))
