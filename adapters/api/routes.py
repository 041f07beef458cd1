"""The API as a list of routes."""

from collections.abc import Collection, Sequence

from starlette.routing import BaseRoute, Route

from adapters.api.context import Api, Bounds, Operating, Remembering
from adapters.api.openapi import render_openapi
from adapters.api.operation import Operation
from adapters.api.operations import OPERATIONS
from adapters.api.resource import Document, Nowhere, Resource, SegmentRoute
from adapters.api.tokens import ApiToken
from adapters.ports import Gateway
from agent.ids import AgentId

ROOT = "/api/v1"
OPENAPI = "/openapi.json"
BOUNDS = Bounds()


def build_api(
    gateway: Gateway,
    tokens: Sequence[ApiToken],
    agents: Collection[AgentId],
    default_agent: AgentId,
    remembering: Remembering,
    operating: Operating,
    bounds: Bounds = BOUNDS,
) -> list[BaseRoute]:
    """The routes of the API; the last one answers every other path under `/api/v1`.

    Raises `ValueError` when the default agent is not among the agents.
    """
    if default_agent not in agents:
        raise ValueError(f"default agent {default_agent}: expected one of {', '.join(sorted(agents))}")
    api = Api(
        gateway=gateway,
        remembering=remembering,
        operating=operating,
        agents=frozenset(agents),
        default_agent=default_agent,
        bounds=bounds,
    )
    by_path: dict[str, dict[str, Operation]] = {}
    for operation in OPERATIONS:
        by_path.setdefault(operation.path, {})[operation.method] = operation
    return [
        *(SegmentRoute(path, Resource(api, tuple(tokens), methods)) for path, methods in by_path.items()),
        Route(OPENAPI, Document(render_openapi(OPERATIONS))),
        Route(ROOT + "/{rest:path}", Nowhere()),
    ]
