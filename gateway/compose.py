"""The composition root: everything is built, started and stopped here, in one exit stack and one task group."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog
from starlette.applications import Starlette

from adapters.api.context import Operating, Remembering
from adapters.api.routes import build_api
from adapters.http_limits import HttpLimits
from adapters.widget.links import UPLOADS_PATH
from adapters.widget.person_tokens import PersonTokens
from adapters.widget.routes import Widget, build_widget
from adapters.widget.sites import DEMO
from agent.budgets import Payer
from agent.errors import StoreUnavailableError
from agent.ids import WorkerId, new_worker_id
from agent.ports import Model
from gateway.agent_memories import AgentKnowledge, build_agent_memory_tool
from gateway.app import Readiness, build_app
from gateway.changes import Changes
from gateway.compactor import Compactor
from gateway.config import Configuration
from gateway.dispatcher import Dispatcher
from gateway.embedder import HookEmbedder
from gateway.extractor import Extractor
from gateway.hooks import call_hook
from gateway.housekeeping import Housekeeping
from gateway.hub import Hub
from gateway.mcp_servers import ToolServer
from gateway.mcp_source import ServedAgents
from gateway.memories import UserMemories
from gateway.memory_tool import build_memory_tool
from gateway.outbox import Delivery
from gateway.people import PeopleService
from gateway.poller import Poller
from gateway.ports import Bus, ModelSizes, Poster
from gateway.relay import BusRelay
from gateway.retention import Retention
from gateway.runner import Runner
from gateway.service import GatewayService
from gateway.session_tools import add_session_tools
from gateway.slack_judge import SlackJudge
from gateway.slack_people import SlackPeople
from gateway.spending import Spending
from gateway.titler import Titler
from gateway.used_memories import UsedMemories
from gateway.windows import Windows
from memory.agent_memories import AgentMemories
from memory.attachments import Attachments
from memory.bus import NotifyBus
from memory.compactions import Compactions
from memory.context import Sessions
from memory.database import Database
from memory.erasure import Erasures
from memory.instance import load_instance
from memory.jobs import TITLE, Jobs
from memory.link_codes import LinkCodes
from memory.links import Links
from memory.listener import READY, Listener
from memory.memories import Memories
from memory.memory_optimizations import MemoryOptimizations
from memory.memory_records import MemoryRecords
from memory.outbox import Outbox
from memory.retention import Expiry
from memory.search import Search
from memory.spend import Ledger
from memory.tasks import Tasks
from memory.titles import Titles
from memory.users import Users
from memory.watchers import Watchers
from memory.workers import Workers

if TYPE_CHECKING:
    from adapters.slack.adapter import Slack
    from gateway.mcp_connection import Connection

log = structlog.get_logger(__name__)
STORE_SILENCE_S = 5.0
ERASE_S = 60.0
RUN_STATEMENT_S = 10.0
SLACK_BODY_BYTES = 1024 * 1024
POSTS_AT_ONCE = 8
EXTRACTIONS_AT_ONCE = 4
COMPACTIONS_AT_ONCE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreAddress:
    """Where the database is: for the pool, and directly for the one connection that listens.

    `pool_size`: how many connections the pool may open.
    """

    dsn: str
    direct_dsn: str
    pool_size: int = 16

    @property
    def is_pooled_elsewhere(self) -> bool:
        """Whether a pooler such as PgBouncer stands in between."""
        return self.dsn != self.direct_dsn


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """A gateway that is up: what serves it, and what ends it in good order."""

    service: GatewayService
    people: PeopleService
    knowledge: AgentKnowledge
    app: Starlette
    dispatcher: Dispatcher
    widget: Widget
    readiness: Readiness
    compactor: Compactor
    slack: "Slack | None" = None

    async def drain(self, within_s: float) -> None:
        """Take nothing more, tell the people, and let running turns end within the time or hand them back."""
        self.readiness.is_draining = True
        async with asyncio.TaskGroup() as group:
            group.create_task(self.widget.drain(within_s))
            group.create_task(self.dispatcher.drain(within_s))
            if self.slack is not None:
                group.create_task(self.slack.drain(within_s))


@asynccontextmanager
async def open_gateway(
    configuration: Configuration,
    address: StoreAddress,
    model: Model,
    *,
    posters: dict[str, Poster] | None = None,
    lease_s: float = 15.0,
    bus_url: str | None = None,
) -> AsyncGenerator[Gateway, None]:
    """Everything of one process, from the pool to the routes; all of it ends with the context.

    The database has to be migrated. Raises `StoreSetupError` and `StoreUnavailableError`.
    """
    hooks = configuration.hooks
    async with AsyncExitStack() as stack:
        front, database = await _open_pools(stack, address)
        instance = await load_instance(front)
        worker_id = new_worker_id()
        workers = Workers(front, worker_id)
        intake, tasks = Tasks(front, worker_id), Tasks(database, worker_id)
        sessions = Sessions(database)
        spending = Spending(model, Ledger(database, worker_id), configuration.budgets, configuration.prices)
        stack.push_async_callback(spending.close)
        stores = (MemoryRecords(database), Memories(database), MemoryOptimizations(database))
        user_memories = UserMemories(*stores, spending.model_of(Payer()), configuration.agents.default.small_model)
        tool = build_memory_tool(user_memories, sessions)
        hub, agents = Hub(), configuration.agents.with_tool(tool, "manual")
        embedder = HookEmbedder(hooks.embed_texts) if hooks.embed_texts else None
        search, has_servers = Search(database, embedder=embedder), bool(configuration.servers)
        agents = add_session_tools(agents, sessions, search, has_servers=has_servers)
        agent_files = AgentMemories(database)
        propose = build_agent_memory_tool(agent_files, agents)
        agents = agents.with_tools(lambda config: [propose] if config.agent_memory == "agentic" else [])
        knowledge = AgentKnowledge(agent_files, agents)
        await knowledge.refresh()
        connections = _build_connections(configuration.servers)
        served = ServedAgents(knowledge, connections)
        used = UsedMemories(Memories(database))
        windows = Windows(model if isinstance(model, ModelSizes) else None)
        compactor = Compactor(sessions, Compactions(database), spending, windows)
        runner = Runner(tasks, sessions, hub, compactor, served, hooks, used, lease_s)
        all_posters = dict(posters or {})
        delivery = Delivery(Outbox(database, worker_id), all_posters)
        posting = Poller("outbox", delivery.work, delivery.next_in)
        jobs = Jobs(database)
        extractor = Extractor(jobs, Memories(database), sessions, spending, agents)
        extracting = Poller("jobs", extractor.work, jobs.next_in)
        title_jobs = Jobs(database, (TITLE,))
        titler = Titler(title_jobs, Titles(database), sessions, spending, agents)
        titling = Poller("titles", titler.work, title_jobs.next_in)
        dispatcher = Dispatcher(tasks, runner, hub, configuration.limits, posting.wake, intake)
        stack.push_async_callback(dispatcher.drain, 0.0)  # what is still on when this ends by an error is handed back
        files = Attachments(front)
        links = Links(database)
        patient = database.with_patience(ERASE_S)
        people = PeopleService(Users(front), links, LinkCodes(database, instance.secret), Erasures(patient))
        service = GatewayService(intake, Sessions(front), people, user_memories, files, dispatcher, hub, agents)
        if hooks.on_boot:
            await call_hook("on_boot", hooks.on_boot)
        readiness = Readiness()
        slack = None
        if configuration.slack is not None:
            from gateway.slack import Host, open_slack_channel

            judge = SlackJudge(spending.model_of(Payer(channel="slack")), agents).judge
            host = Host(own=SlackPeople(user_memories, people), judge=judge, secret=instance.secret)
            channel = open_slack_channel(configuration.slack, service, front, database, worker_id, host)
            slack, all_posters["slack"], watch = await stack.enter_async_context(channel)
            readiness.find_slack_note = lambda: watch.note
        group = await stack.enter_async_context(_background())
        registered = asyncio.Event()
        notify = NotifyBus(database, worker_id)
        bus = _choose_bus(bus_url, instance.instance_id, worker_id, notify, hub)
        relay = BusRelay(hub, bus, Watchers(database, worker_id), worker_id, dispatcher.stop_here)
        hub.relay = relay
        dispatcher.relay = relay
        changes = Changes(links)
        chores = (changes.look, used.write, knowledge.refresh, spending.charge_lost)
        housekeeping = Housekeeping(workers, dispatcher, relay, files, lease_s, chores)
        group(Listener(address.direct_dsn, worker_id, _handlers(notify, dispatcher), relay.refresh).run(registered))
        await registered.wait()
        for work in (bus.run(), relay.run(), housekeeping.run(), dispatcher.poll(), titling.run()):
            group(work)
        for connection in connections:
            group(connection.run())
        for _ in range(EXTRACTIONS_AT_ONCE):
            group(extracting.run())
        for _ in range(COMPACTIONS_AT_ONCE):
            group(compactor.run())
        for _ in range(POSTS_AT_ONCE if all_posters else 1):
            group(posting.run())
        if slack is not None:
            group(slack.run())
        group(Retention(Expiry(patient), configuration.retention).run())
        widget = build_widget(
            service,
            configuration.sites,
            instance.secret,
            instance.instance_id,
            configuration.widget_limits,
            people,
            user_memories,
        )
        readiness.is_store_there = lambda: housekeeping.silence_s < STORE_SILENCE_S
        changes.caches.append(service.forget_people)
        changes.listeners.append(widget.see_off)
        if slack is not None:
            forget_in_slack = slack.profiles.forget_people
            changes.caches.append(forget_in_slack)
        tokens = PersonTokens(service, people, configuration.sites, instance.secret)
        remembering = Remembering(memories=user_memories, tokens=tokens, people=people)
        operating = Operating(spend=Ledger(front, worker_id))
        api = build_api(
            service, configuration.api_tokens, list(agents.by_id), agents.default_id, remembering, operating
        )
        app = build_app(
            readiness,
            [*widget.routes, *api, *(slack.routes if slack else [])],
            has_demo_page=configuration.has_demo_page,
            has_gallery=configuration.has_demo_page and DEMO in configuration.sites,
        )
        larger = {"/slack/events": SLACK_BODY_BYTES, UPLOADS_PATH: configuration.widget_limits.file_bytes}
        app.add_middleware(HttpLimits, larger=larger)
        yield Gateway(
            service=service,
            people=people,
            knowledge=knowledge,
            app=app,
            dispatcher=dispatcher,
            widget=widget,
            readiness=readiness,
            compactor=compactor,
            slack=slack,
        )
        with suppress(StoreUnavailableError):  # the others notice the missing beat
            await workers.leave()


async def _open_pools(stack: AsyncExitStack, address: StoreAddress) -> tuple[Database, Database]:
    """Two pools: one for people who wait for an answer within two seconds, and one for runs, which can wait longer.

    So a process with much to do tells people early to come back, and does not give up what it has begun.
    """
    behind_pooler, front_size = address.is_pooled_elsewhere, max(2, address.pool_size // 3)
    front = await Database.open(address.dsn, size=front_size, pgbouncer=behind_pooler)
    stack.push_async_callback(front.close)
    back_size = max(2, address.pool_size - front_size)
    back = await Database.open(address.dsn, size=back_size, statement_s=RUN_STATEMENT_S, pgbouncer=behind_pooler)
    stack.push_async_callback(back.close)
    return front, back


def _build_connections(servers: Sequence[ToolServer]) -> "list[Connection]":
    """The library is imported only where a server is configured: it takes a while."""
    if not servers:
        return []
    from gateway.mcp_connection import Connection

    return [Connection(server) for server in servers]


def _choose_bus(url: str | None, instance_id: str, worker_id: WorkerId, notify: NotifyBus, hub: Hub) -> Bus:
    """Redis where its URL is set, else PostgreSQL's NOTIFY."""
    if url is None:
        return notify
    from memory.redis_bus import RedisBus

    return RedisBus(url, instance_id, worker_id, lambda: hub.relay.refresh() if hub.relay else None)


def _handlers(bus: NotifyBus, dispatcher: Dispatcher) -> dict[str, Callable[[str], None]]:
    """What the direct connection listens to, and who hears it."""
    handlers: dict[str, Callable[[str], None]] = dict.fromkeys(bus.channels, bus.hear)
    handlers[READY] = lambda _: dispatcher.wake()
    return handlers


@asynccontextmanager
async def _background() -> AsyncGenerator[Callable[..., None], None]:
    """Tasks that go on until the context ends; one that fails ends it at once."""
    tasks: list[asyncio.Task[None]] = []
    async with asyncio.TaskGroup() as group:
        yield lambda work: tasks.append(group.create_task(work))
        for task in tasks:
            task.cancel()
