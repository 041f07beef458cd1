"""The API as a list of routes."""

from collections.abc import Collection, Sequence

from starlette.routing import BaseRoute, Route

from adapters.api.context import Api, Operating, Remembering
from adapters.api.openapi import render_openapi
from adapters.api.operation import Operation
from adapters.api.operations import OPERATIONS
from adapters.api.resource import Document, Nowhere, Resource, SegmentRoute
from adapters.api.tokens import ApiToken
from adapters.ports import Gateway
from agent.ids import AgentId

ROOT = "/api/v1"
OPENAPI = "/openapi.json"
HEARTBEAT_S = 15.0
SEND_TIMEOUT_S = 30.0
MAX_WAITING = 20


def build_api(
    gateway: Gateway,
    tokens: Sequence[ApiToken],
    agents: Collection[AgentId],
    default_agent: AgentId,
    remembering: Remembering,
    operating: Operating,
    *,
    reserved: Collection[str] = ("slack", "web"),
    max_waiting: int | None = MAX_WAITING,
    heartbeat_s: float = HEARTBEAT_S,
    send_timeout_s: float = SEND_TIMEOUT_S,
) -> list[BaseRoute]:
    """The routes of the API; the last one answers every other path under `/api/v1`.

    `reserved` are the first parts of the session ids that other channels give, `max_waiting` bounds how many people's
    turns may wait in a session. Raises `ValueError` when the default agent is not among the agents.
    """
    if default_agent not in agents:
        raise ValueError(f"default agent {default_agent}: expected one of {', '.join(sorted(agents))}")
    api = Api(
        gateway=gateway,
        remembering=remembering,
        operating=operating,
        agents=frozenset(agents),
        default_agent=default_agent,
        reserved=frozenset(reserved),
        max_waiting=max_waiting,
        heartbeat_s=heartbeat_s,
        send_timeout_s=send_timeout_s,
    )
    by_path: dict[str, dict[str, Operation]] = {}
    for operation in OPERATIONS:
        by_path.setdefault(operation.path, {})[operation.method] = operation
    return [
        *(SegmentRoute(path, Resource(api, tuple(tokens), methods)) for path, methods in by_path.items()),
        Route(OPENAPI, Document(render_openapi(OPERATIONS))),
        Route(ROOT + "/{rest:path}", Nowhere()),
    ]
