"""Tasks watched over server-sent events."""

from adapters.ports import SlowConsumerError
from agent.errors import StoreUnavailableError
from agent.ids import SessionId, TaskId, run_id_of
from agent.records import RunState
from agent.tasks import TaskState
from tests.adapters.api.caller import Caller, build_app
from tests.adapters.api.fake import FakeGateway
from tests.adapters.api.streams import first, give_and_watch, names_of


async def test_a_stream_tells_the_whole_way_of_a_task(gateway: FakeGateway, caller: Caller) -> None:
    """From the receipt to the answer with its cost, in one request. Proves: API-4."""
    async with give_and_watch(caller) as stream:
        accepted = await first(stream)
        task_id = TaskId(accepted.data["task_id"])
        gateway.note(task_id, RunState.TOOL, "Looking up invoice 17")
        gateway.answer(task_id, "On Monday.")
        frames = await stream.rest()

    assert (stream.status, stream.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
    assert accepted.event == "accepted"
    assert accepted.data["is_duplicate"] is False
    assert names_of(frames) == ["queued", "tool", "thinking", "delta", "delta", "message", "done", "done"]
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

    async with give_and_watch(caller) as stream:
        frames = await stream.rest()

    assert names_of(frames) == ["accepted", "queued", "thinking", "message", "done", "done"]
    assert [frame.seq for frame in frames] == [1, 2, 3, 4, 5, None]


async def test_a_stream_carries_its_own_task_and_nobody_elses(gateway: FakeGateway, caller: Caller) -> None:
    """Several people may talk in the session meanwhile; who asked wants their answer. Proves: API-4."""
    earlier = TaskId((await caller.give(session_id="team")).json()["task_id"])
    gateway.note(earlier, RunState.THINKING)

    async with give_and_watch(caller, session_id="team") as stream:
        task_id = TaskId((await first(stream)).data["task_id"])
        gateway.say(gateway.tasks[task_id].session_id, "Anybody else?")
        gateway.delta(earlier, "For somebody else")
        gateway.finish(earlier, "For somebody else")
        gateway.answer(task_id, "For you")
        frames = await stream.rest()

    assert names_of(frames) == ["queued", "thinking", "delta", "delta", "message", "done", "done"]
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

    async with give_and_watch(caller, session_id="team") as stream:
        merged = TaskId((await first(stream)).data["task_id"])
        gateway.finish(running, "The first answer")
        gateway.answer(head, "Both answered", merged)
        frames = await stream.rest()

    assert names_of(frames) == ["queued", "thinking", "delta", "delta", "message", "done", "done"]
    assert frames[1].data["run_id"] == run_id_of(head)
    assert frames[4].data["text"] == frames[-1].data["text"] == "Both answered"
    assert frames[-1].data["task_id"] == merged


async def test_a_silent_stream_shows_that_it_lives(gateway: FakeGateway) -> None:
    """Proxies cut connections on which nothing moves; the beats stop nothing and lose nothing. Proves: API-4."""
    caller = Caller(build_app(gateway, heartbeat_s=0))

    async with give_and_watch(caller) as stream:
        task_id = TaskId((await first(stream)).data["task_id"])
        frames = [await first(stream) for _ in range(5)]
        gateway.answer(task_id, "On Monday.")
        rest = await stream.rest()

    comments = [frame.comment for frame in frames if not frame.event]
    assert comments
    assert set(comments) == {"still here"}
    assert names_of([frame for frame in frames if frame.event] + rest)[-4:] == ["delta", "message", "done", "done"]


async def test_a_stream_shows_that_it_lives_while_others_talk(gateway: FakeGateway) -> None:
    """What others say in the session is silence to whoever waits for their turn. Proves: API-4."""
    caller = Caller(build_app(gateway, heartbeat_s=0))

    async with give_and_watch(caller, session_id="team") as stream:
        await first(stream)
        for n in range(3):
            gateway.say(SessionId("team"), f"Meanwhile {n}")
            while (await first(stream)).event:
                pass


async def test_a_caller_who_leaves_leaves_nothing_behind(gateway: FakeGateway, caller: Caller) -> None:
    """And a disconnect never stops a run. Proves: API-4."""
    async with give_and_watch(caller) as stream:
        task_id = TaskId((await first(stream)).data["task_id"])
        await first(stream)
        assert len(gateway.watchers) == 1

    assert gateway.watchers == []
    assert gateway.stopped == []
    assert gateway.tasks[task_id].state is TaskState.QUEUED


async def test_a_stream_that_falls_behind_ends_so_that_it_is_resumed(gateway: FakeGateway, caller: Caller) -> None:
    """Without `done`: the reader has to know that it was not the end. Proves: API-15."""
    for end in (SlowConsumerError(), None):
        async with give_and_watch(caller) as stream:
            await first(stream)
            await first(stream)
            gateway.send_watchers(end)
            assert await stream.next() is None


async def test_a_database_lost_in_mid_stream_is_told_in_the_stream(gateway: FakeGateway, caller: Caller) -> None:
    """The status is long sent; the one form of an error is not. Proves: API-10."""
    async with give_and_watch(caller) as stream:
        await first(stream)
        gateway.send_watchers(StoreUnavailableError("connection refused by 10.1.2.3"))
        frames = await stream.rest()

    assert names_of(frames) == ["queued", "error"]
    assert frames[1].data["error"]["code"] == "unavailable"
    assert "10.1.2.3" not in str(frames[1].data)


async def test_a_task_erased_in_mid_stream_ends_it_with_an_error(gateway: FakeGateway, caller: Caller) -> None:
    """What was erased cannot be shown as done. Proves: API-4."""
    async with give_and_watch(caller) as stream:
        task_id = TaskId((await first(stream)).data["task_id"])
        gateway.answer(task_id, "On Monday.")
        del gateway.tasks[task_id]
        frames = await stream.rest()

    assert frames[-1].event == "error"
    assert frames[-1].data["error"]["code"] == "not_found"
