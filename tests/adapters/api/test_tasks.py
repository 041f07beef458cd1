"""Tasks over HTTP: given, waited for, looked at, stopped."""

from agent.ids import SessionId, TaskId
from agent.records import Audience, RunState
from tests.adapters.api.caller import TASKS_PATH, Caller, error_of
from tests.adapters.api.fake import FakeGateway


async def test_a_task_is_committed_before_its_202_and_says_where_it_is(gateway: FakeGateway, caller: Caller) -> None:
    """The answer is the caller's receipt: with it they need not send again. Proves: API-1."""
    response = await caller.give("Where is invoice 17?")

    receipt = response.json()
    task = gateway.tasks[TaskId(receipt["task_id"])]
    assert response.status_code == 202
    assert response.headers["location"] == f"{TASKS_PATH}/{task.task_id}"
    assert receipt == {
        "task_id": task.task_id,
        "run_id": task.run_id,
        "session_id": task.session_id,
        "message_id": "msg_1",
        "user_id": None,
        "state": "queued",
        "is_duplicate": False,
    }
    assert (await caller.get(response.headers["location"])).json()["state"] == "queued"


async def test_a_task_without_a_session_begins_a_new_private_one(gateway: FakeGateway, caller: Caller) -> None:
    """Nothing carries over between callers who did not ask for it. Proves: API-1."""
    one, two = (await caller.give()).json(), (await caller.give()).json()

    session = gateway.sessions[SessionId(one["session_id"])]
    assert one["session_id"] != two["session_id"]
    assert session.session_id.startswith("api:")
    assert (session.channel, session.audience, session.agent_id) == ("api", Audience.PRIVATE, "assistant")


async def test_a_caller_who_waits_gets_the_answer_at_once(gateway: FakeGateway, caller: Caller) -> None:
    """A script wants one call, not a loop. Proves: API-3."""
    gateway.on_accept = lambda task_id: gateway.answer(task_id, "On Monday.")

    response = await caller.give(wait=30)

    answer = response.json()
    assert response.status_code == 200
    assert (answer["state"], answer["text"], answer["note"]) == ("done", "On Monday.", None)
    assert answer["usage"]["cost_usd"] == "0.00012"
    assert gateway.waited_s == [30.0]


async def test_a_caller_who_waits_in_vain_gets_the_task_as_it_stands(gateway: FakeGateway, caller: Caller) -> None:
    """A slow answer is not an error: the task goes on and can be asked for later. Proves: API-3."""
    gateway.on_accept = lambda task_id: gateway.note(task_id, RunState.THINKING)

    response = await caller.give(wait=True)

    assert response.status_code == 202
    assert response.json()["state"] == "running"
    assert "text" not in response.json()
    assert gateway.waited_s == [60.0]


async def test_a_caller_may_wait_for_nothing(gateway: FakeGateway, caller: Caller) -> None:
    """`wait: false` and `wait: 0` are what leaving it out is. Proves: API-3."""
    for wait in (False, 0):
        assert (await caller.give(wait=wait)).status_code == 202
    assert gateway.waited_s == []


async def test_a_finished_task_shows_answer_and_cost(gateway: FakeGateway, caller: Caller) -> None:
    """Whoever did not wait finds everything later. Proves: API-1."""
    gateway.on_accept = lambda task_id: gateway.answer(task_id, "On Monday.")
    task_id = (await caller.give()).json()["task_id"]

    task = (await caller.get(f"{TASKS_PATH}/{task_id}")).json()

    assert (task["state"], task["text"]) == ("done", "On Monday.")
    assert task["usage"]["input_tokens"] == 10
    assert task["finished_at"].endswith("Z")


async def test_a_merged_task_is_not_finished_before_the_run_that_answers_it(
    gateway: FakeGateway, caller: Caller
) -> None:
    """A time of finishing beside the state `running` would be read as an end. Proves: API-1."""
    first = TaskId((await caller.give(session_id="ticket-7")).json()["task_id"])
    second = TaskId((await caller.give(session_id="ticket-7")).json()["task_id"])
    gateway.merge(second, first)

    task = (await caller.get(f"{TASKS_PATH}/{second}")).json()

    assert (task["state"], task["finished_at"]) == ("running", None)


async def test_a_running_task_can_be_stopped_once(gateway: FakeGateway, caller: Caller) -> None:
    """Who stops twice, or too late, is told that there was nothing to stop. Proves: API-13."""
    receipt = (await caller.give()).json()

    first = await caller.post(f"{TASKS_PATH}/{receipt['task_id']}/stop")
    second = await caller.post(f"{TASKS_PATH}/{receipt['task_id']}/stop")

    assert first.json() == {"task_id": receipt["task_id"], "run_id": receipt["run_id"], "is_stopped": True}
    assert second.json()["is_stopped"] is False
    assert gateway.stopped == [(receipt["session_id"], receipt["run_id"])] * 2


async def test_an_unknown_task_is_not_found_whatever_its_name(caller: Caller) -> None:
    """A name that no task can have must not reach the database, which may choke on it. Proves: API-8."""
    for name in ("task_0", "x" * 201, "%00", "%ED%A0%80", "a%20b"):
        for path in (name, f"{name}/events"):
            response = await caller.get(f"{TASKS_PATH}/{path}")
            assert (response.status_code, error_of(response)["code"]) == (404, "not_found")
        assert (await caller.post(f"{TASKS_PATH}/{name}/stop")).status_code == 404
