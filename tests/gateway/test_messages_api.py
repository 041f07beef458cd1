"""A model request as the Messages API's JSON: whatever the core hands over, the vendor accepts."""

from typing import cast

from hypothesis import given
from hypothesis import strategies as st

from agent.ports import Block, ModelMessage, ModelRequest, Text, ToolResult, Verbatim
from agent.records import JsonObject, JsonValue
from gateway.demo.checks import parse_request
from gateway.messages_api import parse_message, render_request
from tests.support.model_calls import ask, assistant, tool, user

THINKING: JsonObject = {"type": "thinking", "thinking": "Hmm.", "signature": "c2ln"}
REDACTED: JsonObject = {"type": "redacted_thinking", "data": "b3BhcXVl"}


def tool_use(call_id: str) -> Verbatim:
    """A call as the model wrote it."""
    return Verbatim(content={"type": "tool_use", "id": call_id, "name": "now", "input": {}})


def messages_of(request: ModelRequest) -> list[tuple[str, list[JsonObject]]]:
    """The rendered messages as (role, blocks)."""
    messages = cast("list[dict[str, JsonValue]]", render_request(request)["messages"])
    return [(str(m["role"]), cast("list[JsonObject]", m["content"])) for m in messages]


def test_a_whole_run_is_rendered_as_the_vendor_wants_it() -> None:
    """Tools, system, a past run with its tools, the question under its label, the turn so far."""
    request = ask(
        "what time is it?",
        assistant(tool_use("toolu_1")),
        user(ToolResult(call_id="toolu_1", text="noon", is_error=False)),
        assistant("It is noon."),
        user(Text(text="and now?", cache_for="5m"), "memory"),
        assistant(tool_use("toolu_2")),
        user(ToolResult(call_id="toolu_2", text="no clock", is_error=True, cache_for="5m")),
        tools=[tool("now")],
    )
    body = render_request(request)
    parse_request(body)
    assert body["system"] == [{"type": "text", "text": "Be kind.", "cache_control": {"type": "ephemeral", "ttl": "1h"}}]
    assert body["tools"] == [
        {"name": "now", "description": "now", "input_schema": {"type": "object", "properties": {}}}
    ]
    last = messages_of(request)[-1]
    assert last == (
        "user",
        [
            {
                "type": "tool_result",
                "tool_use_id": "toolu_2",
                "content": "no clock",
                "is_error": True,
                "cache_control": {"type": "ephemeral", "ttl": "5m"},
            }
        ],
    )


def test_what_is_not_there_is_left_out() -> None:
    """Empty lists of tools and system blocks are refused by some compatible servers."""
    body = render_request(ModelRequest(model="m", max_tokens=5, system=(), tools=(), messages=(user("hi"),)))
    assert set(body) == {"model", "max_tokens", "messages"}


def test_neighbours_of_one_role_become_one_message() -> None:
    """Not every compatible server joins them itself."""
    rendered = messages_of(ask(user("a"), user("b"), assistant("c"), assistant("d"), user("e")))
    assert [(role, len(blocks)) for role, blocks in rendered] == [("user", 2), ("assistant", 2), ("user", 1)]


def test_blank_texts_are_left_out() -> None:
    """The vendor answers 400 to them, and a person may send a message of spaces."""
    rendered = messages_of(ask(user("  \n", "hi"), assistant(" "), user("you")))
    assert rendered == [("user", [{"type": "text", "text": "hi"}, {"type": "text", "text": "you"}])]


def test_thinking_is_given_back_within_its_run_only() -> None:
    """It is signed for the prompt it was written under. In a later run the memory block is gone and the window has
    moved, and the vendor refuses the whole request.
    """
    turn = assistant(Verbatim(content=THINKING), Verbatim(content=REDACTED), tool_use("toolu_1"))
    result = user(ToolResult(call_id="toolu_1", text="noon"))
    this_run = messages_of(ask("now?", turn, result))
    assert [block["type"] for block in this_run[1][1]] == ["thinking", "redacted_thinking", "tool_use"]
    later = messages_of(ask("now?", turn, result, assistant("Noon."), "thanks"))
    assert [block["type"] for block in later[1][1]] == ["tool_use"]


def test_a_turn_of_nothing_but_old_thinking_is_left_out() -> None:
    """A message without content is refused."""
    rendered = messages_of(ask("now?", assistant(Verbatim(content=THINKING)), "hello?"))
    assert [role for role, _ in rendered] == ["user"]


def breakpoints(request: ModelRequest) -> list[str]:
    """The times to live of the breakpoints, in order."""
    body = render_request(request)
    system = cast("list[JsonObject]", body.get("system", []))
    blocks = [*system, *(block for _, content in messages_of(request) for block in content)]
    marks = (cast("JsonObject", block["cache_control"]) for block in blocks if "cache_control" in block)
    return [str(mark["ttl"]) for mark in marks]


def test_of_many_breakpoints_the_first_and_the_last_stay() -> None:
    """More than four are refused. The first holds the tools and instructions of every session of an agent."""
    many = ask(*(user(Text(text=str(n), cache_for="5m")) for n in range(6)))
    assert breakpoints(many) == ["1h", "5m", "5m", "5m"]
    texts = [block for _, content in messages_of(many) for block in content]
    assert [block["text"] for block in texts if "cache_control" in block] == ["3", "4", "5"]


def test_a_long_breakpoint_after_a_short_one_becomes_short() -> None:
    """The vendor refuses the other order."""
    assert breakpoints(ask(user(Text(text="a", cache_for="5m"), Text(text="b", cache_for="1h")))) == ["1h", "5m", "5m"]


def test_rendering_changes_nothing_of_what_it_is_given() -> None:
    """The same turns are rendered again for every call of a run."""
    mark: JsonObject = {"type": "ephemeral", "ttl": "1h"}
    written: list[JsonObject] = [{"type": "text", "text": str(n), "cache_control": mark} for n in range(7)]
    request = ask(*(user(Verbatim(content=block)) for block in written))
    first = render_request(request)
    assert render_request(request) == first
    assert all(block["cache_control"] == mark for block in written)


words = st.text(max_size=6)
blocks = st.one_of(
    st.builds(Text, text=words, cache_for=st.sampled_from([None, "5m", "1h"])),
    st.builds(lambda: Verbatim(content=dict(THINKING))),
)


@given(st.lists(st.tuples(st.sampled_from(["user", "assistant"]), st.lists(blocks, max_size=3)), max_size=8))
def test_any_thread_is_rendered_so_that_the_vendor_takes_it(
    thread: list[tuple[str, list[Block]]],
) -> None:
    """No person's text, and no turn cut short, may make a session unanswerable for ever."""
    messages = [user("first")]
    for role, content in thread:
        kept = tuple(b for b in content if role == "assistant" or isinstance(b, Text))
        messages.append(ModelMessage(role="assistant" if role == "assistant" else "user", blocks=kept))
    messages.append(user("last"))
    parse_request(render_request(ask(*messages)))


def test_a_message_in_one_piece_is_read_without_its_blank_texts() -> None:
    """What is kept may be sent back as it is."""
    message = parse_message(
        {
            "model": "m",
            "content": [{"type": "text", "text": ""}, {"type": "text", "text": "hi"}],
            "stop_reason": "end_turn",
            "usage": {"input_tokens": 3, "output_tokens": 2, "cache_read_input_tokens": None},
        }
    )
    assert message.content == ({"type": "text", "text": "hi"},)
    assert (message.tokens.input, message.tokens.output, message.tokens.cache_read) == (3, 2, 0)
