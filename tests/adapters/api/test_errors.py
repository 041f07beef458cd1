"""What a caller is told when something is wrong: always in one form, and never by a 5xx of ours."""

import asyncio
import json
from typing import Any

import pytest

from adapters import deadlines
from adapters.api.context import Remembering
from adapters.api.errors import MEANING, STATUS, ErrorCode
from adapters.api.errors import error_of as told
from adapters.api.routes import build_api
from agent.errors import LeaseLostError, NotFoundError
from agent.ids import AgentId
from agent.routing import Routes
from tests.adapters.api.caller import TASKS_PATH, Caller, error_of
from tests.adapters.api.fake import FakeGateway
from tests.adapters.api.fake_memories import FakeMemories, FakeTokens, FakeTurns
from tests.adapters.api.fake_operating import fake_operating
from tests.adapters.api.fake_people import FakePeople

REMEMBERING = Remembering(memories=FakeMemories(), turns=FakeTurns(), tokens=FakeTokens(), people=FakePeople())

DEEP = json.loads('{"a":' * 150 + "1" + "}" * 150)

WRONG_FIELDS: list[tuple[Any, str, str]] = [
    ([], "body", "body: expected an object"),
    ("prompt", "body", "body: expected an object"),
    ({}, "prompt", "prompt: expected a value; this field is required"),
    ({"prompt": 5}, "prompt", "prompt: expected a valid string"),
    ({"prompt": ""}, "prompt", "prompt: expected at least 1 character"),
    ({"prompt": " \n"}, "prompt", "prompt: expected a text that is not blank"),
    ({"prompt": "x" * 100_001}, "prompt", "prompt: expected at most 100000 characters"),
    (
        {"prompt": "x", "promt": "x"},
        "promt",
        "promt: there is no such field; expected only prompt, user_details, session_id, agent, audience, stream, wait",
    ),
    (
        {"prompt": "x", "user_details": {"id": "1", "nick": "a"}},
        "user_details.nick",
        "user_details.nick: there is no such field; expected only "
        "id, email, first_name, last_name, timezone, additional_attributes",
    ),
    ({"prompt": "x", "user_details": "ann"}, "user_details", "user_details: expected an object"),
    ({"prompt": "x", "user_details": {"id": 5}}, "user_details.id", "user_details.id: expected a valid string"),
    ({"prompt": "x", "user_details": {"id": ""}}, "user_details.id", "user_details.id: expected at least 1 character"),
    (
        {"prompt": "x", "user_details": {"id": "a\x00"}},
        "user_details.id",
        "user_details.id: expected printable characters, with no space at either end",
    ),
    (
        {"prompt": "x", "user_details": {"email": "not an address"}},
        "user_details.email",
        "user_details.email: expected an e-mail address such as ann@example.com",
    ),
    (
        {"prompt": "x", "user_details": {"id": "1", "additional_attributes": {"n": 2**70}}},
        "user_details.additional_attributes",
        "user_details.additional_attributes: expected numbers that fit in 64 bits",
    ),
    (
        {"prompt": "x", "user_details": {"id": "1", "additional_attributes": {"n": "x" * 20_000}}},
        "user_details.additional_attributes",
        "user_details.additional_attributes: expected at most 16384 bytes of JSON",
    ),
    (
        {"prompt": "x", "session_id": "two words"},
        "session_id",
        "session_id: expected 1 to 200 printable ASCII characters without spaces",
    ),
    (
        {"prompt": "x", "session_id": "x" * 201},
        "session_id",
        "session_id: expected 1 to 200 printable ASCII characters without spaces",
    ),
    (
        {"prompt": "x", "session_id": ""},
        "session_id",
        "session_id: expected 1 to 200 printable ASCII characters without spaces",
    ),
    ({"prompt": "x", "audience": "public"}, "audience", "audience: expected 'private' or 'shared'"),
    ({"prompt": "x", "stream": "yes"}, "stream", "stream: expected a valid boolean"),
    ({"prompt": "x", "wait": "long"}, "wait", "wait: expected true, false or seconds from 0 to 120"),
    ({"prompt": "x", "wait": 121}, "wait", "wait: expected true, false or seconds from 0 to 120"),
    ({"prompt": "x", "wait": -1}, "wait", "wait: expected true, false or seconds from 0 to 120"),
    ({"prompt": "x", "wait": None}, "wait", "wait: expected true, false or seconds from 0 to 120"),
    ({"prompt": "x", "wait": 5, "stream": True}, "wait", "wait: expected either this or `stream`, not both"),
]


@pytest.mark.parametrize(("body", "field", "message"), WRONG_FIELDS)
async def test_a_wrong_field_is_named_with_what_was_expected(
    gateway: FakeGateway, caller: Caller, body: Any, field: str, message: str
) -> None:
    """Who reads the answer knows what to change, without the documentation. Proves: API-8."""
    response = await caller.client.post(TASKS_PATH, json=body)

    assert response.status_code == 422
    assert error_of(response) == {"code": "invalid", "message": message, "field": field}
    assert gateway.accepted == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff",
        b'{"prompt": "\\ud800"}',
        b'{"prompt": NaN}',
        b"[" * 5000,
        b'{"prompt": ' + b"1" * 5000 + b"}",
    ],
)
async def test_a_body_that_is_not_json_is_malformed(gateway: FakeGateway, caller: Caller, body: bytes) -> None:
    """And so is what some readers of JSON take and others do not. Proves: API-8."""
    headers = {"content-type": "application/json; charset=utf-8"}
    response = await caller.client.post(TASKS_PATH, content=body, headers=headers)

    assert (response.status_code, error_of(response)["code"]) == (400, "malformed")
    assert error_of(response)["message"].startswith("body: expected JSON (")


async def test_attributes_may_be_nested_but_not_endless(gateway: FakeGateway, caller: Caller) -> None:
    """Whatever is accepted can be read and written again. Proves: API-8."""
    details = {"id": "1", "additional_attributes": DEEP}
    infinite = b'{"prompt": "x", "user_details": {"id": "1", "additional_attributes": {"n": 1e999}}}'
    headers = {"content-type": "application/json"}

    assert (await caller.give(user_details=details)).status_code == 202
    response = await caller.client.post(TASKS_PATH, content=infinite, headers=headers)

    assert error_of(response)["field"] == "user_details.additional_attributes"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"content-type": "text/plain"},
        {"content-type": "application/x-www-form-urlencoded"},
        {"content-type": "application/json", "content-encoding": "gzip"},
    ],
)
async def test_a_body_of_another_kind_is_refused(caller: Caller, headers: dict[str, str]) -> None:
    """A form that a foreign page can post is never read as JSON. Proves: API-8."""
    response = await caller.client.post(TASKS_PATH, content=b'{"prompt": "x"}', headers=headers)

    assert (response.status_code, error_of(response)["code"]) == (415, "unsupported_media_type")


async def test_a_body_that_is_too_large_is_refused(gateway: FakeGateway, caller: Caller) -> None:
    """Bodies are bounded before they are understood. Proves: API-11."""
    response = await caller.give("x" * 300_000)

    assert (response.status_code, error_of(response)["code"]) == (413, "too_large")
    assert gateway.accepted == []


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("sessions/t/messages?limit=0", "limit"),
        ("sessions/t/messages?limit=201", "limit"),
        ("sessions/t/messages?before=zero", "before"),
        ("sessions/t/messages?before=" + "9" * 30, "before"),
        ("sessions/t/runs?before=-1", "before"),
        ("sessions/t?what=1", "what"),
        ("tasks/task_1?wait=1", "wait"),
        ("tasks/task_1/events?after=1", "after"),
        ("sessions?before=yesterday", "before"),
        ("sessions?before=0001-01-01T00:00:00%2B14:00", "before"),
        ("sessions?before=9999-12-31T23:59:59-14:00", "before"),
        ("sessions?before=2026-11-20T09:30:00", "before"),
    ],
)
async def test_a_wrong_query_is_named(operator: Caller, path: str, field: str) -> None:
    """A misspelt parameter that is passed over gives the wrong page without a word. Proves: API-8."""
    response = await operator.get(f"/api/v1/{path}")

    assert response.status_code == 422
    assert error_of(response)["field"] == field
    assert error_of(response)["message"].startswith(f"{field}: ")


async def test_a_busy_session_says_when_to_come_back(gateway: FakeGateway, caller: Caller) -> None:
    """A whole number of seconds, never zero: a client that waits so long is not sent away at once. Proves: API-10."""
    for retry_after_s, header in ((2.2, "3"), (0.0, "1")):
        gateway.busy_s = retry_after_s
        response = await caller.give()

        assert response.status_code == 429
        assert response.headers["retry-after"] == header
        assert error_of(response) == {"code": "busy", "message": "Too many questions are waiting here."}


async def test_a_database_that_is_away_is_unavailable_everywhere(
    gateway: FakeGateway, caller: Caller, operator: Caller
) -> None:
    """The caller learns that nothing was taken in and when to try again, and nothing of our insides. Proves: API-10."""
    gateway.is_away = True
    responses = [
        await caller.give(),
        await caller.give(user_details={"id": "1"}, stream=True),
        await caller.get("/api/v1/tasks/task_1"),
        await caller.get("/api/v1/tasks/task_1/events"),
        await caller.post("/api/v1/tasks/task_1/stop"),
        await caller.get("/api/v1/sessions/t"),
        await caller.get("/api/v1/sessions/t/messages"),
        await caller.get("/api/v1/sessions/t/runs"),
        await operator.get("/api/v1/sessions"),
    ]

    for response in responses:
        assert response.status_code == 503
        assert response.headers["retry-after"] == "2"
        assert error_of(response)["code"] == "unavailable"
        assert "10.1.2.3" not in response.text


async def test_wrong_methods_and_paths_are_answered_in_the_same_form(caller: Caller) -> None:
    """A client that reads errors has one form to read. Proves: API-16."""
    wrong_method = await caller.client.delete("/api/v1/tasks/task_1")
    wrong_path = await caller.get("/api/v1/tasks/")
    on_document = await caller.post("/openapi.json")

    assert (wrong_method.status_code, error_of(wrong_method)["code"]) == (405, "method_not_allowed")
    assert wrong_method.headers["allow"] == "GET, HEAD"
    assert (wrong_path.status_code, error_of(wrong_path)["code"]) == (404, "not_found")
    assert (on_document.status_code, error_of(on_document)["code"]) == (405, "method_not_allowed")


async def test_answers_are_not_kept_by_those_they_pass(gateway: FakeGateway, caller: Caller) -> None:
    """They hold what people said. Proves: API-16."""
    session_id = gateway.add_session("web:demo:t")
    for response in (
        await caller.give(),
        await caller.give(""),
        await caller.get("/api/v1/x"),
        await caller.get(f"/api/v1/sessions/{session_id}"),
    ):
        assert response.headers["cache-control"] == "no-store"


async def test_a_head_request_gets_the_head_alone(gateway: FakeGateway, caller: Caller) -> None:
    """Of a stream too, which would otherwise never end. Proves: API-16."""
    task_id = (await caller.give()).json()["task_id"]
    task = await caller.client.head(f"{TASKS_PATH}/{task_id}")
    stream = await caller.client.head(f"{TASKS_PATH}/{task_id}/events")

    assert (task.status_code, task.content) == (200, b"")
    assert stream.headers["content-type"].startswith("text/event-stream")
    assert gateway.watchers == []


def test_every_code_has_a_status_and_a_meaning() -> None:
    """The documentation and the description are made of them. Proves: API-14."""
    assert set(STATUS) == set(MEANING) == set(ErrorCode)


def test_errors_that_are_not_for_people_lose_their_text() -> None:
    """Exception text never reaches a channel. Proves: API-10."""
    lost = told(LeaseLostError("worker 5 at 10.1.2.3"))
    missing = told(NotFoundError())

    assert (lost.status, str(lost)) == (503, "Another process has taken over this conversation.")
    assert (missing.status, str(missing)) == (404, "There is no such thing here.")


def test_the_api_is_not_built_on_a_default_agent_that_is_not_there(gateway: FakeGateway) -> None:
    """A wrong configuration fails at the start, not at the first request. Proves: API-8."""
    with pytest.raises(ValueError, match="default agent x: expected one of a"):
        build_api(gateway, [], [AgentId("a")], Routes(default_id=AgentId("x")), REMEMBERING, fake_operating())


async def test_a_store_that_is_slow_at_each_step_costs_a_sender_no_more_time_than_one_that_is_away(
    gateway: FakeGateway, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of a request's statements may be in time, and all of them together too late. Proves: RE-14."""
    monkeypatch.setattr(deadlines, "TOLD_S", 0.01)

    async def load_nothing(*_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(gateway, "load_session", load_nothing)
    async with asyncio.timeout(5):
        response = await caller.give(session_id="api:some")
    assert response.status_code == 503
    assert gateway.tasks == {}


@pytest.mark.parametrize("path", ["/api/v1/tasks/task_1", "/api/v1/sessions/api%3Asome"])
async def test_who_only_looks_is_told_in_time_too(
    gateway: FakeGateway, caller: Caller, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """A caller that polls would hold a connection for as long as a run may wait. Proves: RE-14."""
    monkeypatch.setattr(deadlines, "TOLD_S", 0.01)

    async def load_nothing(*_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(gateway, "load_session", load_nothing)
    monkeypatch.setattr(gateway, "load_task", load_nothing)
    async with asyncio.timeout(5):
        response = await caller.get(path)
    assert (response.status_code, error_of(response)["code"]) == (503, "unavailable")
