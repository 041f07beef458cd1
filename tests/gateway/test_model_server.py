"""The stand-in server that the benchmarks measure against: it must be fast, but it must also be right."""

import asyncio

from agent.pricing import build_prices
from bench.model_server import build_answers, start_model_server
from gateway.claude import build_claude
from tests.support.model_calls import ask, call
from tests.support.scripted_model import QUICK


async def test_the_real_sdk_reads_its_streams_one_after_another_and_side_by_side() -> None:
    """What is measured is a call that works."""
    server, url = await start_model_server(build_answers(deltas=7, delta_bytes=12, delay_s=0.001))
    claude = build_claude(api_key="k", prices=build_prices({}), base_url=url, limits=QUICK)
    async with asyncio.timeout(5), server:
        first, _ = await call(claude, ask())
        several = await asyncio.gather(*(call(claude, ask("x" * 200_000)) for _ in range(10)))
        assert {len(text) for text, _ in several} == {len(first)} == {84}
        assert {reply.usage.cache_read_tokens for _, reply in several} == {5_000}
        facts, _ = await claude.complete_json(ask(), {"type": "object"})
        assert facts == {"operations": []}
        assert await claude.max_input_tokens("bench-model") == 1_000_000
        await claude.aclose()
