"""Claude through the real SDK: what comes back of a call that goes well, in process and over a socket."""

import asyncio
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from agent.ports import ModelReply, Text
from agent.pricing import build_prices
from agent.records import JsonObject
from gateway.claude import build_claude
from gateway.demo.model import DemoModel
from gateway.demo.wire import estimate_tokens
from tests.support.model_calls import ask, call, scripted, tool, user
from tests.support.model_socket import serve_model
from tests.support.model_steps import Gate, blocks, calls, hangs, says, says_slowly
from tests.support.scripted_model import QUICK, ScriptedModel

STOP_REASONS = ("end_turn", "max_tokens", "stop_sequence", "pause_turn", "refusal", "model_context_window_exceeded")
ROOT = Path(__file__).parents[2]


async def test_text_streams_piece_by_piece_and_ends_with_the_reply() -> None:
    """People read along, so each piece must be given before the next one comes. Proves: AG-1."""
    gate = Gate()
    async with scripted(says_slowly(["Hel", "lo ", "you"], gate)) as (_, claude), asyncio.timeout(5):
        stream = claude.stream(ask())
        seen = []
        for _ in range(3):
            gate.let()
            seen.append(await anext(stream))
        assert seen == ["Hel", "lo ", "you"]
        reply = await anext(stream)
        assert isinstance(reply, ModelReply)
        assert reply.content == ({"type": "text", "text": "Hello you"},)
        with pytest.raises(StopAsyncIteration):
            await anext(stream)


@pytest.mark.parametrize("reason", STOP_REASONS)
async def test_every_stop_reason_passes_through(reason: str) -> None:
    """The loop decides what each reason means; none may be lost or renamed on the way."""
    async with scripted(says("so far", stop_reason=reason)) as (_, claude):
        _, reply = await call(claude, ask())
    assert reply.stop_reason == reason


async def test_parallel_tool_calls_come_back_with_their_arguments() -> None:
    """Tools run side by side only if all calls of a turn arrive, with ids and typed arguments."""
    step = calls(("add", {"a": 1, "b": [2.5, None, "ä"]}), ("now", {}), text="Let me see.")
    async with scripted(step) as (_, claude):
        text, reply = await call(claude, ask(tools=[tool("add"), tool("now")]))
    assert text == "Let me see."
    assert reply.stop_reason == "tool_use"
    assert reply.content == step.content


async def test_blocks_nobody_knows_and_thinking_are_kept_word_for_word() -> None:
    """The vendor checks signatures and adds block types; what is given back must be what came."""
    content: tuple[JsonObject, ...] = (
        {"type": "thinking", "thinking": "Hmm, tea.", "signature": "c2ln"},
        {"type": "redacted_thinking", "data": "b3BhcXVl"},
        {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "tea"}},
        {"type": "hologram", "depth": 3, "nested": {"a": [1]}},
        {"type": "text", "text": "Tea."},
    )
    async with scripted(blocks(*content)) as (_, claude):
        text, reply = await call(claude, ask())
    assert text == "Tea."
    assert reply.content == content


async def test_usage_tells_cached_tokens_apart_and_costs_what_the_table_says() -> None:
    """A budget is only as good as the sum: reads and both kinds of writes have prices of their own."""
    request = ask(user(Text(text="hello " * 100, cache_for="5m"), Text(text="and the rest")))
    async with scripted(says("one"), says("two")) as (_, claude):
        _, first = await call(claude, request)
        _, second = await call(claude, request)
    system = estimate_tokens({"type": "text", "text": "Be kind."})
    question = estimate_tokens({"type": "text", "text": "hello " * 100})
    rest = estimate_tokens({"type": "text", "text": "and the rest"})
    assert (first.usage.cache_write_tokens, first.usage.cache_read_tokens) == (system + question, 0)
    assert first.usage.input_tokens == rest
    cost = system * 4 + question * Decimal("2.5") + rest * 2 + first.usage.output_tokens * 10
    assert first.usage.cost_usd == cost / 1_000_000
    assert (second.usage.cache_write_tokens, second.usage.cache_read_tokens) == (0, system + question)
    assert second.usage.cost_usd < first.usage.cost_usd


async def test_json_is_parsed_and_follows_the_schema_asked_for() -> None:
    """Facts are read out of talk by one call in one piece."""
    schema: JsonObject = {"type": "object", "additionalProperties": False, "properties": {}}
    async with scripted(says('{"operations": [1]}'), says("no JSON {")) as (model, claude), asyncio.timeout(5):
        answer, usage = await claude.complete_json(ask(), schema)
        assert answer == {"operations": [1]}
        assert usage.output_tokens > 0
        assert model.requests[0].schema == schema
        assert not model.requests[0].is_stream
        nothing, usage = await claude.complete_json(ask(), schema)
        assert nothing is None
        assert usage.output_tokens > 0


async def test_a_request_carries_the_key_and_no_sampling_parameters() -> None:
    """The vendor answers 400 to temperature and its kin, and reads the key from the bearer token."""
    async with scripted(says("hi")) as (model, claude):
        await call(claude, ask())
    assert model.asks[0].headers["authorization"] == "Bearer test-key"
    assert not {"temperature", "top_p", "top_k"} & set(model.requests[0].raw)


async def test_closing_the_stream_ends_a_model_inside_the_process_too() -> None:
    """The demo model must not go on pacing words to nobody."""
    gate = Gate()
    async with scripted(says_slowly(["one ", "two"], gate)) as (model, claude), asyncio.timeout(5):
        stream = claude.stream(ask())
        gate.let()
        assert await anext(stream) == "one "
        await stream.aclose()
        assert model.abandoned.is_set()


async def test_closing_the_stream_closes_the_connection() -> None:
    """Nobody pays for an answer that was stopped. Proves: AG-1."""
    gate = Gate()
    model = ScriptedModel()
    model.add(says_slowly(["one ", "two"], gate))
    async with asyncio.timeout(5), serve_model(model.respond) as url:
        claude = build_claude(api_key="k", prices=build_prices({}), base_url=url, limits=QUICK)
        stream = claude.stream(ask())
        gate.let()
        assert await anext(stream) == "one "
        await stream.aclose()
        await model.abandoned.wait()
        await claude.aclose()


@pytest.mark.parametrize("is_held_at_its_beginning", [True, False])
async def test_cancelling_the_reader_closes_the_connection(*, is_held_at_its_beginning: bool) -> None:
    """A `stop` from the channel cancels the turn's task, wherever the call stands."""
    gate, reached = Gate(), asyncio.Event()
    step = says_slowly(["one ", "two"], gate)
    model = ScriptedModel()
    model.add(hangs(asyncio.Event(), step) if is_held_at_its_beginning else step)
    async with asyncio.timeout(5), serve_model(model.respond) as url:
        claude = build_claude(api_key="k", prices=build_prices({}), base_url=url, limits=QUICK)

        async def read() -> None:
            async for _ in claude.stream(ask()):
                reached.set()

        reader = asyncio.create_task(read())
        if is_held_at_its_beginning:
            await model.held.wait()
        else:
            gate.let()
            await reached.wait()
        reader.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reader
        await model.abandoned.wait()
        await claude.aclose()


async def test_a_compatible_server_behind_a_base_url_works() -> None:
    """`ANTHROPIC_BASE_URL` reaches any server that speaks the API. Proves: AG-1."""
    async with asyncio.timeout(5), serve_model(DemoModel().respond) as url:
        claude = build_claude(api_key="k", prices=build_prices({}), base_url=url, limits=QUICK)
        text, _ = await call(claude, ask("hello"))
        assert "demo model" in text
        assert await claude.max_input_tokens("parley-demo") == 200_000
        await claude.aclose()


async def test_an_unknown_context_window_is_no_failure() -> None:
    """A compatible server need not list its models; the configured cap then holds alone."""
    async with asyncio.timeout(5), serve_model(DemoModel().respond) as url:
        claude = build_claude(api_key="k", prices=build_prices({}), base_url=f"{url}/nowhere", limits=QUICK)
        assert await claude.max_input_tokens("some-model") is None
        await claude.aclose()


def test_only_one_file_imports_the_sdk() -> None:
    """It costs 3,300 modules and 84 MiB; whoever serves loads it, nobody else."""
    rooms = ("agent", "memory", "adapters", "gateway")
    sources = (path for room in rooms for path in (ROOT / room).rglob("*.py"))
    importing = [path.relative_to(ROOT).as_posix() for path in sources if "import anthropic" in path.read_text()]
    assert importing == ["gateway/claude.py"]
    check = "import sys, gateway.demo.model, gateway.messages_api; sys.exit('anthropic' in sys.modules)"
    subprocess.run([sys.executable, "-c", check], check=True, cwd=ROOT, timeout=30)
