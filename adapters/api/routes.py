"""The API as a list of routes."""

from collections.abc import Collection, Sequence
from functools import partial

from starlette.routing import BaseRoute, Route

from adapters.api.context import Api, Bounds, Operating, Remembering
from adapters.api.openapi import render_openapi
from adapters.api.operation import Operation
from adapters.api.operations import OPERATIONS
from adapters.api.quota import Quota
from adapters.api.resource import Document, Nowhere, Resource, SegmentRoute
from adapters.api.tokens import ApiToken
from adapters.ports import Gateway
from agent.ids import AgentId
from agent.routing import Routes

ROOT = "/api/v1"
OPENAPI = "/openapi.json"
BOUNDS = Bounds()


def build_api(
    gateway: Gateway,
    tokens: Sequence[ApiToken],
    agents: Collection[AgentId],
    routes: Routes,
    remembering: Remembering,
    operating: Operating,
    bounds: Bounds = BOUNDS,
) -> list[BaseRoute]:
    """The routes of the API; the last one answers every other path under `/api/v1`.

    Raises `ValueError` when the default agent is not among the agents.
    """
    if routes.default_id not in agents:
        raise ValueError(f"default agent {routes.default_id}: expected one of {', '.join(sorted(agents))}")
    api = Api(
        gateway=gateway,
        remembering=remembering,
        operating=operating,
        agents=frozenset(agents),
        routes=routes,
        bounds=bounds,
        quota=Quota(bounds.person_count, bounds.address_count),
    )
    by_path: dict[str, dict[str, Operation]] = {}
    for operation in OPERATIONS:
        by_path.setdefault(operation.path, {})[operation.method] = operation
    return [
        *(SegmentRoute(path, Resource(api, tuple(tokens), methods)) for path, methods in by_path.items()),
        Route(OPENAPI, Document(partial(render_openapi, OPERATIONS))),
        Route(ROOT + "/{rest:path}", Nowhere()),
    ]
