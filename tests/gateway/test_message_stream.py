"""A message put together from its events, however the network cut them."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.pricing import BilledTokens, build_prices
from agent.records import JsonObject
from gateway.claude import build_claude
from gateway.demo.checks import parse_request
from gateway.demo.endpoint import HttpAsk, HttpReply, stream_reply
from gateway.demo.transport import InProcessTransport
from gateway.demo.wire import WireReply, WireUsage, render_block, render_end, render_event, render_start
from gateway.message_stream import MessageStream
from gateway.messages_api import BadMessageError, render_request
from tests.support.model_calls import ask, call
from tests.support.scripted_model import QUICK

CONTENT: tuple[JsonObject, ...] = (
    {"type": "thinking", "thinking": "Grüße denken…", "signature": "c2ln"},
    {"type": "text", "text": "Grüß Gott!\r\nZeile\u2028zwei \U0001f375"},
    {"type": "tool_use", "id": "toolu_1", "name": "calculate", "input": {"expression": "1\n+ 1", "ü": [{}, None]}},
    {"type": "tool_use", "id": "toolu_2", "name": "now", "input": {}},
)
REPLY = WireReply(content=CONTENT, stop_reason="tool_use", usage=WireUsage(input_tokens=7, output_tokens=9))


def events(reply: WireReply = REPLY) -> list[JsonObject]:
    """The data of a reply's events."""
    request = parse_request({**render_request(ask()), "stream": True})
    middle = [event for index, block in enumerate(reply.content) for event in render_block(index, block)]
    return [render_start(request, reply), *middle, *render_end(reply)]


def feed(data: list[JsonObject]) -> MessageStream:
    """A stream that took some events."""
    stream = MessageStream()
    for event in data:
        stream.add(json.dumps(event))
    return stream


WIRE = b"".join(render_event(event) for event in events())


@settings(max_examples=40, deadline=None)
@given(st.sets(st.integers(min_value=1, max_value=len(WIRE) - 1), max_size=60), st.booleans())
def test_a_stream_cut_anywhere_gives_the_same_reply(cuts: set[int], is_crlf: bool) -> None:
    """The network splits where it likes: in the middle of a character, of a line end, of an event."""
    wire = WIRE.replace(b"\n", b"\r\n") if is_crlf else WIRE
    bounds = [0, *sorted(cuts), len(wire)]
    pieces = [wire[a:b] for a, b in itertools.pairwise(bounds)]

    async def body() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    async def respond(_: HttpAsk) -> HttpReply:
        return stream_reply(body())

    async def check() -> None:
        claude = build_claude(api_key="k", prices=build_prices({}), transport=InProcessTransport(respond), limits=QUICK)
        text, reply = await call(claude, ask())
        assert text == CONTENT[1]["text"]
        assert reply.content == CONTENT
        assert (reply.usage.input_tokens, reply.usage.output_tokens) == (7, 9)
        await claude.aclose()

    asyncio.run(check())


@given(st.integers(min_value=0, max_value=len(events()) - 1))
def test_a_stream_that_ends_early_is_never_a_message(count: int) -> None:
    """Whatever is missing at the end, half an answer must not pass for a whole one."""
    with pytest.raises(BadMessageError):
        feed(events()[:count]).finish()


def test_arguments_come_in_pieces_and_are_parsed_once() -> None:
    """Their pieces are no JSON by themselves."""
    block = CONTENT[2]
    whole = json.dumps(block["input"])
    reply = WireReply(content=(block,), stop_reason="tool_use")
    data = [events(reply)[0], *render_block(0, block, list(whole)), *render_end(reply)]
    assert feed(data).finish().content == (block,)


@pytest.mark.parametrize("reason", ["max_tokens", "refusal", "model_context_window_exceeded"])
def test_a_tool_call_cut_short_is_left_out(reason: str) -> None:
    """Nobody can run half a call, and a call without its result would block the thread for ever."""
    text: JsonObject = {"type": "text", "text": "Let me"}
    reply = WireReply(content=(text, CONTENT[2]), stop_reason=reason)
    data = events(reply)[:-2]
    cut = [e for e in data if e["type"] != "content_block_delta" or e["index"] == 0]
    piece: JsonObject = {"type": "input_json_delta", "partial_json": '{"expression": "1'}
    cut.append({"type": "content_block_delta", "index": 1, "delta": piece})
    assert feed([*cut, *render_end(reply)]).finish().content == (text,)


@pytest.mark.parametrize("arguments", ['{"a": ', "[1]", "nonsense"])
def test_arguments_that_are_no_object_are_no_message(arguments: str) -> None:
    """A model that was not cut short and wrote nonsense is asked again, not obeyed."""
    data = [events()[0], *render_block(0, CONTENT[2], [arguments]), *render_end(REPLY)]
    with pytest.raises(BadMessageError):
        feed(data).finish()


def test_blank_texts_are_left_out() -> None:
    """The vendor writes them at times, and refuses them when they are sent back."""
    blank: JsonObject = {"type": "text", "text": " \n"}
    said: JsonObject = {"type": "text", "text": "hi"}
    assert feed(events(WireReply(content=(blank, said)))).finish().content == (said,)


def test_later_counts_replace_earlier_ones_and_keep_what_they_leave_out() -> None:
    """The vendor's later counts are totals; the split of the cache writes comes only with the first."""
    start, *_ = events()
    message = start["message"]
    assert isinstance(message, dict)
    message["usage"] = {
        "input_tokens": 10,
        "output_tokens": 1,
        "cache_read_input_tokens": 5,
        "cache_creation_input_tokens": 30,
        "cache_creation": {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 20},
    }
    delta: JsonObject = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}}
    usage: JsonObject = {"input_tokens": 12, "output_tokens": 77, "cache_read_input_tokens": None}
    tokens = feed([start, {**delta, "usage": usage}, {"type": "message_stop"}]).finish().tokens
    assert tokens == BilledTokens(input=12, output=77, cache_read=5, cache_write_5m=10, cache_write_1h=20)


def test_citations_and_events_nobody_knows_do_no_harm() -> None:
    """The vendor adds event types; the stream must go on."""
    block: JsonObject = {"type": "text", "text": "tea"}
    citation: JsonObject = {"type": "char_location", "cited_text": "tea"}
    start, begin, piece, end, *rest = events(WireReply(content=(block,)))
    cited: JsonObject = {
        "type": "content_block_delta",
        "index": 0,
        "delta": {"type": "citations_delta", "citation": citation},
    }
    strange: JsonObject = {"type": "content_block_delta", "index": 0, "delta": {"type": "hum_delta", "hum": 1}}
    new: JsonObject = {"type": "message_mood", "mood": "good"}
    message = feed([start, new, begin, piece, cited, strange, end, {"type": "ping"}, *rest]).finish()
    assert message.content == ({**block, "citations": [citation]},)
