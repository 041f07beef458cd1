"""Anything at all, sent to every route: never a fault of ours."""

import copy
import functools
import json
from collections import defaultdict
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.api.operations import OPERATIONS
from tests.adapters.api.bodies import BODIES
from tests.adapters.api.caller import OPERATOR, Caller, authorize, build_app, error_of
from tests.adapters.api.fake import FakeGateway
from tests.adapters.api.fake_memories import ANNS_TOKEN

CASES = settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
CASES_OF_EACH = settings(CASES, max_examples=40)

_scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
_json = st.recursive(
    _scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
)
_details = st.fixed_dictionaries(
    {},
    optional={
        "id": _json | st.text(min_size=1, max_size=5),
        "email": _json | st.just("a@b"),
        "first_name": _json,
        "timezone": _json,
        "additional_attributes": _json | st.dictionaries(st.text(max_size=5), _json, max_size=3),
    },
)
_bodies = st.fixed_dictionaries(
    {"prompt": st.text(max_size=20) | _json},
    optional={
        "user_details": _details | _json,
        "session_id": st.text(max_size=5) | _json,
        "agent": st.sampled_from(["assistant", "support"]) | _json,
        "audience": st.sampled_from(["private", "shared"]) | _json,
        "stream": _json,
        "wait": st.floats(0, 120) | _json,
        "x": _json,
    },
)
_bytes = st.binary(max_size=200) | _json.map(lambda value: json.dumps(value).encode())
_values = st.binary(max_size=30).map(lambda value: bytes(c for c in value if c not in b"\r\n\0"))
_headers = st.dictionaries(
    st.sampled_from([b"content-type", b"idempotency-key", b"last-event-id", b"content-encoding", b"accept"]), _values
)


@functools.cache
def _caller(*, has_token: bool = True) -> Caller:
    """One for all cases: what they leave behind is more to go wrong with."""
    gateway = FakeGateway()
    gateway.on_accept = lambda task_id: gateway.answer(task_id, "Hi")
    caller = Caller(build_app(gateway), OPERATOR)
    if not has_token:
        del caller.client.headers["authorization"]
    return caller


def _is_told(response: httpx2.Response) -> None:
    assert response.status_code < 500
    if response.status_code >= 400:
        assert error_of(response)["message"]


@given(body=_bodies)
@CASES
async def test_no_body_of_a_task_is_a_fault(body: Any) -> None:
    """Close to right is where checks are forgotten. Proves: API-8."""
    content = json.dumps(body).encode()
    _is_told(
        await _caller().client.post("/api/v1/tasks", content=content, headers={"content-type": "application/json"})
    )


def _places(body: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str]]:
    """Every field of a body, and one that does not exist in each of its objects."""
    for name, value in body.items():
        yield body, name
        if isinstance(value, dict):
            yield from _places(value)
    yield body, "x"


@given(data=st.data())
@CASES_OF_EACH
@pytest.mark.parametrize("operation", [o for o in OPERATIONS if o.body], ids=lambda operation: operation.name)
async def test_no_field_of_any_body_that_is_wrong_or_unknown_is_a_fault(operation: Any, data: st.DataObject) -> None:
    """Right but for one place, however deep it is. Proves: API-8."""
    body = copy.deepcopy(BODIES[operation.body])
    place, name = data.draw(st.sampled_from(list(_places(body))))
    place[name] = data.draw(_json)
    content = json.dumps(body).encode()
    headers = {"content-type": "application/json"}
    if operation.scope is None:
        headers["authorization"] = f"Bearer {ANNS_TOKEN}"
    path = operation.path.format_map(defaultdict(lambda: "x"))
    _is_told(await _caller().client.request(operation.method, path, content=content, headers=headers))


@given(body=_bytes, headers=_headers, has_token=st.booleans())
@CASES_OF_EACH
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
async def test_no_bytes_and_no_headers_are_a_fault(
    operation: Any, body: bytes, headers: dict[bytes, bytes], has_token: bool
) -> None:
    """Whatever a stranger sends, to whichever route. Proves: API-8."""
    caller = _caller(has_token=has_token)
    receipt = {"task_id": "task_1", "session_id": "ticket-7"}
    names = {"user_id": "ann", "memory_id": "mem_1", "optimization_id": "opt_1", "identity_id": "idn_2"}
    names |= {"agent_id": "support", "name": "hours.md", "revision": "4", "approval_id": "apr_1"}
    if has_token:
        receipt = (await caller.give(session_id="ticket-7")).json()
    response = await caller.client.request(
        operation.method, operation.path.format_map({**receipt, **names}), content=body, headers=headers
    )
    _is_told(response)
    assert has_token or response.status_code == 401


@given(name=st.text(max_size=30), query=st.text(max_size=30))
@CASES_OF_EACH
async def test_no_name_and_no_query_is_a_fault(name: str, query: str) -> None:
    """Names reach the database; what it cannot hold must not. Proves: API-8."""
    caller = _caller()
    for operation in OPERATIONS:
        path = operation.path.format_map(defaultdict(lambda: quote(name, safe="")))
        _is_told(await caller.client.request(operation.method, f"{path}?{quote(query, safe='=&')}"))
        _is_told(await caller.client.request(operation.method, f"{path}?before={quote(query)}&limit={quote(query)}"))


@given(path=st.binary(max_size=40))
@CASES
async def test_no_raw_path_is_a_fault(path: bytes) -> None:
    """Servers hand on what came in. Proves: API-8."""
    app = _caller().app
    statuses: list[int] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        statuses.extend([message["status"]] if message["type"] == "http.response.start" else [])

    raw = b"/api/v1/sessions/" + path
    scope = {
        "type": "http",
        "method": "GET",
        "path": raw.decode("latin-1"),
        "raw_path": raw,
        "root_path": "",
        "query_string": path,
        "headers": [(name.encode(), value.encode()) for name, value in authorize(OPERATOR).items()],
    }
    await app(scope, receive, send)
    assert statuses
    assert statuses[0] < 500
