"""A whole gateway in this process: real PostgreSQL, the real SDK, and a scripted model at its other end."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import asyncpg

from adapters.widget.limits import Limits as WidgetLimits
from adapters.widget.sites import build_demo_site
from agent.ids import AgentId, RunId, SessionId
from agent.loop import Agent
from agent.ports import Model
from agent.pricing import build_prices
from agent.records import Audience, LogEntry, Message, RunNote, RunState, User
from agent.routing import Routes
from agent.tasks import Accepted, TaskStatus
from agent.tools import Tool
from gateway.address import StoreAddress
from gateway.agents import AgentConfig, Agents
from gateway.compose import Gateway, open_gateway
from gateway.config import Configuration
from gateway.endings import Limits
from gateway.hooks import Hooks
from gateway.ports import Poster
from tests.support.database import PATIENCE_S
from tests.support.make import ANN, SESSION, inbound
from tests.support.model_calls import MODEL
from tests.support.scripted_model import ScriptedModel, build_scripted_claude

ASSISTANT = AgentId("assistant")
FAST = Limits(retry_s=(0.0, 0.0), poll_s=0.05)
"""Three attempts, one right after the other."""
PATIENT = Limits(retry_s=(3600.0, 3600.0), poll_s=0.05)
"""A second attempt comes in an hour."""


def build_agent(*tools: Tool, **settings: Any) -> AgentConfig:
    """An agent with these tools. `settings` are fields of `Agent` and `AgentConfig`."""
    own = {name: settings.pop(name) for name in list(settings) if name in Agent.__dataclass_fields__}
    agent = Agent(agent_id=ASSISTANT, model=MODEL, instructions="Be kind.", tools={tool.name: tool for tool in tools})
    return AgentConfig(agent=replace(agent, **own), small_model=MODEL, **settings)


def configure(agent: AgentConfig | None = None, *, limits: Limits = FAST, hooks: Hooks | None = None) -> Configuration:
    """A gateway with one agent and the demo site."""
    site = build_demo_site(ASSISTANT)
    return Configuration(
        agents=Agents(by_id={ASSISTANT: agent or build_agent()}, default_id=ASSISTANT),
        routes=Routes(default_id=ASSISTANT),
        sites={site.key: site},
        api_tokens=(),
        limits=limits,
        widget_limits=WidgetLimits(),
        prices=build_prices({}),
        hooks=hooks or Hooks(),
        has_demo_page=False,
        source=None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Core:
    """A gateway that is up, and short ways to talk to it."""

    gateway: Gateway

    async def say(
        self,
        text: str,
        *,
        user: User | None = ANN,
        session_id: SessionId = SESSION,
        audience: Audience = Audience.SHARED,
        key: str | None = None,
    ) -> Accepted:
        """A message, accepted."""
        message = inbound(text, user=user, session_id=session_id, key=key)
        async with asyncio.timeout(PATIENCE_S):
            return await self.gateway.service.accept(replace(message, audience=audience))

    async def ask(self, text: str, **more: Any) -> TaskStatus:
        """A message, accepted and answered."""
        return await self.end_of(await self.say(text, **more))

    async def end_of(self, accepted: Accepted) -> TaskStatus:
        """The task once it is over."""
        async with asyncio.timeout(PATIENCE_S):
            status = await self.gateway.service.wait_for_task(accepted.task_id, PATIENCE_S)
        assert status is not None
        assert status.finished_at is not None, f"the task is still {status.state}"
        return status

    async def log(self, session_id: SessionId = SESSION) -> Sequence[LogEntry]:
        """All durable events of a session."""
        return await self.gateway.service.load_log(session_id, 0, 10_000)

    async def talk(self, session_id: SessionId = SESSION) -> list[str]:
        """What was said, as `Ann: hello`."""
        log = await self.log(session_id)
        return [f"{entry.author.name}: {entry.text}" for entry in log if isinstance(entry, Message)]

    async def states(self, run_id: RunId, session_id: SessionId = SESSION) -> list[RunState]:
        """What people saw of a run."""
        log = await self.log(session_id)
        return [entry.state for entry in log if isinstance(entry, RunNote) and entry.run_id == run_id]

    async def wait_for_note(
        self,
        state: RunState,
        *,
        run_id: RunId | None = None,
        session_id: SessionId = SESSION,
        is_labelled: bool = False,
    ) -> RunNote:
        """The session's first note of that state, as soon as it is there; with a label where that is asked for."""
        async with asyncio.timeout(PATIENCE_S), self.gateway.service.follow(session_id, 0) as events:
            async for event in events:
                if not isinstance(event, RunNote) or event.state is not state or run_id not in {None, event.run_id}:
                    continue
                if event.label or not is_labelled:
                    return event
        raise AssertionError("the log ended")


@asynccontextmanager
async def open_core(
    url: str,
    model: ScriptedModel | Model,
    configuration: Configuration | None = None,
    *,
    posters: dict[str, Poster] | None = None,
    lease_s: float = 15.0,
) -> AsyncIterator[Core]:
    """A gateway on a migrated database. What it still does at the end is handed back, and the script has to be done."""
    claude = build_scripted_claude(model) if isinstance(model, ScriptedModel) else None
    address = StoreAddress(dsn=url, direct_dsn=url, front_s=PATIENCE_S)
    try:
        async with open_gateway(
            configuration or configure(),
            address,
            claude or model,  # type: ignore[arg-type]
            posters=posters,
            lease_s=lease_s,
        ) as gateway:
            yield Core(gateway=gateway)
            await gateway.drain(0)
    finally:
        if claude is not None:
            await claude.aclose()
    if isinstance(model, ScriptedModel):
        model.assert_done()


async def run_sql(url: str, sql: str, *arguments: object) -> list[asyncpg.Record]:
    """A statement as a superuser, whom no policy binds."""
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetch(sql, *arguments)
    finally:
        await connection.close()


async def find_text(url: str, *words: str) -> set[str]:
    """The tables that hold one of the words anywhere."""
    names = [r[0] for r in await run_sql(url, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
    found: set[str] = set()
    for name in names:
        pattern = [f"%{word}%" for word in words]
        if (await run_sql(url, f"SELECT count(*) FROM {name} t WHERE t::text LIKE ANY($1)", pattern))[0][0]:
            found.add(name)
    return found


def of_run(entries: Iterable[LogEntry], run_id: RunId) -> list[LogEntry]:
    """A run's events."""
    return [entry for entry in entries if entry.run_id == run_id]
