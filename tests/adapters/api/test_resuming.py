"""Streams that begin in the middle: resumed, joined late, asked for again."""

import json

from agent.ids import TaskId
from agent.records import RunState
from tests.adapters.api.caller import TASKS_PATH, Caller, error_of
from tests.adapters.api.fake import FakeGateway
from tests.adapters.api.streams import first, give_and_watch, names_of, open_stream, stream_headers, watch


async def test_a_broken_stream_resumes_with_every_durable_event_once(gateway: FakeGateway, caller: Caller) -> None:
    """Connections break; answers must not. Proves: API-5."""
    async with give_and_watch(caller) as stream:
        accepted = await first(stream)
        task_id = TaskId(accepted.data["task_id"])
        gateway.note(task_id, RunState.THINKING)
        gateway.delta(task_id, "On Mon")
        before = [await first(stream) for _ in range(3)]
    gateway.delta(task_id, "day")

    async with watch(caller, task_id, before[1].seq) as stream:
        resumed = await first(stream)
        gateway.delta(task_id, ".")
        gateway.finish(task_id, "On Monday.")
        after = await stream.rest()

    assert names_of(before) == ["queued", "thinking", "delta"]
    assert (resumed.event, resumed.data["offset"], resumed.data["text"]) == ("delta", 0, "On Monday")
    assert names_of(after) == ["delta", "message", "done", "done"]
    seqs = [frame.seq for frame in [accepted, *before, resumed, *after] if frame.seq]
    assert seqs == [1, 2, 3, 4, 5]


async def test_a_stream_of_a_finished_task_resumes_and_ends(gateway: FakeGateway, caller: Caller) -> None:
    """From wherever it broke off: the rest, then the end, and no waiting for what will not come. Proves: API-5."""
    task_id = TaskId((await caller.give()).json()["task_id"])
    gateway.answer(task_id, "On Monday.")
    gateway.say(gateway.tasks[task_id].session_id, "Thanks!")
    expected = {0: "queued thinking message done done", 2: "thinking message done done", 4: "done done", 5: "done"}

    for last, names in {**expected, 6: "done"}.items():
        async with watch(caller, task_id, last) as stream:
            assert " ".join(names_of(await stream.rest())) == names


async def test_a_stream_ends_even_when_the_final_note_is_no_longer_kept(gateway: FakeGateway, caller: Caller) -> None:
    """Old events are pruned; a reader must not hang on one that is gone. Proves: API-5."""
    task_id = TaskId((await caller.give()).json()["task_id"])
    session_id = gateway.tasks[task_id].session_id
    gateway.answer(task_id, "On Monday.")
    gateway.logs[session_id] = []
    gateway.say(session_id, "Thanks!")

    async with watch(caller, task_id, 1) as stream:
        assert names_of(await stream.rest()) == ["done"]


async def test_who_joins_late_gets_how_it_stands_and_the_text_so_far(gateway: FakeGateway, caller: Caller) -> None:
    """Without a cursor there is nothing to resume, but the answer must be whole. Proves: API-5."""
    task_id = TaskId((await caller.give()).json()["task_id"])
    gateway.note(task_id, RunState.THINKING)
    gateway.delta(task_id, "On Mon")

    async with watch(caller, task_id) as stream:
        now, so_far = await first(stream), await first(stream)
        gateway.finish(task_id, "On Monday.")
        frames = await stream.rest()

    assert (now.data["state"], now.seq) == ("thinking", 3)
    assert (so_far.data["offset"], so_far.data["text"]) == (0, "On Mon")
    assert names_of(frames) == ["message", "done", "done"]


async def test_who_joins_after_the_end_gets_the_end(gateway: FakeGateway, caller: Caller) -> None:
    """The answer is there, so it is given. Proves: API-5."""
    task_id = TaskId((await caller.give()).json()["task_id"])
    gateway.answer(task_id, "On Monday.")

    async with watch(caller, task_id) as stream:
        frames = await stream.rest()

    assert names_of(frames) == ["done", "done"]
    assert frames[1].data["text"] == "On Monday."


async def test_a_task_that_ends_while_a_stream_is_opened_is_not_waited_for(
    gateway: FakeGateway, caller: Caller
) -> None:
    """The end may fall between the question how it stands and the question where the log is. Proves: API-5."""
    task_id = TaskId((await caller.give()).json()["task_id"])
    gateway.on_load_session = lambda: gateway.answer(task_id, "On Monday.")

    async with watch(caller, task_id) as stream:
        assert names_of(await stream.rest()) == ["done", "done"]


async def test_a_merged_task_can_be_watched_from_the_middle(gateway: FakeGateway, caller: Caller) -> None:
    """It is known by then whose run answers it, and that run's retries are told too. Proves: API-5."""
    head = TaskId((await caller.give(session_id="team")).json()["task_id"])
    merged = TaskId((await caller.give(session_id="team")).json()["task_id"])
    gateway.note(head, RunState.THINKING)
    gateway.merge(merged, head)

    async with watch(caller, merged) as stream:
        await first(stream)
        gateway.note(head, RunState.QUEUED, "Trying again in a moment.")
        gateway.answer(head, "Both answered", merged)
        frames = await stream.rest()

    assert names_of(frames) == ["queued", "thinking", "delta", "delta", "message", "done", "done"]
    assert frames[0].data["label"] == "Trying again in a moment."
    assert frames[-1].data["text"] == "Both answered"


async def test_a_repeated_request_may_stream_what_the_first_one_began(gateway: FakeGateway, caller: Caller) -> None:
    """A caller who lost the connection with the receipt sends again with the same key. Proves: API-2, API-4."""
    gateway.on_accept = lambda task_id: gateway.answer(task_id, "On Monday.")
    await caller.give(key="k")

    body = json.dumps({"prompt": "Hello", "stream": True}).encode()
    async with open_stream(
        caller.app, "POST", TASKS_PATH, body=body, headers=stream_headers(**{"idempotency-key": "k"})
    ) as stream:
        frames = await stream.rest()

    assert names_of(frames) == ["accepted", "queued", "thinking", "message", "done", "done"]
    assert frames[0].data["is_duplicate"] is True
    assert len(gateway.accepted) == 1


async def test_a_cursor_from_the_future_or_from_nowhere_is_refused(gateway: FakeGateway, caller: Caller) -> None:
    """Who waits behind the end would wait for ever. Proves: API-5, API-8."""
    path = f"{TASKS_PATH}/{(await caller.give()).json()['task_id']}/events"

    for last in ("3", "x", "-1", "1.5", "9" * 25, "\u00b2"):
        response = await caller.client.get(path, headers={b"last-event-id": last.encode("latin-1")})
        assert response.status_code == 422
        assert error_of(response)["field"] == "Last-Event-ID"
        assert error_of(response)["message"].startswith("Last-Event-ID: expected ")
