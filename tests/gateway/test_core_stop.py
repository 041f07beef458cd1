"""Stop: what was said stays, what waits does not begin, and nobody waits for a run that will not end."""

import asyncio

from agent.ids import RunId, SessionId
from agent.records import RunState
from agent.tasks import TaskState
from agent.tools import build_tool
from gateway.endings import Limits
from tests.support.gateway import PATIENT, build_agent, configure, open_core
from tests.support.make import ANN, BOB, SESSION
from tests.support.model_steps import Gate, calls, fails, last_text_has, says, says_slowly
from tests.support.scripted_model import ScriptedModel


async def test_stopping_a_running_answer_keeps_what_was_said_and_the_thread_goes_on(database_url: str) -> None:
    """The person saw those words; they must not vanish, nor cost more."""
    gate, model = Gate(), ScriptedModel()
    model.add(says_slowly(["Half ", "an ", "answer"], gate))
    model.add(says("Sure."), when=last_text_has("go on"))
    async with open_core(database_url, model) as core:
        accepted = await core.say("tell me")
        async with core.gateway.service.follow(SESSION, 0) as events:
            gate.let(1)
            async with asyncio.timeout(5):
                async for event in events:
                    if getattr(event, "text", "") == "Half ":
                        break
        assert await core.gateway.service.stop_run(SESSION, accepted.run_id)
        status = await core.end_of(accepted)
        assert (status.state, status.text) == (TaskState.STOPPED, "Half")
        assert await core.states(accepted.run_id) == [RunState.THINKING, RunState.STOPPED]
        async with asyncio.timeout(5):
            await model.abandoned.wait()
        assert not await core.gateway.service.stop_run(SESSION, accepted.run_id), "it is over"
        assert (await core.ask("go on")).text == "Sure."
        assert await core.talk() == ["Ann: tell me", "Assistant: Half", "Ann: go on", "Assistant: Sure."]


async def test_stopping_twice_stops_once_and_an_unknown_run_not_at_all(database_url: str) -> None:
    """A double click is no second stop."""
    gate, model = Gate(), ScriptedModel()
    model.add(says_slowly(["x"], gate))
    async with open_core(database_url, model) as core:
        accepted = await core.say("tell me")
        async with asyncio.timeout(5):
            await gate.reached.wait()
        stop = core.gateway.service.stop_run
        assert [await stop(SESSION, accepted.run_id), await stop(SESSION, accepted.run_id)] == [True, False]
        assert (await core.end_of(accepted)).state is TaskState.STOPPED
        assert not await stop(SESSION, RunId("run_nothing"))
        assert not await stop(SessionId("web:demo:nowhere"), accepted.run_id)


async def test_a_stop_that_comes_with_the_message_is_heard(database_url: str) -> None:
    """The run has begun for people as soon as its message is taken."""
    gate, model = Gate(), ScriptedModel(checks_prefix=False)
    model.add(says_slowly(["never"], gate))
    async with open_core(database_url, model) as core:
        accepted = await core.say("oh")
        assert await core.gateway.service.stop_run(SESSION, accepted.run_id)
        assert (await core.end_of(accepted)).state is TaskState.STOPPED
        if not model.requests:
            model._steps.clear()


async def test_a_waiting_run_that_is_stopped_never_begins(database_url: str) -> None:
    """And the one behind it does."""
    gate, model = Gate(), ScriptedModel()
    model.add(says_slowly(["First."], gate))
    model.add(says("To Ann."), when=last_text_has("three"))
    async with open_core(database_url, model) as core:
        first = await core.say("one")
        second = await core.say("two", user=BOB)
        third = await core.say("three")
        assert await core.gateway.service.stop_run(SESSION, second.run_id)
        assert (await core.end_of(second)).state is TaskState.STOPPED
        assert await core.states(second.run_id) == [RunState.QUEUED, RunState.STOPPED]
        gate.open()
        assert (await core.end_of(first)).text == "First."
        assert (await core.end_of(third)).text == "To Ann."


async def test_stopping_one_message_of_a_burst_stops_their_one_answer_for_all(database_url: str) -> None:
    """They have one run; a person may press the button under any of them."""
    first_gate, gate, model = Gate(), Gate(), ScriptedModel()
    model.add(says_slowly(["First."], first_gate))
    model.add(says_slowly(["never"], gate))
    async with open_core(database_url, model) as core:
        first = await core.say("zero")
        burst = [await core.say(text) for text in ("one", "two")]
        first_gate.open()
        await core.end_of(first)
        async with asyncio.timeout(5):
            await gate.reached.wait()
        assert await core.gateway.service.stop_run(SESSION, burst[1].run_id)
        assert {(await core.end_of(one)).state for one in burst} == {TaskState.STOPPED}
        for one in burst:
            assert (await core.states(one.run_id))[-1] is RunState.STOPPED


async def test_a_burst_that_waits_for_its_retry_can_be_stopped_under_any_of_its_messages(database_url: str) -> None:
    """While the model is away the button must still work, and every message of the burst must show the end."""
    gate, model = Gate(), ScriptedModel()
    model.add(says_slowly(["First."], gate))
    model.add(fails(529, "overloaded_error"))
    model.add(says("Hello Bob."), when=last_text_has("hi"))
    async with open_core(database_url, model, configure(limits=PATIENT)) as core:
        first = await core.say("zero")
        burst = [await core.say(text) for text in ("one", "two")]
        gate.open()
        await core.end_of(first)
        await core.wait_for_note(RunState.QUEUED, run_id=burst[0].run_id, is_labelled=True)
        behind = await core.say("hi", user=BOB)
        assert await core.gateway.service.stop_run(SESSION, burst[1].run_id)
        assert {(await core.end_of(one)).state for one in burst} == {TaskState.STOPPED}
        for one in burst:
            assert (await core.states(one.run_id))[-1] is RunState.STOPPED
        assert (await core.end_of(behind)).text == "Hello Bob."


async def test_stopping_while_a_tool_runs_ends_the_tool_and_the_next_request_is_whole(database_url: str) -> None:
    """A call without a result would make every later request of the thread a bad one."""
    started, was_cancelled = asyncio.Event(), asyncio.Event()

    async def wait() -> str:
        """Wait."""
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            was_cancelled.set()
        return ""

    model = ScriptedModel()
    model.add(calls(("wait", {}), text="One moment."))
    model.add(says("Fine."), may_move=True)
    async with open_core(database_url, model, configure(build_agent(build_tool(wait)))) as core:
        accepted = await core.say("do it")
        async with asyncio.timeout(5):
            await started.wait()
            assert await core.gateway.service.stop_run(SESSION, accepted.run_id)
            await was_cancelled.wait()
        assert (await core.end_of(accepted)).text == "One moment."
        assert await core.states(accepted.run_id) == [RunState.THINKING, RunState.TOOL, RunState.STOPPED]
        assert (await core.ask("and now?")).text == "Fine."


async def test_a_stop_reaches_a_run_that_waits_for_a_free_place(database_url: str) -> None:
    """Also when the process is full."""
    gate, model = Gate(), ScriptedModel()
    model.add(says_slowly(["x"], gate))
    limits = Limits(capacity=1, retry_s=(0.0,), poll_s=0.05)
    other = SessionId("web:demo:other")
    async with open_core(database_url, model, configure(limits=limits)) as core:
        busy = await core.say("one", user=ANN)
        waiting = await core.say("two", session_id=other)
        assert await core.gateway.service.stop_run(other, waiting.run_id)
        assert (await core.end_of(waiting)).state is TaskState.STOPPED
        gate.open()
        await core.end_of(busy)
