"""The tools that come with the gateway: what they answer, and what they refuse to be kept busy with."""

import asyncio
import contextlib
from datetime import UTC, datetime, timedelta, timezone

import pytest

from agent.ids import AgentId, SessionId, TaskId
from agent.tasks import Task
from agent.tools import Tool, ToolContext, ToolUse, call_tools
from gateway.builtin_tools import BUILTIN_TOOLS, build_calculate, build_current_time
from gateway.calculator import NotComputableError, compute

NOW = datetime(2026, 11, 20, 9, 5, 7, tzinfo=timezone(timedelta(hours=-3)))
TASK = Task(
    task_id=TaskId("task_1"),
    session_id=SessionId("s"),
    position=1,
    epoch=1,
    attempt=1,
    agent_id=AgentId("a"),
    user=None,
    prompt="",
)


async def call(tool: Tool, **arguments: str) -> tuple[str, bool]:
    """The tool's answer, and whether it is an error, as the model gets them."""
    use = ToolUse(call_id="1", name=tool.name, arguments=dict(arguments))
    async with asyncio.timeout(5):
        (done,) = await call_tools({tool.name: tool}, [use], ToolContext(task=TASK))
    return done.result, done.is_error


def test_each_is_known_to_the_model_by_the_name_it_is_configured_by() -> None:
    """The name in `tools = [...]` is the one that stands in histories."""
    tools = {name: build() for name, build in BUILTIN_TOOLS.items()}
    assert {name: tool.name for name, tool in tools.items()} == {name: name for name in BUILTIN_TOOLS}
    assert all(tool.description and tool.spec.input_schema["type"] == "object" for tool in tools.values())


class TestCurrentTime:
    """`current_time`."""

    tool = build_current_time(lambda: NOW)

    async def test_it_tells_the_time_where_it_is_asked_for(self) -> None:
        """A model knows neither the date nor the hour."""
        assert await call(self.tool, timezone="Asia/Tokyo") == (
            "Friday, 20 November 2026, 21:05 in Asia/Tokyo (2026-11-20T21:05:07+09:00)",
            False,
        )

    async def test_it_tells_utc_where_nothing_is_asked_for(self) -> None:
        """Also where the system has no list of time zones."""
        text, is_error = await call(self.tool)
        assert not is_error
        assert text.startswith("Friday, 20 November 2026, 12:05 in UTC")

    @pytest.mark.parametrize("zone", ["Mars/Base", "../../etc/passwd", "", "Europe", "/etc/localtime", "x" * 101])
    async def test_what_is_no_time_zone_is_refused_by_name(self, zone: str) -> None:
        """The model can do better the next time; no file is opened by what it says."""
        text, is_error = await call(self.tool, timezone=zone)
        assert is_error
        assert text.startswith("timezone: ")

    def test_without_a_clock_it_tells_the_present(self) -> None:
        """The clock of the machine, in UTC."""
        year = str(datetime.now(UTC).year)
        assert year in str(build_current_time().function("UTC"))


class TestCalculate:
    """`calculate`."""

    @pytest.mark.parametrize(
        ("expression", "result"),
        [
            ("17*23", "391"),
            ("(3 + 4) * 2.5", "17.5"),
            ("0.1 + 0.2", "0.3"),
            ("10 / 4", "2.5"),
            ("10 / 5", "2"),
            ("-7 // 2", "-4"),
            ("7 % 3", "1"),
            ("2 ^ 10", "1024"),
            ("2**0.5", "1.4142135623731"),
            ("3 × 4 ÷ 2 − 1", "5"),
            ("sqrt(16) + max(1, 2, 3)", "7"),
            ("round(2.567, 2)", "2.57"),
            ("2 * pi", "6.28318530717959"),
            ("round(1234, -2)", "1200"),
            ("1 ** 123456", "1"),
            ("2**100", "1267650600228229401496703205376"),
            ("1e15 + 0.5", "1e+15"),
        ],
    )
    def test_sums_come_out_as_a_person_would_write_them(self, expression: str, result: str) -> None:
        """Whole numbers exactly, others to fifteen digits."""
        assert compute(expression) == result

    @pytest.mark.parametrize(
        "expression",
        [
            "",
            "1 +",
            "x + 1",
            "True + 1",
            "'a' * 3",
            "[1] * 3",
            "1 < 2",
            "1 if 1 else 2",
            "(lambda: 1)()",
            "().__class__",
            "__import__('os').getcwd()",
            "open('x')",
            "sqrt.__self__",
            "round(number=2)",
            "max(*[1, 2])",
            "1,000 + 1",
            "1j * 1j",
            "~5",
            "a := 1",
            "1; 2",
            "1\0",
            "1 / 0",
            "0 ** -1",
            "sqrt(-1)",
            "(-8) ** 0.5",
            "max(5)",
            "round(5, 1.5)",
            "round(5, -301)",
        ],
    )
    def test_what_is_no_sum_is_refused(self, expression: str) -> None:
        """Nothing but arithmetic is ever run: the expression comes from a model, and so from anybody."""
        with pytest.raises(NotComputableError):
            compute(expression)

    @pytest.mark.parametrize(
        "expression",
        [
            "9**9**9",
            "2**-9999999999",
            "10**1000 * 10**1000",
            "(10**800)**2",
            "9" * 200,
            "round(5, -999999999)",
            "round(5.5, 999999999)",
            "1e308 * 10",
            "exp(1e6)",
            "10**900 + 0.5",
            "(" * 99 + "1" + ")" * 99,
            "-" * 199 + "1",
            "1" + "+1" * 100,
            "max(" * 40 + "1" + ")" * 40,
        ],
    )
    def test_nothing_keeps_it_busy(self, expression: str) -> None:
        """A result is given or refused at once, whatever is asked: it runs beside everybody's answers."""
        with contextlib.suppress(NotComputableError):
            assert len(compute(expression)) < 1_000

    async def test_the_model_is_told_what_was_expected(self) -> None:
        """As a tool's error, naming the argument."""
        assert await call(build_calculate(), expression="1 / 0") == ("expression: division by zero", True)
        assert await call(build_calculate(), expression="6 * 7") == ("42", False)
