"""The agent's loop: every way a model call can end, and what is kept of it."""

import asyncio
from typing import get_args

import pytest

from agent.errors import ContextWindowExceededError, ModelRefusedRequestError, ModelUnavailableError
from agent.events import Event, TextDelta, ToolFinished, ToolStarted
from agent.loop import CUT, OUT_OF_TIME, REFUSED, TOO_MANY_CALLS, run_agent
from agent.progress import EMPTY
from agent.records import JsonObject, PastRun, RunState
from agent.tools import build_tool
from tests.support.agent_runs import (
    PlainModel,
    Running,
    agent_with,
    context_of,
    spoken,
    text_reply,
    tool_reply,
)
from tests.support.model_calls import scripted
from tests.support.model_steps import (
    Gate,
    Step,
    blocks,
    breaks,
    calls,
    fails,
    hangs,
    is_cut_off,
    prompt_text,
    says,
    says_slowly,
)


def double(n: int) -> str:
    """Double a number."""
    return str(2 * n)


DOUBLE = build_tool(double)


@pytest.mark.parametrize("reason", ["end_turn", "stop_sequence", "a_reason_of_tomorrow"])
async def test_a_call_that_ends_ends_the_run_with_its_text(reason: str) -> None:
    """A vendor's new word for an end must not hang a run."""
    async with scripted(says("Hello there.", stop_reason=reason)) as (_, claude):
        running = Running()
        run = await running.run(claude)
    assert (run.state, run.text, run.stop_reason, run.turns) == (RunState.DONE, "Hello there.", reason, ())
    assert running.streamed == "Hello there."
    assert run.usage.output_tokens > 0


async def test_tools_asked_for_together_run_side_by_side_and_answer_in_the_order_asked() -> None:
    """Two slow tools must cost the time of one. Proves: AG-1."""
    first_runs, second_runs = asyncio.Event(), asyncio.Event()

    async def left() -> str:
        """Wait for right."""
        first_runs.set()
        await second_runs.wait()
        return "L"

    async def right() -> str:
        """Wait for left."""
        second_runs.set()
        await first_runs.wait()
        return "R"

    async with scripted(calls(("left", {}), ("right", {})), says("Both.")) as (model, claude):
        run = await Running().run(claude, agent_with(build_tool(left), build_tool(right)))
    assert [call.result for call in run.turns[0].tool_calls] == ["L", "R"]
    results = [block["content"] for block in model.requests[1].messages[-1][1]]
    assert results == ["L", "R"]


async def test_the_texts_of_all_turns_make_the_answer_and_usage_adds_up() -> None:
    """People saw every piece stream by; the stored answer must be what they saw. Proves: SE-3."""
    steps = [calls(("double", {"n": 4}), text="Let me see."), says("It is 8.")]
    async with scripted(*steps) as (_, claude):
        running = Running()
        run = await running.run(claude, agent_with(DOUBLE))
    assert run.text == running.streamed == "Let me see.\n\nIt is 8."
    kinds = [type(event) for event in running.events if not isinstance(event, TextDelta)]
    assert kinds == [ToolStarted, ToolFinished]
    assert [turn.stop_reason for turn in run.turns] == ["tool_use", "end_turn"]
    assert run.usage.output_tokens == sum(turn.usage.output_tokens for turn in run.turns)
    assert run.usage.cost_usd == sum(turn.usage.cost_usd for turn in run.turns) > 0


async def test_a_paused_turn_goes_on_from_what_it_said() -> None:
    """The vendor cuts long turns in two; the second half has to follow the first."""
    async with scripted(says("One,", stop_reason="pause_turn"), says("two.")) as (model, claude):
        run = await Running().run(claude)
    assert model.requests[1].messages[-1] == ("assistant", ({"type": "text", "text": "One,"},))
    assert run.text == "One,\n\ntwo."


async def test_a_model_that_pauses_for_ever_is_ended() -> None:
    """A run must not pay for calls without end. Proves: AG-5."""
    steps = [says(f"{n}", stop_reason="pause_turn") for n in range(5)]
    async with scripted(*steps) as (_, claude):
        run = await Running().run(claude, agent_with(max_tool_calls=2))
    assert run.state is RunState.DONE
    assert run.text.endswith(CUT)


async def test_a_call_for_tools_that_names_none_ends_the_run() -> None:
    """Nothing can be answered, so asking again would be the same request, for ever."""
    async with scripted(says("Hm.", stop_reason="tool_use")) as (_, claude):
        run = await Running().run(claude, agent_with(DOUBLE))
    assert run.text == "Hm."


@pytest.mark.parametrize("reason", ["max_tokens", "model_context_window_exceeded"])
async def test_an_answer_that_was_cut_says_so(reason: str) -> None:
    """Half a sentence without a word looks like a fault."""
    async with scripted(says("Once upon", stop_reason=reason)) as (_, claude):
        run = await Running().run(claude)
    assert run.text == f"Once upon\n\n{CUT}"
    assert run.stop_reason == reason


async def test_a_refusal_replaces_what_was_said_before_it() -> None:
    """The vendor asks that refused text is not shown."""
    async with scripted(says("Sure, first you", stop_reason="refusal")) as (_, claude):
        run = await Running().run(claude)
    assert (run.text, run.stop_reason) == (REFUSED, "refusal")


async def test_an_empty_answer_becomes_a_sentence() -> None:
    """An empty bubble would look like a fault."""
    async with scripted(blocks(), blocks({"type": "text", "text": "  \n"})) as (_, claude):
        assert (await Running().run(claude)).text == EMPTY
        assert (await Running().run(claude)).text == EMPTY


PAST = tuple(
    PastRun(run_id=f"run_{n}", prompt=(spoken(f"question {n}", seq=n),), turns=(), answer=f"answer {n}")  # type: ignore[arg-type]
    for n in (1, 2, 3)
)


@pytest.mark.parametrize(
    "full",
    [
        fails(400, "invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum"),
        blocks(stop_reason="model_context_window_exceeded"),
    ],
    ids=["as an error", "as a stop reason"],
)
async def test_a_thread_that_does_not_fit_is_tried_with_its_last_run_and_then_given_up(full: Step) -> None:
    """A long thread should go on while it can; when it cannot, a person is told why."""
    async with scripted(full, says("Fits."), full, full) as (model, claude):
        run = await Running().run(claude, context=context_of(history=PAST))
        assert run.text == "Fits."
        assert "question 3" in prompt_text(model.requests[1])
        assert "question 2" not in prompt_text(model.requests[1])
        with pytest.raises(ContextWindowExceededError):
            await Running().run(claude, context=context_of(history=PAST))


async def test_text_of_a_call_that_did_not_fit_is_no_part_of_the_answer_of_the_next() -> None:
    """The second try starts over; so does its text."""
    full = breaks("Half a ", kind="invalid_request_error", message="prompt is too long: 3 tokens > 2 maximum")
    async with scripted(full, says("Whole.")) as (_, claude):
        run = await Running().run(claude, context=context_of(history=PAST))
    assert run.text == "Whole."


@pytest.mark.parametrize(
    ("step", "fault"),
    [
        (fails(529, "overloaded_error"), ModelUnavailableError),
        (breaks("Half"), ModelUnavailableError),
        (is_cut_off("Half"), ModelUnavailableError),
        (fails(400, "invalid_request_error"), ModelRefusedRequestError),
    ],
    ids=["overloaded", "broken off", "cut off", "refused"],
)
async def test_a_call_that_fails_is_an_error_and_keeps_what_was_said(step: Step, fault: type[Exception]) -> None:
    """The dispatcher decides whether to try again; what was streamed is not lost to it."""
    async with scripted(calls(("double", {"n": 1}), text="First."), step) as (_, claude):
        running = Running()
        with pytest.raises(fault):
            await running.run(claude, agent_with(DOUBLE))
    assert running.progress.text.startswith("First.")
    assert len(running.progress.turns) == 1


async def test_past_the_limit_of_tool_calls_the_model_is_told_to_answer() -> None:
    """Nobody pays for a model that goes in circles. Proves: AG-5."""
    steps = [calls(("double", {"n": 1})) for _ in range(3)]
    async with scripted(*steps, says("Enough.")) as (_, claude):
        run = await Running().run(claude, agent_with(DOUBLE, max_tool_calls=2))
    results = [call.result for turn in run.turns for call in turn.tool_calls]
    assert results == ["2", "2", TOO_MANY_CALLS]
    assert run.text == "Enough."


async def test_a_model_that_does_not_take_the_limit_in_is_ended() -> None:
    """And a run does end. Proves: AG-5."""
    steps = [calls(("double", {"n": 1}), ("double", {"n": 2})) for _ in range(3)]
    async with scripted(*steps) as (_, claude):
        run = await Running().run(claude, agent_with(DOUBLE, max_tool_calls=2))
    assert run.text == CUT
    assert run.state is RunState.DONE


async def test_a_run_that_takes_too_long_is_ended_with_what_it_said() -> None:
    """Proves: AG-5."""
    never = asyncio.Event()
    steps = [calls(("double", {"n": 1}), text="Looking."), hangs(never, says("late"))]
    async with scripted(*steps) as (model, claude):
        run = await Running().run(claude, agent_with(DOUBLE, run_s=0.2))
        assert run.text == f"Looking.\n\n{OUT_OF_TIME}"
        assert run.stop_reason == "out_of_time"
        async with asyncio.timeout(5):
            await model.abandoned.wait()


async def test_a_cancelled_run_keeps_its_text_and_ends_the_call() -> None:
    """Whoever presses stop wants to keep what was said, and to pay for no more."""
    gate = Gate()
    async with scripted(calls(("double", {"n": 1}), text="A."), says_slowly(["B1 ", "B2 ", "B3"], gate)) as (
        model,
        claude,
    ):
        running = Running()
        going = asyncio.create_task(run_agent(running.work(claude, agent_with(DOUBLE)), context_of()))
        async with asyncio.timeout(5):
            await gate.reached.wait()
            running.has_streamed.clear()
            gate.let(1)
            await running.has_streamed.wait()
            going.cancel()
            with pytest.raises(asyncio.CancelledError):
                await going
            await model.abandoned.wait()
    assert running.progress.text == "A.\n\nB1 "
    assert len(running.progress.turns) == 1


async def test_characters_that_no_store_takes_are_replaced_wherever_the_model_writes_them() -> None:
    """A NUL or half a surrogate pair must not cost the answer when it is stored."""
    arguments: JsonObject = {"n": 1, "\ud800": "a\x00b", "far": float("inf"), "not": [float("nan")]}
    running = Running()
    model = PlainModel(tool_reply("double", arguments), text_reply("x\x00y\ud83d."))
    run = await running.run(model, agent_with(DOUBLE))
    assert run.text == running.streamed == "x\ufffdy\ufffd."
    assert "\x00" not in repr(run.turns)
    assert "\\ud800" not in repr(run.turns)
    written, call = run.turns[0].content[0], run.turns[0].tool_calls[0]
    assert written["input"] == call.arguments == {"n": 1, "\ufffd": "a\ufffdb", "far": "Infinity", "not": ["NaN"]}


def test_every_event_is_known_here() -> None:
    """A new kind of event needs its place in the loop's tests."""
    assert set(get_args(Event)) == {TextDelta, ToolStarted, ToolFinished}
