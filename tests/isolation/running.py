"""Many worlds side by side in one gateway, and everything looked at in the end."""

import asyncio
import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import asyncpg
from structlog.testing import capture_logs

from agent.compaction import CompactionRules
from gateway.agents import Agents
from gateway.config import Configuration
from memory.database import Database
from tests.isolation.checks import Witness
from tests.isolation.obedient import ObedientModel
from tests.isolation.people import SHOP
from tests.isolation.world import AGENTS, World
from tests.support.gateway import build_agent, configure, open_core, run_sql

WORLDS_AT_ONCE = 6


class _Collector(logging.Handler):
    """Keeps the lines of the standard library's loggers."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[object] = []

    def emit(self, record: logging.LogRecord) -> None:
        """A line, with its traceback."""
        self.lines.append(self.format(record))


async def live_through(url: str, numbers: Iterable[int]) -> tuple[Witness, int]:
    """Let these worlds live, six at once. The witness has what it saw; the number is of rows that told of anybody."""
    model, witness = ObedientModel(), Witness()
    model.watch, model.watch_reading = witness.see_prompt, witness.see_reading
    waiting = iter(numbers)
    with _collected() as lines, capture_logs() as events:
        async with open_core(url, model, _configure()) as core:
            database = await Database.open(url, size=6, statement_s=60)

            async def live() -> None:
                for number in waiting:
                    await World(number, core, database, witness).live()

            try:
                async with asyncio.TaskGroup() as group:
                    for _ in range(WORLDS_AT_ONCE):
                        group.create_task(live())
                await _learned(url)
            finally:
                await database.close()
        witness.see_log([*lines, *events])
        witness.summaries = model.summaries
    return witness, await witness.see_rows(url)


def _configure() -> Configuration:
    """An agent that learns by itself and one that is told what to remember, both with small windows and every tool."""
    small = CompactionRules(cap_tokens=300, window_tokens=100_000)
    titled = {"has_titles": True, "title_after_s": 0.0, "agent_memory": "agentic"}
    learning = build_agent(memory_mode="agentic", extract_after_s=0.0, history_runs=9, compaction=small, **titled)
    writing = build_agent(memory_mode="manual", history_runs=9, compaction=small, **titled)
    by_id = {
        agent_id: replace(config, agent=replace(config.agent, agent_id=agent_id))
        for agent_id, config in zip(AGENTS, (learning, writing), strict=True)
    }
    sites = {SHOP.key: SHOP}
    return replace(configure(learning), sites=sites, agents=Agents(by_id=by_id, default_id=AGENTS[0]))


async def _learned(url: str) -> None:
    left: list[asyncpg.Record] = []
    try:
        async with asyncio.timeout(120):
            while left := await run_sql(url, "SELECT kind, attempts, note, locked_until, now() FROM jobs"):
                pass
    except TimeoutError:
        raise AssertionError(f"this is still to be read: {left}") from None


@contextmanager
def _collected() -> Iterator[list[object]]:
    handler = _Collector()
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        yield handler.lines
    finally:
        root.removeHandler(handler)
