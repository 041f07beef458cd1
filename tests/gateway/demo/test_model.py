"""The demo model as a server: routes, errors, counts, the pace of its stream, the accounts of its cache."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import ContextWindowExceededError
from agent.ports import Text
from agent.pricing import build_prices
from gateway.claude import build_claude
from gateway.demo.cache import PromptCache
from gateway.demo.checks import parse_request
from gateway.demo.endpoint import HttpAsk
from gateway.demo.model import DemoModel, build_demo_transport, fit, split_words
from gateway.demo.transport import InProcessTransport
from gateway.demo.wire import WireReply, WireRequest, estimate_tokens, text_block, tool_use_block
from gateway.messages_api import render_request
from tests.support.model_calls import ask, call, user
from tests.support.scripted_model import QUICK

HEADERS = {"authorization": "Bearer k", "anthropic-version": "2026-10-21"}


async def exchange(method: str, path: str, body: Any = None, headers: dict[str, str] = HEADERS) -> tuple[int, Any]:
    """The status and the JSON of an answer."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    reply = await DemoModel().respond(HttpAsk(method=method, path=path, headers=headers, body=data))
    return reply.status, json.loads(b"".join([piece async for piece in reply.pieces]))


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "kind"),
    [
        ("POST", "/v1/messages", b"{", 400, "invalid_request_error"),
        ("POST", "/v1/messages", {}, 400, "invalid_request_error"),
        ("POST", "/v1/complete", {}, 404, "not_found_error"),
        ("GET", "/v1/messages", None, 404, "not_found_error"),
    ],
)
async def test_errors_have_the_vendors_form(method: str, path: str, body: Any, status: int, kind: str) -> None:
    """The SDK makes its typed errors from this form."""
    got, answer = await exchange(method, path, body)
    assert got == status
    assert (answer["type"], answer["error"]["type"]) == ("error", kind)
    assert answer["error"]["message"]


async def test_no_key_is_401() -> None:
    """As at the vendor's."""
    status, body = await exchange("POST", "/v1/messages", {}, {})
    assert (status, body["error"]["type"]) == (401, "authentication_error")


async def test_tokens_are_counted_as_they_are_billed() -> None:
    """The count before a call and the bill after it must agree."""
    body = render_request(ask("hello"))
    status, counted = await exchange(
        "POST", "/v1/messages/count_tokens", {k: body[k] for k in ("model", "messages", "system")}
    )
    _, message = await exchange("POST", "/v1/messages", body)
    usage = message["usage"]
    assert status == 200
    assert counted["input_tokens"] == usage["input_tokens"] + usage["cache_creation_input_tokens"]


async def test_a_prompt_over_the_window_is_refused_as_the_vendor_does_it() -> None:
    """The loop then tries once more with a shorter thread."""
    transport = InProcessTransport(DemoModel(window_tokens=50).respond)
    claude = build_claude(api_key="demo", prices=build_prices({}), transport=transport, limits=QUICK)
    with pytest.raises(ContextWindowExceededError):
        await call(claude, ask("hello " * 100))
    await claude.aclose()


async def test_an_answer_over_its_limit_is_cut_and_says_so() -> None:
    """`max_tokens` must show without a key too."""
    claude = build_claude(api_key="demo", prices=build_prices({}), transport=build_demo_transport(0), limits=QUICK)
    text, reply = await call(claude, ask("tell me a long story", max_tokens=20))
    assert reply.stop_reason == "max_tokens"
    assert 0 < len(text) <= 80
    await claude.aclose()


def test_calls_that_do_not_fit_are_left_out() -> None:
    """As the vendor leaves out the half of a call."""
    reply = WireReply(
        content=(text_block("a"), tool_use_block("toolu_1", "now", {"x": "y" * 99})), stop_reason="tool_use"
    )
    cut = fit(reply, estimate_tokens(text_block("a")) + 1)
    assert (cut.content, cut.stop_reason) == ((text_block("a"),), "max_tokens")


@given(st.text(min_size=1))
def test_words_joined_are_the_text(text: str) -> None:
    """The stream is the answer, to the last space."""
    assert "".join(split_words(text)) == text


async def test_the_stream_is_paced_word_by_word() -> None:
    """An answer that comes all at once cannot be seen to stream, nor be interrupted."""
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    transport = InProcessTransport(DemoModel(words_per_s=50, pause=pause).respond)
    claude = build_claude(api_key="demo", prices=build_prices({}), transport=transport, limits=QUICK)
    pieces = [piece async for piece in claude.stream(ask("hi")) if isinstance(piece, str)]
    assert len(pieces) > 20
    assert all(len(piece.split()) == 1 for piece in pieces)
    assert pauses == [0.02] * len(pieces)
    await claude.aclose()


def checked(*texts: Text, tools: int = 0) -> WireRequest:
    """A request with some blocks in its one message."""
    body = render_request(ask(user(*texts)))
    body["tools"] = [{"name": f"t{n}", "input_schema": {"type": "object"}} for n in range(tools)]
    return parse_request(body)


def test_a_prefix_is_read_where_it_was_written_and_no_further() -> None:
    """Only what ended at a breakpoint is in the cache."""
    cache = PromptCache()
    first = cache.account(checked(Text(text="a" * 400, cache_for="5m"), Text(text="memory")), 1)
    again = cache.account(checked(Text(text="a" * 400), Text(text="b" * 400, cache_for="5m")), 1)
    assert first.cache_read_tokens == 0
    assert again.cache_read_tokens == first.cache_write_1h_tokens + first.cache_write_5m_tokens
    assert again.cache_write_5m_tokens == estimate_tokens({"type": "text", "text": "b" * 400})
    other = cache.account(checked(Text(text="c" * 400, cache_for="5m")), 1)
    assert other.cache_read_tokens == first.cache_write_1h_tokens


def test_another_tool_voids_the_whole_cache() -> None:
    """Tools stand first in the prompt."""
    cache = PromptCache()
    cache.account(checked(Text(text="a", cache_for="5m")), 1)
    assert cache.account(checked(Text(text="a", cache_for="5m"), tools=1), 1).cache_read_tokens == 0


def test_a_breakpoint_looks_back_twenty_blocks() -> None:
    """The vendor looks no further, and then bills the thread anew."""
    cache = PromptCache()
    cache.account(checked(Text(text="a", cache_for="5m")), 1)
    near = [Text(text="a"), *(Text(text=str(n)) for n in range(18)), Text(text="z", cache_for="5m")]
    far = [Text(text="a"), *(Text(text=str(n)) for n in range(19)), Text(text="y", cache_for="5m")]
    system = estimate_tokens({"type": "text", "text": "Be kind."})
    assert cache.account(checked(*near), 1).cache_read_tokens > system
    assert cache.account(checked(*far), 1).cache_read_tokens == system


def test_the_table_of_prefixes_is_bounded() -> None:
    """A demo that runs for a month must not grow."""
    cache = PromptCache(capacity=2)
    for name in ("a", "b", "c"):
        cache.account(checked(Text(text=name, cache_for="5m")), 1)
    system = estimate_tokens({"type": "text", "text": "Be kind."})
    assert cache.account(checked(Text(text="a", cache_for="5m")), 1).cache_read_tokens == system
