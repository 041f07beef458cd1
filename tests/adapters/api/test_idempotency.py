"""A request that is sent again."""

import pytest

from agent.ids import TaskId
from agent.records import RunState
from tests.adapters.api.caller import Caller, error_of
from tests.adapters.api.fake import FakeGateway


async def test_the_same_key_and_prompt_are_the_same_task(gateway: FakeGateway, caller: Caller) -> None:
    """A caller who lost the answer sends again, and must not have asked twice. Proves: API-2."""
    first = await caller.give("Cancel order 5", key="order-5")
    again = await caller.give("Cancel order 5", key="order-5")

    assert len(gateway.accepted) == 1
    assert again.status_code == 202
    assert again.json() == first.json() | {"is_duplicate": True}
    assert again.headers["location"] == first.headers["location"]


async def test_a_repeat_tells_how_the_task_stands_by_then(gateway: FakeGateway, caller: Caller) -> None:
    """The first answer was lost, so this one has to say what the caller would know. Proves: API-2."""
    task_id = TaskId((await caller.give(key="k", user_details={"id": "ann"})).json()["task_id"])
    gateway.answer(task_id, "Cancelled.")

    plain = (await caller.give(key="k", user_details={"id": "bob"})).json()
    waiting = await caller.give(key="k", wait=30)

    assert (plain["state"], plain["user_id"], plain["is_duplicate"]) == ("done", "ann", True)
    assert (waiting.status_code, waiting.json()["text"], waiting.json()["is_duplicate"]) == (200, "Cancelled.", True)
    assert gateway.waited_s == []


async def test_a_repeat_may_wait_for_a_task_that_still_runs(gateway: FakeGateway, caller: Caller) -> None:
    """Whoever sends again with `wait` wants the answer, not the news that they did so before. Proves: API-2."""
    gateway.note(TaskId((await caller.give(key="k")).json()["task_id"]), RunState.THINKING)

    response = await caller.give(key="k", wait=5)

    assert (response.status_code, response.json()["state"]) == (202, "running")
    assert gateway.waited_s == [5.0]


async def test_the_same_key_with_another_prompt_is_a_conflict(gateway: FakeGateway, caller: Caller) -> None:
    """To answer the old prompt would be wrong, and to take the new one would break the key's promise. Proves: API-2."""
    await caller.give("Cancel order 5", key="order-5")

    response = await caller.give("Cancel order 6", key="order-5")

    assert response.status_code == 409
    assert error_of(response)["code"] == "conflict"
    assert error_of(response)["field"] == "Idempotency-Key"
    assert len(gateway.accepted) == 1


async def test_callers_do_not_share_their_keys(gateway: FakeGateway, caller: Caller, other: Caller) -> None:
    """Two programs may both count from one; neither may get the other's task. Proves: API-2."""
    one, two = (await caller.give(key="1")).json(), (await other.give(key="1")).json()
    three = (await caller.give(key="1", session_id="ticket-7")).json()
    four = (await other.give(key="1", session_id="ticket-7")).json()

    assert len({task["task_id"] for task in (one, two, three, four)}) == 4
    assert one["session_id"] != two["session_id"]


async def test_requests_without_a_key_are_never_the_same(gateway: FakeGateway, caller: Caller) -> None:
    """Somebody may well say the same thing twice. Proves: API-2."""
    one, two = (await caller.give(session_id="t")).json(), (await caller.give(session_id="t")).json()

    assert one["task_id"] != two["task_id"]
    assert not two["is_duplicate"]


@pytest.mark.parametrize("key", ["", "x" * 201, "caf\xe9", "tab\there"])
async def test_a_key_that_cannot_be_one_is_refused_by_name(gateway: FakeGateway, caller: Caller, key: str) -> None:
    """A key that is cut or changed on its way would not protect anybody. Proves: API-8."""
    headers = {b"idempotency-key": key.encode("latin-1"), b"content-type": b"application/json"}
    response = await caller.client.post("/api/v1/tasks", content=b'{"prompt": "Hi"}', headers=headers)

    assert response.status_code == 422
    assert error_of(response) == {
        "code": "invalid",
        "message": "Idempotency-Key: expected 1 to 200 printable ASCII characters",
        "field": "Idempotency-Key",
    }
    assert gateway.accepted == []


async def test_a_key_may_be_as_long_as_is_promised(gateway: FakeGateway, caller: Caller) -> None:
    """Callers build keys from their own ids. Proves: API-2."""
    key = "order 5 / " + "x" * 190

    first, again = (await caller.give(key=key)).json(), (await caller.give(key=key)).json()

    assert first["task_id"] == again["task_id"]
