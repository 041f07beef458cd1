"""Tools: typed and checked arguments, and a fault of any kind that is a line for the model and never an exception."""

import asyncio
import functools
import threading
from contextlib import suppress
from typing import Annotated, Any

import pytest
from pydantic import AfterValidator, Field

from agent.errors import ToolError
from agent.records import ToolCall
from agent.tools import RESULT_LIMIT, Tool, ToolContext, ToolUse, build_tool, call_tools
from tests.support.agent_runs import task_of


async def use(tool: Tool | None, **arguments: Any) -> ToolCall:
    """One call."""
    name = tool.name if tool else "nothing"
    async with asyncio.timeout(10):
        [call] = await call_tools(
            {tool.name: tool} if tool else {},
            [ToolUse(call_id="c", name=name, arguments=arguments)],
            ToolContext(task=task_of()),
        )
    return call


def add(a: int, b: Annotated[int, Field(ge=0, description="What to add")] = 1) -> str:
    """Add two numbers."""
    return str(a + b)


def test_a_function_tells_the_model_its_arguments() -> None:
    """The schema is what the model goes by."""
    spec = build_tool(add).spec
    assert (spec.name, spec.description) == ("add", "Add two numbers.")
    assert spec.input_schema["required"] == ["a"]
    assert spec.input_schema["additionalProperties"] is False
    assert spec.input_schema["properties"]["b"]["description"] == "What to add"  # type: ignore[index, call-overload]


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ({"a": "x"}, "a: Input should be a valid integer"),
        ({"a": 1, "b": -1}, "b: Input should be greater than or equal to 0"),
        ({}, "a: Field required"),
        ({"a": 1, "c": 2}, "c: Extra inputs are not permitted"),
        ({"a": "x", "b": "y"}, "a: Input should be a valid integer"),
    ],
)
async def test_a_wrong_argument_is_named_and_the_tool_does_not_run(arguments: dict[str, Any], line: str) -> None:
    """The model can mend what it is told. Proves: AG-2."""
    call = await use(build_tool(add), **arguments)
    assert call.is_error
    assert call.result.startswith(line)
    assert "\n" not in call.result


async def test_a_tool_that_there_is_not_is_an_answer() -> None:
    """Models make names up."""
    call = await use(None)
    assert (call.result, call.is_error) == ("There is no tool named nothing.", True)


async def test_the_one_who_asks_comes_from_the_gateway_and_not_from_the_model() -> None:
    """No tool takes a user id from the model."""

    def whose(context: ToolContext) -> str:
        """Say whose turn it is."""
        return str(context.task.user.id if context.task.user else None)

    tool = build_tool(whose)
    assert tool.spec.input_schema["properties"] == {}
    assert (await use(tool)).result == "ann"
    assert (await use(tool, context={"task": "bob"})).is_error


class UnspeakableError(Exception):
    """Its text is a fault of its own."""

    def __str__(self) -> str:
        raise RuntimeError("no words")


class PanicError(BaseException):
    """What extension modules in other languages raise: no `Exception`."""


@pytest.mark.parametrize(
    ("fault", "line"),
    [
        (ValueError("first\nsecond\r\nthird"), "broken failed: ValueError: first second third"),
        (ToolError("Say it\nlike this."), "Say it like this."),
        (TimeoutError("the tool's own"), "broken failed: TimeoutError: the tool's own"),
        (ExceptionGroup("many", [ValueError("x")]), "broken failed: ExceptionGroup: many (1 sub-exception)"),
        (SystemExit(3), "broken failed: SystemExit: 3"),
        (KeyboardInterrupt(), "broken failed: KeyboardInterrupt"),
        (GeneratorExit("odd"), "broken failed: GeneratorExit: odd"),
        (PanicError("its own kind"), "broken failed: PanicError: its own kind"),
        (BaseExceptionGroup("many", [PanicError()]), "broken failed: BaseExceptionGroup: many (1 sub-exception)"),
        (asyncio.CancelledError("its own"), "broken failed: CancelledError: its own"),
        (UnspeakableError(), "broken failed: UnspeakableError"),
        (KeyError("\x00\ud800"), "broken failed: KeyError: '\\x00\\ud800'"),
        (ValueError("\x00\ud800"), "broken failed: ValueError: \ufffd\ufffd"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
@pytest.mark.parametrize("is_async", [True, False], ids=["async", "plain"])
async def test_whatever_a_tool_raises_is_one_line_for_the_model(
    fault: BaseException, line: str, is_async: bool
) -> None:
    """A tool is anybody's code: it must end neither the run nor the process. Proves: AG-2."""

    def plain() -> str:
        """Fail."""
        raise fault

    async def slow() -> str:
        """Fail."""
        raise fault

    call = await use(build_tool(slow if is_async else plain, name="broken"))
    assert (call.result, call.is_error) == (line, True)


async def test_a_long_error_is_cut() -> None:
    """The prompt must not fill with somebody's stack."""

    def broken() -> str:
        """Fail."""
        raise ValueError("x" * 10_000)

    assert len((await use(build_tool(broken))).result) <= 300


async def test_a_fault_in_a_check_of_arguments_is_a_line_too() -> None:
    """A validator is anybody's code as well."""

    def check(value: int) -> int:
        raise KeyError("oops")

    def checked(n: Annotated[int, AfterValidator(check)]) -> str:
        """Check."""
        return "never"

    assert (await use(build_tool(checked), n=1)).result == "checked failed: KeyError: 'oops'"


async def test_a_tool_that_hangs_is_left_and_does_not_hold_up_others() -> None:
    """A dozen hanging calls must not take every thread there is from the tools that work. Proves: AG-2."""
    end = threading.Event()

    def hang() -> str:
        """Hang."""
        end.wait()
        return "late"

    async def hang_too() -> str:
        """Hang."""
        await asyncio.Event().wait()
        return "never"

    tools = [build_tool(f, timeout_s=0.05) for f in (hang, hang_too)]
    try:
        calls = await asyncio.gather(*(use(tool) for tool in tools for _ in range(20)))
        assert {call.result for call in calls} == {
            "hang gave no result within 0.05 seconds.",
            "hang_too gave no result within 0.05 seconds.",
        }
        assert (await use(build_tool(add), a=1)).result == "2"
    finally:
        end.set()


async def test_a_tool_that_will_not_be_cancelled_is_left_after_its_time_and_at_a_stop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else one bad tool would hold its session up until the process ends. Proves: AG-2, AG-5."""
    monkeypatch.setattr("agent.tools.TIDY_S", 0.05)
    started, end = asyncio.Event(), asyncio.Event()

    async def stubborn() -> str:
        """Never give in."""
        started.set()
        while not end.is_set():
            with suppress(asyncio.CancelledError):
                await end.wait()
        return "late"

    try:
        call = await use(build_tool(stubborn, timeout_s=0.05))
        assert (call.result, call.is_error) == ("stubborn gave no result within 0.05 seconds.", True)
        started.clear()
        going = asyncio.create_task(use(build_tool(stubborn)))
        async with asyncio.timeout(5):
            await started.wait()
            going.cancel()
            with pytest.raises(asyncio.CancelledError):
                await going
    finally:
        end.set()


async def test_a_tool_whose_time_is_up_may_tidy_up_before_the_run_goes_on() -> None:
    """A lock or a connection that it held is free for the next call. Proves: AG-2."""
    is_tidy = False

    async def slow() -> str:
        """Be slow."""
        nonlocal is_tidy
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            is_tidy = True
        return ""

    assert (await use(build_tool(slow, timeout_s=0.05))).is_error
    assert is_tidy


@pytest.mark.parametrize(
    ("value", "result", "is_error"),
    [
        ("fine", "fine", False),
        ("", "(nothing)", False),
        ("a\x00b\ud800", "a\ufffdb\ufffd", False),
        (b"bytes", "give gave bytes where text was expected.", True),
        (None, "give gave NoneType where text was expected.", True),
        ({"a": 1}, "give gave dict where text was expected.", True),
    ],
    ids=["text", "empty", "unstorable", "bytes", "none", "object"],
)
async def test_what_a_tool_gives_is_text_that_can_be_kept(value: Any, result: str, is_error: bool) -> None:
    """Whatever it is, the run goes on and can be stored. Proves: AG-2."""

    def give() -> str:
        """Give something."""
        return value  # type: ignore[no-any-return]

    call = await use(build_tool(give))
    assert (call.result, call.is_error) == (result, is_error)


@pytest.mark.parametrize(
    ("result", "told"),
    [
        ("ü" * (RESULT_LIMIT + 5), "give gave 4,000,005 characters; at most 4,000,000 are taken. Ask for less."),
        ("\x89PNG\r\n\x1a\n" + "\x00\x01" * 500, "give gave 1,008 characters of binary data where text was expected."),
        ("\ud800" * 50, "give gave 50 characters of binary data where text was expected."),
    ],
    ids=["too much", "an image", "broken Unicode"],
)
async def test_a_result_that_nobody_could_use_is_told_in_one_line(result: str, told: str) -> None:
    """A gigabyte must not become a row, nor an image a prompt. Proves: CX-3."""

    def give() -> str:
        """Give something."""
        return result

    call = await use(build_tool(give))
    assert (call.result, call.is_error) == (told, True)


async def test_a_text_with_some_broken_characters_is_taken_without_them() -> None:
    """A page in the wrong encoding can still be read."""

    def give() -> str:
        """Give a text."""
        return "caf\ud8e9 and " + "tea " * 100

    call = await use(build_tool(give))
    assert call.result.startswith("caf\ufffd and tea")
    assert not call.is_error


async def test_a_wrapped_async_function_is_awaited() -> None:
    """A decorator often hides that a function is async."""

    async def slow() -> str:
        """Be slow."""
        return "done"

    @functools.wraps(slow)
    def wrapper() -> Any:
        return slow()

    assert (await use(build_tool(wrapper))).result == "done"


def test_a_function_that_cannot_be_a_tool_is_refused_when_it_is_made_one() -> None:
    """The owner should see it at the start, not a person in the middle of a talk."""

    def silent(n: int) -> str:
        return ""

    def untyped(n) -> str:  # type: ignore[no-untyped-def]
        """Do."""
        return ""

    def many(*numbers: int) -> str:
        """Do."""
        return ""

    def named(**numbers: int) -> str:
        """Do."""
        return ""

    def by_place(n: int, /) -> str:
        """Do."""
        return ""

    for function, word in (
        (silent, "docstring"),
        (untyped, "type"),
        (many, "numbers"),
        (named, "numbers"),
        (by_place, "n"),
    ):
        with pytest.raises(TypeError, match=word):
            build_tool(function)


async def test_cancelling_a_run_cancels_its_tools() -> None:
    """Stop means stop, also while a tool runs."""
    started, was_cancelled = asyncio.Event(), asyncio.Event()

    async def wait() -> str:
        """Wait."""
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            was_cancelled.set()
        return ""

    going = asyncio.create_task(use(build_tool(wait)))
    async with asyncio.timeout(5):
        await started.wait()
        going.cancel()
        with pytest.raises(asyncio.CancelledError):
            await going
        await was_cancelled.wait()
