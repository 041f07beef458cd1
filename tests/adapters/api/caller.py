"""A caller of the API, in process, and the application that is called."""

from typing import Any

import httpx2
from starlette.applications import Starlette
from starlette.middleware import Middleware

from adapters.api.context import Bounds, Remembering
from adapters.api.routes import build_api
from adapters.api.tokens import ApiToken, Scope
from adapters.http_limits import HttpLimits
from agent.ids import AgentId
from agent.routing import Routes
from tests.adapters.api.fake import FakeGateway
from tests.adapters.api.fake_memories import FakeMemories, FakeTokens, FakeTurns
from tests.adapters.api.fake_operating import FakeFiles, fake_operating
from tests.adapters.api.fake_people import FakePeople, as_people

TASKS = ApiToken(name="shop", secret="shop-secret-0123456789", scopes=frozenset({Scope.TASKS}))
OTHER = ApiToken(name="desk", secret="desk-secret-0123456789", scopes=frozenset({Scope.TASKS}))
OPERATOR = ApiToken(name="root", secret="root-secret-0123456789", scopes=frozenset({Scope.OPERATOR}))
TASKS_PATH = "/api/v1/tasks"


MEMORIES = ApiToken(name="crm", secret="crm-secret-0123456789", scopes=frozenset({Scope.MEMORIES}))


def build_app(
    gateway: FakeGateway,
    *,
    heartbeat_s: float = 60.0,
    send_timeout_s: float = 60.0,
    memories: FakeMemories | None = None,
    files: FakeFiles | None = None,
) -> Starlette:
    """The API in an application of its own, behind the limits that it runs with."""
    routes = build_api(
        gateway,
        [TASKS, OTHER, OPERATOR, MEMORIES],
        [AgentId("assistant"), AgentId("support")],
        Routes(default_id=AgentId("assistant")),
        Remembering(
            memories=memories or FakeMemories(), turns=FakeTurns(), tokens=FakeTokens(), people=as_people(FakePeople())
        ),
        fake_operating(files),
        Bounds(heartbeat_s=heartbeat_s, send_timeout_s=send_timeout_s),
    )
    return Starlette(routes=routes, middleware=[Middleware(HttpLimits)])


def authorize(token: ApiToken) -> dict[str, str]:
    """The header that carries a token."""
    return {"authorization": f"Bearer {token.secret}"}


class Caller:
    """Somebody with a token."""

    def __init__(self, app: Starlette, token: ApiToken = TASKS) -> None:
        self.app = app
        self.token = token
        self.client = httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=app), base_url="http://parley.test", headers=authorize(token)
        )

    async def get(self, path: str, **headers: str) -> httpx2.Response:
        """GET a path."""
        return await self.client.get(path, headers=_spell(headers))

    async def post(self, path: str, **headers: str) -> httpx2.Response:
        """POST without a body."""
        return await self.client.post(path, headers=_spell(headers))

    async def give(self, prompt: str = "Hello", *, key: str | None = None, **fields: Any) -> httpx2.Response:
        """Give a task."""
        headers = {"idempotency-key": key} if key is not None else {}
        return await self.client.post(TASKS_PATH, json={"prompt": prompt, **fields}, headers=headers)


def _spell(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


def error_of(response: httpx2.Response) -> dict[str, Any]:
    """The error in an answer; fails when the answer has another form."""
    body = response.json()
    assert set(body) == {"error"}
    assert set(body["error"]) <= {"code", "message", "field"}
    assert {"code", "message"} <= set(body["error"])
    error: dict[str, Any] = body["error"]
    return error
