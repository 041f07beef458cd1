"""A whole gateway in a fake Slack: real PostgreSQL, the vendor's SDKs over real sockets, and a scripted model."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, Literal

import uvicorn

from adapters.slack.deciding import Rule
from adapters.slack.options import Conversation, Keys, Options, Setup
from adapters.slack_fake.fake import FakeSlack
from adapters.slack_fake.records import Channel, User
from adapters.slack_fake.team import Workspace
from agent.records import Message
from agent.routing import Routes
from gateway.agents import AgentConfig
from tests.support.gateway import ASSISTANT, Core, configure, open_core, run_sql
from tests.support.scripted_model import ScriptedModel
from tests.support.serving import WAIT_S

Transport = Literal["http", "socket"]
TRANSPORTS: tuple[Transport, ...] = ("http", "socket")


@dataclass(frozen=True, slots=True, kw_only=True)
class Arena:
    """Ann, Ben and the bot in #general, and a gateway that listens."""

    slack: FakeSlack
    team: Workspace
    core: Core
    url: str
    ann: User
    ben: User
    general: Channel
    address: str

    async def ask(self, user: User, text: str, *, thread_ts: str | None = None, channel: Channel | None = None) -> str:
        """Somebody says something; it was heard when this returns."""
        ts = await self.slack.say(user, channel or self.general, text, thread_ts=thread_ts)
        await self.slack.wait_until_heard()
        return ts

    async def answers(self, root: str, count: int = 1, channel: Channel | None = None) -> list[str]:
        """The whole answers in a thread, once there are so many and all of them are final."""
        where = channel or self.general
        await self.slack.wait_for(lambda: len(self.final(root, where)) >= count, timeout_s=WAIT_S)
        return self.final(root, where)

    def final(self, root: str, channel: Channel | None = None) -> list[str]:
        """What the bot's final messages say, as the app sent them."""
        posts = self.slack.answers(channel or self.general, root)
        return [post.source for post in posts if is_final(post)]

    def shown(self, root: str, channel: Channel | None = None) -> list[str]:
        """Everything the bot shows in a thread."""
        return [post.source for post in self.slack.answers(channel or self.general, root)]

    async def decisions(self) -> list[tuple[str, str, str]]:
        """Kind, verdict and reason of all deliveries, once all are decided, in the order they came."""
        async with asyncio.timeout(WAIT_S):
            while await run_sql(self.url, "SELECT 1 FROM slack_inbox WHERE verdict IS NULL"):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        rows = await run_sql(self.url, "SELECT kind, verdict, reason FROM slack_inbox ORDER BY inbox_id")
        return [(row["kind"], row["verdict"], row["reason"]) for row in rows]

    async def talk(self, root: str, channel: Channel | None = None) -> list[str]:
        """The session's messages, as `Ann: hello`."""
        session_id = f"slack:{self.team.team.team_id}:{(channel or self.general).channel_id}:{root}"
        log = await self.core.gateway.service.load_log(session_id, 0, 1_000)  # type: ignore[arg-type]
        return [f"{entry.author.name}: {entry.text}" for entry in log if isinstance(entry, Message)]


def is_final(post: Any) -> bool:
    """Whether a message carries the key that only final answers have."""
    return bool(post.metadata and post.metadata.get("event_type") == "parley_answer")


@asynccontextmanager
async def open_arena(
    url: str,
    model: ScriptedModel,
    *,
    over: Transport = "http",
    rule: Rule | None = None,
    agent: AgentConfig | None = None,
    fake: FakeSlack | None = None,
    **options: Any,
) -> AsyncIterator[Arena]:
    """Everything, up. `options` are fields of `Options`."""
    async with fake or FakeSlack() as slack:
        team = slack.add_team("Acme")
        ann = team.add_user("Ann", email="ann@acme.test", tz="Europe/Paris")
        ben = team.add_user("Ben", email="ben@acme.test")
        general = team.add_channel("general", members=[ann, ben])
        keys = Keys(
            bot_token=team.bot_token,
            signing_secret=slack.app.signing_secret if over == "http" else None,
            app_token=slack.app.app_token if over == "socket" else None,
            api_url=slack.api_url,
        )
        default = Conversation(rule=rule or Rule())
        setup = Setup(keys=keys, options=Options(default=default, routes=Routes(default_id=ASSISTANT), **options))
        configuration = replace(configure(agent), slack=setup)
        async with open_core(url, model, configuration) as core, serve(core) as address:
            if over == "http":
                await slack.set_request_url(f"{address}/slack/events")
            else:
                slack.use_sockets()
                await slack.wait_for(lambda: len(slack.sockets.connections) == 1, timeout_s=WAIT_S)
            yield Arena(slack=slack, team=team, core=core, url=url, ann=ann, ben=ben, general=general, address=address)


@asynccontextmanager
async def serve(core: Core) -> AsyncIterator[str]:
    """The gateway's application on a free port."""
    config = uvicorn.Config(core.gateway.app, port=0, lifespan="off", log_config=None, timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    server.capture_signals = _NoSignals  # type: ignore[method-assign, assignment]
    task = asyncio.create_task(server.serve())
    async with asyncio.timeout(WAIT_S):
        while not server.started:  # noqa: ASYNC110  uvicorn tells by a flag
            await asyncio.sleep(0.005)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await task


class _NoSignals:
    """uvicorn without its handling of signals."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        pass
