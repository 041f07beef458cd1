"""The scripted model itself: a test that could not fail by it would prove nothing."""

import pytest

from agent.errors import ModelRefusedRequestError
from agent.ports import Text, ToolResult, Verbatim
from agent.speech import MEMORY_END, MEMORY_HEAD
from tests.support.model_calls import ask, assistant, call, user
from tests.support.model_steps import calls, last_text, last_text_has, prompt_text, says
from tests.support.scripted_model import ScriptedModel, build_scripted_claude

MEMORY = Text(text=f"{MEMORY_HEAD} ⟦Alice · 3f9a01⟧.\n- likes tea\n{MEMORY_END}")


async def play(model: ScriptedModel, *requests: object) -> None:
    """Calls the model with some requests, whatever comes of them."""
    claude = build_scripted_claude(model)
    for request in requests:
        try:
            await call(claude, request)  # type: ignore[arg-type]
        except ModelRefusedRequestError:
            continue
    await claude.aclose()


async def test_a_call_that_no_step_is_left_for_fails_the_test() -> None:
    """Even where the code under test takes the error for an outage and goes on."""
    model = ScriptedModel()
    await play(model, ask("hello"))
    with pytest.raises(AssertionError, match="unexpected call: 'hello'"):
        model.assert_done()


async def test_a_step_that_nobody_asked_for_fails_the_test() -> None:
    """A call that was not made is a fault too."""
    model = ScriptedModel()
    model.add(says("one"), calls(("now", {})))
    await play(model, ask())
    with pytest.raises(AssertionError, match="not used: now"):
        model.assert_done()


async def test_a_request_that_does_not_suit_its_step_fails_the_test() -> None:
    """Steps are used in order, each for the request it was written for."""
    model = ScriptedModel()
    model.add(says("one"), when=last_text_has("tea"))
    await play(model, ask("coffee"))
    with pytest.raises(AssertionError, match="does not suit: 'coffee'"):
        model.assert_done()


async def test_a_request_that_the_vendor_would_refuse_fails_the_test() -> None:
    """A malformed request must not hide behind the error it gets."""
    model = ScriptedModel()
    model.add(says("one"))
    await play(model, ask(user(ToolResult(call_id="toolu_0", text="x"))))
    with pytest.raises(AssertionError, match="unexpected `tool_use_id`"):
        model.assert_done()


QUESTION = "⟦Alice · 3f9a01⟧\nhello"
NEXT = (user(QUESTION), assistant("hi"), "⟦Bob · 111111⟧\nand me?")


async def test_a_prompt_that_grows_is_right() -> None:
    """Breakpoints and the memory block move with the question; what stands before them must not."""
    model = ScriptedModel()
    model.add(says("hi"), says("you too"))
    await play(model, ask(user(Text(text=QUESTION, cache_for="5m"), MEMORY)), ask(*NEXT))
    model.assert_done()


async def test_a_prompt_that_moves_fails_the_test() -> None:
    """It would be billed anew, every time."""
    model = ScriptedModel()
    model.add(says("hi"), says("you too"))
    await play(model, ask(user(QUESTION, "now: 14:03")), ask(*NEXT))
    with pytest.raises(AssertionError, match=r"the prompt of .* moved at block 2"):
        model.assert_done()


async def test_a_prompt_may_move_where_the_test_says_so() -> None:
    """A window that slides, a compaction."""
    model = ScriptedModel()
    model.add(says("hi"))
    model.add(says("you too"), may_move=True)
    model.add(says("and again"))
    shorter = (user("⟦Alice · 3f9a01⟧\nnext"), assistant("you too"), user("last"))
    await play(model, ask(QUESTION), ask(shorter[0]), ask(*shorter))
    model.assert_done()


async def test_sessions_are_told_apart_by_their_first_label() -> None:
    """Each has a prompt of its own."""
    model = ScriptedModel()
    model.add(says("hi"), says("hi"))
    await play(model, ask(QUESTION), ask("⟦Alice · 777777⟧\nhello"))
    model.assert_done()


async def test_requests_can_be_looked_into() -> None:
    """Tests assert on what the model read."""
    model = ScriptedModel()
    model.add(says("hi"))
    turn = Verbatim(content={"type": "tool_use", "id": "toolu_1", "name": "now", "input": {}})
    thread = (user(QUESTION, MEMORY), assistant(turn), user(ToolResult(call_id="toolu_1", text="noon")))
    await play(model, ask(*thread))
    (request,) = model.requests
    assert last_text(request) == "hello"
    assert "noon" in prompt_text(request)
    assert "likes tea" in prompt_text(request)
