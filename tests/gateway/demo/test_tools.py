"""When the demo model asks for a tool, and how it tells what came back."""

from datetime import UTC, datetime

import pytest

from gateway.builtin_tools import build_calculate, build_current_time
from gateway.handoff_tool import ASKED
from tests.support.demo_talk import DemoTalk
from tests.support.model_calls import tool

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


async def test_a_tool_is_asked_for_and_its_result_told(talk: DemoTalk) -> None:
    """Proves: AG-6."""
    answer = await talk.say("What time is it in Tokyo?")
    assert talk.tool_calls == [("current_time", {"timezone": "Asia/Tokyo"})]
    assert "2026-11-20 14:03" in answer
    assert "Tokyo" in answer


async def test_two_things_asked_are_two_tools_side_by_side(talk: DemoTalk) -> None:
    """One turn with two calls, as a real model does it."""
    answer = await talk.say("What time is it in Tokyo and what is 17 times 23?")
    assert talk.tool_calls == [("current_time", {"timezone": "Asia/Tokyo"}), ("calculate", {"expression": "17 * 23"})]
    assert len(talk.replies) == 2
    assert "17 * 23 = 391" in answer


@pytest.mark.parametrize(
    ("question", "expression"),
    [
        ("What is 17*23?", "17*23"),
        ("2+2", "2+2"),
        ("2 + 2 =", "2 + 2"),
        ("calculate (3+4)*5/2", "(3+4)*5/2"),
        ("how much is 1,000,000 divided by 4?", "1000000 / 4"),
        ("what is 2^10?", "2**10"),
        ("compute 7 x 6", "7*6"),
        ("what's -5 minus 3", "-5 - 3"),
        ("what is sqrt(2)?", "sqrt(2)"),
    ],
)
async def test_sums_are_found(talk: DemoTalk, question: str, expression: str) -> None:
    """In the words of people and in the signs of a calculator."""
    await talk.say(question)
    assert talk.tool_calls == [("calculate", {"expression": expression})]


async def test_the_built_in_tools_work_with_it(talk: DemoTalk) -> None:
    """What the demo asks for is what they take, and it makes a sentence of what they give. Proves: AG-6."""
    clock, calculate = build_current_time(lambda: NOON), build_calculate()
    talk.tools = (clock.spec, calculate.spec)
    talk.results = {
        "current_time": str(clock.function(timezone="Asia/Tokyo")),
        "calculate": str(calculate.function(expression="(3+4)*2")),
    }
    answer = await talk.say("What time is it in Tokyo, and what is (3+4)*2?")
    assert talk.tool_calls == [("current_time", {"timezone": "Asia/Tokyo"}), ("calculate", {"expression": "(3+4)*2"})]
    assert "In Tokyo it is 21:00 on Friday, 20 November 2026." in answer
    assert "(3+4)*2 = 14" in answer


@pytest.mark.parametrize("text", ["call me on 030-1234", "see you on 2026-11-20", "I am 30", "ticket 12/7 is open"])
async def test_numbers_in_talk_are_no_sums(talk: DemoTalk, text: str) -> None:
    """A date is not a subtraction."""
    await talk.say(text)
    assert talk.tool_calls == []


async def test_the_time_at_home_needs_no_place(talk: DemoTalk) -> None:
    """Tools and memories work together."""
    talk.memory = ("lives in Paris",)
    await talk.say("What time is it?")
    assert talk.tool_calls == [("current_time", {"timezone": "Europe/Paris"})]


async def test_without_tools_it_says_so(talk: DemoTalk) -> None:
    """An agent may have none."""
    talk.tools = ()
    assert "no clock" in await talk.say("What time is it in Tokyo?")
    assert "cannot calculate" in await talk.say("what is 2+2?")


async def test_a_burst_of_messages_is_answered_together(talk: DemoTalk) -> None:
    """What came while a run was on is answered at once."""
    answer = await talk.say("I like tea", "what is 17*23?")
    assert "you like tea" in answer
    assert "391" in answer


@pytest.mark.parametrize(
    "question",
    ["I would rather talk to a person.", "Can I speak with a human?", "get me an operator", "I need a person"],
)
async def test_who_asks_for_a_person_gets_one_where_the_agent_may_ask(talk: DemoTalk, question: str) -> None:
    """A newcomer can see a hand-over without a key. Proves: AG-6."""
    talk.tools = (*talk.tools, tool("request_human", reason={"type": "string"}, summary={"type": "string"}))
    talk.results = {"request_human": ASKED}
    answer = await talk.say(question)
    assert talk.tool_calls == [("request_human", {"reason": "They asked for a person.", "summary": question})]
    assert "A person of the team was asked and will join here." in answer


async def test_who_asks_for_a_person_where_there_is_none_is_promised_nothing(talk: DemoTalk) -> None:
    """The agent may not ask for one there. Proves: AG-6."""
    assert "person of the team" not in await talk.say("I would rather talk to a person.")
