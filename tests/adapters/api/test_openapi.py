"""The description of the API against the API."""

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel

from adapters.api.bodies import CreateTask, UserDetails
from adapters.api.context import Remembering
from adapters.api.errors import STATUS, ErrorCode
from adapters.api.event_views import EVENTS
from adapters.api.operations import OPERATIONS
from adapters.api.resource import Resource, SegmentRoute
from adapters.api.routes import build_api
from adapters.api.views import AcceptedView, AnsweredView, ErrorView, TaskView, UsageView
from agent.ids import AgentId
from agent.routing import Routes
from tests.adapters.api.bodies import BODIES
from tests.adapters.api.caller import TASKS, Caller
from tests.adapters.api.fake import FakeGateway
from tests.adapters.api.fake_memories import ANN, ANNS_TOKEN, TEA, FakeMemories, FakeTokens, FakeTurns
from tests.adapters.api.fake_operating import fake_operating
from tests.adapters.api.fake_people import LINKED, FakePeople

REMEMBERING = Remembering(memories=FakeMemories(), turns=FakeTurns(), tokens=FakeTokens(), people=FakePeople())
METHODS = {"get", "put", "post", "delete", "patch", "head", "options", "trace"}


@pytest.fixture
async def document(caller: Caller) -> dict[str, Any]:
    """The description as anybody gets it, without a token."""
    del caller.client.headers["authorization"]
    response = await caller.get("/openapi.json")
    assert response.headers["content-type"] == "application/json"
    described: dict[str, Any] = response.json()
    return described


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method in METHODS & set(item):
            yield method, path, item[method]


def _refs(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (ref for ref in [value.get("$ref")] if isinstance(ref, str))
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _refs(item)


async def test_what_is_routed_is_described_and_what_is_described_is_routed(
    gateway: FakeGateway, document: dict[str, Any]
) -> None:
    """A description that is made by hand is wrong by the second change. Proves: API-14."""
    routes = build_api(gateway, [TASKS], [AgentId("a")], Routes(default_id=AgentId("a")), REMEMBERING, fake_operating())
    resources = [(route.path, route.endpoint) for route in routes if isinstance(route, SegmentRoute)]
    routed = {
        (method.lower(), path)
        for path, resource in resources
        if isinstance(resource, Resource)
        for method in resource.operations
    }

    assert {(method, path) for method, path, _ in _operations(document)} == routed
    assert len(routed) == len(OPERATIONS) == 58


async def test_every_described_operation_answers(
    gateway: FakeGateway, operator: Caller, document: dict[str, Any]
) -> None:
    """With things in place none is missing, forbidden or of another method. Proves: API-14."""
    gateway.on_accept = lambda task_id: gateway.answer(task_id, "Hi")
    receipt = (await operator.give(session_id="ticket-7", user_details={"id": "ann"})).json()

    for method, path, described in _operations(document):
        ids = {
            "user_id": ANN,
            "memory_id": TEA.memory_id,
            "optimization_id": "opt_1",
            "identity_id": LINKED,
            "approval_id": "appr_1",
        }
        of_agents = {"agent_id": "support", "name": "hours.md", "revision": 4}
        url = path.format_map({**receipt, **ids, **of_agents})
        wanted = {p["name"]: "x" for p in described["parameters"] if p["in"] == "query" and p["required"]}
        operation = next(o for o in OPERATIONS if o.name == described["operationId"])
        body = BODIES[operation.body] if operation.body else None
        headers = {} if operation.scope else {"authorization": f"Bearer {ANNS_TOKEN}"}
        response = await operator.client.request(method.upper(), url, json=body, headers=headers, params=wanted)
        assert response.status_code in {200, 201, 202}, url
        assert str(response.status_code) in described["responses"]
        kind = response.headers["content-type"].partition(";")[0]
        assert kind in described["responses"][str(response.status_code)]["content"]


async def test_every_operation_says_what_can_go_wrong(document: dict[str, Any]) -> None:
    """Every code is described, with its status and the one form; every operation names its own. Proves: API-14."""
    errors = document["components"]["responses"]

    assert set(errors) == {code.value for code in ErrorCode}
    for described in errors.values():
        assert described["content"]["application/json"]["schema"]["$ref"].endswith("/ErrorView")
    for _, path, described in _operations(document):
        named = {status: answer["$ref"] for status, answer in described["responses"].items() if "$ref" in answer}
        assert {"401", "403", "422", "503"} <= set(named)
        assert ("404" in named) == (path not in {"/api/v1/sessions", "/api/v1/spend", "/api/v1/handoffs"})
        for status, ref in named.items():
            assert STATUS[ErrorCode(ref.rpartition("/")[2])] == int(status)


async def test_every_reference_leads_somewhere_and_every_operation_has_its_own_name(document: dict[str, Any]) -> None:
    """Generators of clients trip over the least thing. Proves: API-14."""
    for ref in set(_refs(document)):
        place: Any = document
        for part in ref.removeprefix("#/").split("/"):
            place = place[part]
        assert isinstance(place, dict)
    names = [described["operationId"] for _, _, described in _operations(document)]
    assert len(set(names)) == len(names)
    for _, path, described in _operations(document):
        in_path = {parameter["name"] for parameter in described["parameters"] if parameter["in"] == "path"}
        assert in_path == {part.strip("{}") for part in path.split("/") if part.startswith("{")}


async def test_the_description_names_its_version_and_how_to_be_let_in(document: dict[str, Any]) -> None:
    """What a reader of the description needs before anything else. Proves: API-14."""
    assert document["openapi"] == "3.1.0"
    assert document["components"]["securitySchemes"]["bearer"] == {"type": "http", "scheme": "bearer"}
    assert document["components"]["securitySchemes"]["person"]["scheme"] == "bearer"
    assert document["security"] == [{"bearer": []}]
    for _, path, described in _operations(document):
        assert ("security" in described) == path.startswith("/api/v1/me/")


@pytest.mark.parametrize("model", [CreateTask, UserDetails, ErrorView, UsageView, AcceptedView, AnsweredView, TaskView])
async def test_the_examples_are_right(document: dict[str, Any], model: type[BaseModel]) -> None:
    """People copy examples. Proves: API-14."""
    examples = document["components"]["schemas"][model.__name__]["examples"]

    assert examples
    for example in examples:
        model.model_validate(example)


async def test_a_stream_is_described_by_what_its_events_carry(document: dict[str, Any]) -> None:
    """OpenAPI has no words for events, so they stand beside the stream. Proves: API-14."""
    answers = document["paths"]["/api/v1/tasks"]["post"]["responses"]["200"]["content"]

    assert set(answers) == {"application/json", "text/event-stream"}
    assert set(answers["text/event-stream"]["x-events"]) == set(EVENTS)
