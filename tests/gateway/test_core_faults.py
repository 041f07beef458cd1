"""When the model, a tool or our own code fails: the task is kept, people read one sentence, nothing is told twice."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace

import pytest

from agent.errors import ModelRefusedRequestError, ModelUnavailableError
from agent.ports import ModelReply, ModelRequest
from agent.records import Message, RunState
from agent.tasks import TaskState
from agent.tools import build_tool
from gateway.endings import GIVEN_UP
from tests.support.agent_runs import EchoModel, PlainModel, reply_of, text_reply, tool_reply
from tests.support.gateway import PATIENT, build_agent, configure, find_text, open_core, run_sql
from tests.support.make import BOB, SESSION
from tests.support.model_steps import Step, breaks, calls, fails, is_cut_off, last_text_has, says
from tests.support.scripted_model import ScriptedModel

MARK = "xq7-marker-of-the-exception"
AWAY = ModelUnavailableError("").sentence
REFUSED = ModelRefusedRequestError("").sentence


@pytest.mark.parametrize(
    "fault",
    [fails(529, "overloaded_error", MARK), breaks("Half an", message=MARK), is_cut_off("Half an")],
    ids=["overloaded", "broken off", "cut off"],
)
async def test_while_the_model_is_away_the_task_waits_and_is_then_answered_once(database_url: str, fault: Step) -> None:
    """The person is told in one sentence; the message need not be sent again. Proves: AG-1."""
    model = ScriptedModel()
    model.add(fault, says("Back again."))
    async with open_core(database_url, model) as core:
        accepted = await core.say("hi")
        note = await core.wait_for_note(RunState.QUEUED, is_labelled=True)
        assert note.label == AWAY
        status = await core.end_of(accepted)
        assert (status.text, status.attempts, status.note) == ("Back again.", 2, None)
        assert await core.talk() == ["Ann: hi", "Assistant: Back again."]
    assert await find_text(database_url, MARK) == set()


async def test_a_task_that_waits_for_its_retry_holds_its_place_and_says_why(database_url: str) -> None:
    """A later question must not be answered first."""
    model = ScriptedModel()
    model.add(fails(500, "api_error", MARK))
    async with open_core(database_url, model, configure(limits=PATIENT)) as core:
        accepted = await core.say("hi")
        await core.wait_for_note(RunState.QUEUED, is_labelled=True)
        status = await core.gateway.service.wait_for_task(accepted.task_id, 0)
        assert status is not None
        assert (status.state, status.note, status.text) == (TaskState.QUEUED, AWAY, None)
        behind = await core.say("and me", user=BOB)
        assert await core.states(behind.run_id) == [RunState.QUEUED]
        waiting = await core.gateway.service.wait_for_task(behind.task_id, 0.05)
        assert waiting is not None
        assert waiting.state is TaskState.QUEUED


async def test_when_attempts_run_out_one_sentence_is_said_and_the_thread_goes_on(database_url: str) -> None:
    """A dead letter is for the operators; the person must not wait for ever. Proves: RE-10."""
    model = ScriptedModel()
    model.add(*(fails(529, "overloaded_error", MARK) for _ in range(3)))
    model.add(says("Hello Bob."), when=last_text_has("and me"))
    async with open_core(database_url, model) as core:
        accepted = await core.say("hi")
        status = await core.end_of(accepted)
        assert (status.state, status.text, status.note, status.attempts) == (TaskState.DEAD, None, GIVEN_UP, 3)
        assert (await core.ask("and me", user=BOB)).text == "Hello Bob."
        said = [e for e in await core.log() if isinstance(e, Message)]
        assert [(e.role, e.text) for e in said if e.role != "user"] == [
            ("system", GIVEN_UP),
            ("assistant", "Hello Bob."),
        ]
        assert (await core.states(accepted.run_id))[-1] is RunState.FAILED
    assert await find_text(database_url, MARK) <= {"runs"}, "only operators may read it"


async def test_a_request_that_would_fail_again_is_not_tried_again(database_url: str) -> None:
    """Three refusals cost three times as much and say the same."""
    model = ScriptedModel()
    model.add(fails(400, "invalid_request_error", MARK))
    async with open_core(database_url, model) as core:
        status = await core.ask("hi")
        assert (status.state, status.note, status.attempts) == (TaskState.DEAD, REFUSED, 1)
        assert await core.talk() == ["Ann: hi", f"Parley: {REFUSED}"]
    assert await find_text(database_url, MARK) <= {"runs"}


class BrokenModel(EchoModel):
    """Fails as no model should, so many times."""

    def __init__(self, fault: BaseException, times: int) -> None:
        super().__init__()
        self.fault = fault
        self.times = times

    async def stream(self, request: ModelRequest) -> AsyncGenerator[str | ModelReply, None]:
        """The fault, then echoes."""
        if self.times:
            self.times -= 1
            raise self.fault
        async for item in super().stream(request):
            yield item


@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize(
    "fault",
    [RuntimeError(MARK), ExceptionGroup("x", [ValueError(MARK)]), TimeoutError(MARK), asyncio.CancelledError(MARK)],
    ids=["error", "group", "time-out", "cancelled"],
)
async def test_a_fault_of_our_own_costs_an_attempt_and_never_the_task(
    database_url: str, fault: BaseException, times: int
) -> None:
    """A bug must neither lose a message nor try for ever. Proves: AG-1."""
    async with open_core(database_url, BrokenModel(fault, times)) as core:
        status = await core.ask("hi")
        expected = (TaskState.DONE, "hi", 2) if times == 1 else (TaskState.DEAD, None, 3)
        assert (status.state, status.text, status.attempts) == expected
        assert (await core.ask("still there?")).text == "still there?"
    assert await find_text(database_url, MARK) == set()


async def test_a_task_whose_attempts_end_with_their_process_is_given_up_at_last(database_url: str) -> None:
    """A message that kills the process must not kill it for ever, and nobody is told that it will be answered."""
    model = EchoModel()
    async with open_core(database_url, model, configure(limits=PATIENT)) as core:
        model.may_answer.clear()
        accepted = await core.say("boom")
        await model.wait_until_running(1)
    await run_sql(database_url, "UPDATE tasks SET attempts = 3")
    async with open_core(database_url, model) as core:
        status = await core.end_of(accepted)
        assert (status.state, status.note) == (TaskState.DEAD, GIVEN_UP)
        model.may_answer.set()
        assert (await core.ask("again")).text == "again"


async def test_an_answer_that_the_database_refuses_is_given_up_after_its_attempts(database_url: str) -> None:
    """Every attempt costs a call of the model: it must not be offered for ever."""
    long_ago = reply_of({"type": "text", "text": "fine"})
    unstorable = replace(long_ago, usage=replace(long_ago.usage, output_tokens=2**70))
    model = PlainModel(*[unstorable] * 3, text_reply("Better."))
    async with open_core(database_url, model) as core:
        status = await core.ask("hi")
        assert (status.state, status.note) == (TaskState.DEAD, GIVEN_UP)
        assert (await core.ask("again")).text == "Better."
    assert len(model.requests) == 4


async def test_a_tool_call_with_numbers_that_json_has_not_is_kept(database_url: str) -> None:
    """Python reads 1e999 as infinity, which no database takes as JSON."""

    def far(n: float) -> str:
        """Go far."""
        return f"{n}"

    model = PlainModel(tool_reply("far", {"n": float("inf")}), text_reply("Done."))
    async with open_core(database_url, model, configure(build_agent(build_tool(far)))) as core:
        assert (await core.ask("go")).text == "Done."


async def test_a_tool_that_fails_does_not_end_the_run_and_its_text_is_for_the_model_only(database_url: str) -> None:
    """People read what the agent makes of it. Proves: AG-2."""

    def broken() -> str:
        """Fail."""
        raise ValueError(MARK)

    model = ScriptedModel()
    model.add(calls(("broken", {}), ("nothing", {})), says("That did not work."))
    async with open_core(database_url, model, configure(build_agent(build_tool(broken)))) as core:
        assert (await core.ask("go")).text == "That did not work."
        [(_, run)] = await core.gateway.service.list_runs(SESSION, None, 5)
    [turn, _] = run.turns
    assert [call.is_error for call in turn.tool_calls] == [True, True]
    assert await find_text(database_url, MARK) == {"tool_calls"}
