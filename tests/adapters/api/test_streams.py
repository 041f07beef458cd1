"""Tasks watched over server-sent events."""

import json
from typing import Any

from adapters.ports import SlowConsumerError
from agent.errors import StoreUnavailableError
from agent.ids import SessionId, TaskId, run_id_of
from agent.records import RunState, TaskState
from tests.adapters.api.caller import TASKS, TASKS_PATH, Caller, authorize, build_app, error_of
from tests.adapters.api.fake import FakeGateway
from tests.adapters.api.streams import Frame, Stream, open_stream


def _headers(**more: str) -> dict[str, str]:
    return {**authorize(TASKS), "content-type": "application/json", **more}


def _give(caller: Caller, **fields: Any) -> Any:
    body = json.dumps({"prompt": "Hello", "stream": True, **fields}).encode()
    return open_stream(caller.app, "POST", TASKS_PATH, body=body, headers=_headers())


def _watch(caller: Caller, task_id: str, last: int | str | None = None) -> Any:
    more = {} if last is None else {"last-event-id": str(last)}
    return open_stream(caller.app, "GET", f"{TASKS_PATH}/{task_id}/events", headers=_headers(**more))


def _names(frames: list[Frame]) -> list[str]:
    return [frame.data["state"] if frame.event == "run" else frame.event for frame in frames]


async def _first(stream: Stream) -> Frame:
    frame = await stream.next()
    assert frame is not None
    return frame


async def test_a_stream_tells_the_whole_way_of_a_task(gateway: FakeGateway, caller: Caller) -> None:
    """From the receipt to the answer with its cost, in one request. Proves: API-4."""
    async with _give(caller) as stream:
        accepted = await _first(stream)
        task_id = TaskId(accepted.data["task_id"])
        gateway.note(task_id, RunState.TOOL, "Looking up invoice 17")
        gateway.answer(task_id, "On Monday.")
        frames = await stream.rest()

    assert (stream.status, stream.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
    assert accepted.event == "accepted"
    assert accepted.data["is_duplicate"] is False
    assert _names(frames) == ["queued", "tool", "thinking", "delta", "delta", "message", "done", "done"]
    assert frames[1].data == {"run_id": accepted.data["run_id"], "state": "tool", "label": "Looking up invoice 17"}
    assert [(frame.data["offset"], frame.data["text"]) for frame in frames[3:5]] == [(0, "On "), (3, "Monday.")]
    assert frames[5].data["text"] == "On Monday."
    assert frames[7].event == "done"
    assert (frames[7].data["state"], frames[7].data["text"]) == ("done", "On Monday.")
    assert frames[7].data["usage"]["cost_usd"] == "0.00012"
    assert [frame.seq for frame in [accepted, *frames]] == [1, 2, 3, 4, None, None, 5, 6, None]


async def test_a_stream_misses_nothing_of_a_run_that_is_faster_than_it(gateway: FakeGateway, caller: Caller) -> None:
    """The run starts at the commit, before anybody can watch. Proves: API-4."""
    gateway.on_accept = lambda task_id: gateway.answer(task_id, "On Monday.")

    async with _give(caller) as stream:
        frames = await stream.rest()

    assert _names(frames) == ["accepted", "queued", "thinking", "message", "done", "done"]
    assert [frame.seq for frame in frames] == [1, 2, 3, 4, 5, None]


async def test_a_stream_carries_its_own_task_and_nobody_elses(gateway: FakeGateway, caller: Caller) -> None:
    """Several people may talk in the session meanwhile; who asked wants their answer. Proves: API-4."""
    earlier = TaskId((await caller.give(session_id="team")).json()["task_id"])
    gateway.note(earlier, RunState.THINKING)

    async with _give(caller, session_id="team") as stream:
        task_id = TaskId((await _first(stream)).data["task_id"])
        gateway.say(gateway.tasks[task_id].session_id, "Anybody else?")
        gateway.delta(earlier, "For somebody else")
        gateway.finish(earlier, "For somebody else")
        gateway.answer(task_id, "For you")
        frames = await stream.rest()

    assert _names(frames) == ["queued", "thinking", "delta", "delta", "message", "done", "done"]
    assert {frame.data["run_id"] for frame in frames} == {run_id_of(task_id)}
    assert frames[-1].data["text"] == "For you"


async def test_a_task_that_is_merged_into_another_run_streams_that_ones_answer(
    gateway: FakeGateway, caller: Caller
) -> None:
    """The same person's messages are answered together, and whoever watches the second must not wait in vain.

    Proves: API-4.
    """
    running = TaskId((await caller.give(session_id="team")).json()["task_id"])
    gateway.note(running, RunState.THINKING)
    head = TaskId((await caller.give(session_id="team")).json()["task_id"])

    async with _give(caller, session_id="team") as stream:
        merged = TaskId((await _first(stream)).data["task_id"])
        gateway.finish(running, "The first answer")
        gateway.answer(head, "Both answered", merged)
        frames = await stream.rest()

    assert _names(frames) == ["queued", "thinking", "delta", "delta", "message", "done", "done"]
    assert frames[1].data["run_id"] == run_id_of(head)
    assert frames[4].data["text"] == frames[-1].data["text"] == "Both answered"
    assert frames[-1].data["task_id"] == merged


async def test_a_broken_stream_resumes_with_every_durable_event_once(gateway: FakeGateway, caller: Caller) -> None:
    """Connections break; answers must not. Proves: API-5."""
    async with _give(caller) as stream:
        accepted = await _first(stream)
        task_id = TaskId(accepted.data["task_id"])
        gateway.note(task_id, RunState.THINKING)
        gateway.delta(task_id, "On Mon")
        before = [await _first(stream) for _ in range(3)]
    gateway.delta(task_id, "day")

    async with _watch(caller, task_id, before[1].seq) as stream:
        resumed = await _first(stream)
        gateway.delta(task_id, ".")
        gateway.finish(task_id, "On Monday.")
        after = await stream.rest()

    assert _names(before) == ["queued", "thinking", "delta"]
    assert (resumed.event, resumed.data["offset"], resumed.data["text"]) == ("delta", 0, "On Monday")
    assert _names(after) == ["delta", "message", "done", "done"]
    seqs = [frame.seq for frame in [accepted, *before, resumed, *after] if frame.seq]
    assert seqs == [1, 2, 3, 4, 5]


async def test_a_stream_of_a_finished_task_resumes_and_ends(gateway: FakeGateway, caller: Caller) -> None:
    """From wherever it broke off: the rest, then the end, and no waiting for what will not come. Proves: API-5."""
    task_id = TaskId((await caller.give()).json()["task_id"])
    gateway.answer(task_id, "On Monday.")
    gateway.say(gateway.tasks[task_id].session_id, "Thanks!")
    expected = {0: "queued thinking message done done", 2: "thinking message done done", 4: "done done", 5: "done"}

    for last, names in {**expected, 6: "done"}.items():
        async with _watch(caller, task_id, last) as stream:
            assert " ".join(_names(await stream.rest())) == names


async def test_a_stream_ends_even_when_the_final_note_is_no_longer_kept(gateway: FakeGateway, caller: Caller) -> None:
    """Old events are pruned; a reader must not hang on one that is gone. Proves: API-5."""
    task_id = TaskId((await caller.give()).json()["task_id"])
    session_id = gateway.tasks[task_id].session_id
    gateway.answer(task_id, "On Monday.")
    gateway.logs[session_id] = []
    gateway.say(session_id, "Thanks!")

    async with _watch(caller, task_id, 1) as stream:
        assert _names(await stream.rest()) == ["done"]


async def test_who_joins_late_gets_how_it_stands_and_the_text_so_far(gateway: FakeGateway, caller: Caller) -> None:
    """Without a cursor there is nothing to resume, but the answer must be whole. Proves: API-5."""
    task_id = TaskId((await caller.give()).json()["task_id"])
    gateway.note(task_id, RunState.THINKING)
    gateway.delta(task_id, "On Mon")

    async with _watch(caller, task_id) as stream:
        now, so_far = await _first(stream), await _first(stream)
        gateway.finish(task_id, "On Monday.")
        frames = await stream.rest()

    assert (now.data["state"], now.seq) == ("thinking", 3)
    assert (so_far.data["offset"], so_far.data["text"]) == (0, "On Mon")
    assert _names(frames) == ["message", "done", "done"]


async def test_who_joins_after_the_end_gets_the_end(gateway: FakeGateway, caller: Caller) -> None:
    """The answer is there, so it is given. Proves: API-5."""
    task_id = TaskId((await caller.give()).json()["task_id"])
    gateway.answer(task_id, "On Monday.")

    async with _watch(caller, task_id) as stream:
        frames = await stream.rest()

    assert _names(frames) == ["done", "done"]
    assert frames[1].data["text"] == "On Monday."


async def test_a_repeated_request_may_stream_what_the_first_one_began(gateway: FakeGateway, caller: Caller) -> None:
    """A caller who lost the connection with the receipt sends again with the same key. Proves: API-2, API-4."""
    gateway.on_accept = lambda task_id: gateway.answer(task_id, "On Monday.")
    await caller.give(key="k")

    body = json.dumps({"prompt": "Hello", "stream": True}).encode()
    async with open_stream(
        caller.app, "POST", TASKS_PATH, body=body, headers=_headers(**{"idempotency-key": "k"})
    ) as stream:
        frames = await stream.rest()

    assert _names(frames) == ["accepted", "queued", "thinking", "message", "done", "done"]
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


async def test_a_silent_stream_shows_that_it_lives(gateway: FakeGateway) -> None:
    """Proxies cut connections on which nothing moves; the beats stop nothing and lose nothing. Proves: API-4."""
    caller = Caller(build_app(gateway, heartbeat_s=0))

    async with _give(caller) as stream:
        task_id = TaskId((await _first(stream)).data["task_id"])
        frames = [await _first(stream) for _ in range(5)]
        gateway.answer(task_id, "On Monday.")
        rest = await stream.rest()

    comments = [frame.comment for frame in frames if not frame.event]
    assert comments
    assert set(comments) == {"still here"}
    assert _names([frame for frame in frames if frame.event] + rest)[-4:] == ["delta", "message", "done", "done"]


async def test_a_stream_shows_that_it_lives_while_others_talk(gateway: FakeGateway) -> None:
    """What others say in the session is silence to whoever waits for their turn. Proves: API-4."""
    caller = Caller(build_app(gateway, heartbeat_s=0))

    async with _give(caller, session_id="team") as stream:
        await _first(stream)
        for n in range(3):
            gateway.say(SessionId("team"), f"Meanwhile {n}")
            while (await _first(stream)).event:
                pass


async def test_a_caller_who_leaves_leaves_nothing_behind(gateway: FakeGateway, caller: Caller) -> None:
    """And a disconnect never stops a run. Proves: API-4."""
    async with _give(caller) as stream:
        task_id = TaskId((await _first(stream)).data["task_id"])
        await _first(stream)
        assert len(gateway.watchers) == 1

    assert gateway.watchers == []
    assert gateway.stopped == []
    assert gateway.tasks[task_id].state is TaskState.QUEUED


async def test_a_stream_that_falls_behind_ends_so_that_it_is_resumed(gateway: FakeGateway, caller: Caller) -> None:
    """Without `done`: the reader has to know that it was not the end. Proves: API-15."""
    for end in (SlowConsumerError(), None):
        async with _give(caller) as stream:
            await _first(stream)
            await _first(stream)
            gateway.send_watchers(end)
            assert await stream.next() is None


async def test_a_database_lost_in_mid_stream_is_told_in_the_stream(gateway: FakeGateway, caller: Caller) -> None:
    """The status is long sent; the one form of an error is not. Proves: API-10."""
    async with _give(caller) as stream:
        await _first(stream)
        gateway.send_watchers(StoreUnavailableError("connection refused by 10.1.2.3"))
        frames = await stream.rest()

    assert _names(frames) == ["queued", "error"]
    assert frames[1].data["error"]["code"] == "unavailable"
    assert "10.1.2.3" not in str(frames[1].data)


async def test_a_task_erased_in_mid_stream_ends_it_with_an_error(gateway: FakeGateway, caller: Caller) -> None:
    """What was erased cannot be shown as done. Proves: API-4."""
    async with _give(caller) as stream:
        task_id = TaskId((await _first(stream)).data["task_id"])
        gateway.answer(task_id, "On Monday.")
        del gateway.tasks[task_id]
        frames = await stream.rest()

    assert frames[-1].event == "error"
    assert frames[-1].data["error"]["code"] == "not_found"
