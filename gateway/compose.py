"""The composition root: everything is built, started and stopped here, in one exit stack and one task group."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.applications import Starlette

from adapters.widget.routes import Widget
from agent.errors import StoreUnavailableError
from agent.ids import WorkerId
from agent.ports import Model
from gateway.address import StoreAddress
from gateway.agent_memories import AgentKnowledge
from gateway.app import Readiness
from gateway.approvals import ApprovalDesk
from gateway.changes import Changes
from gateway.compactor import Compactor
from gateway.compose_agents import AgentParts, build_agents
from gateway.compose_channels import Channels, open_channels
from gateway.config import Configuration
from gateway.dispatcher import Dispatcher
from gateway.ground import Ground, open_ground
from gateway.handoffs import Handoffs
from gateway.hooks import call_hook
from gateway.housekeeping import Heartbeat, Housekeeping
from gateway.hub import Hub
from gateway.outbox import Delivery
from gateway.people import PeopleService
from gateway.poller import Poller
from gateway.ports import Bus, Poster
from gateway.relay import BusRelay
from gateway.retention import Retention
from gateway.service import GatewayService
from memory.approvals import Approvals
from memory.attachments import Attachments
from memory.bus import NotifyBus
from memory.context import Sessions
from memory.erasure import Erasures
from memory.handoffs import HandoffStore
from memory.link_codes import LinkCodes
from memory.links import Links
from memory.listener import READY, Listener
from memory.outbox import Outbox
from memory.retention import Expiry
from memory.tasks import Tasks
from memory.users import Users
from memory.watchers import Watchers
from memory.workers import Workers

if TYPE_CHECKING:
    from adapters.slack.adapter import Slack

STORE_SILENCE_S = 5.0
ERASE_S = 60.0
POSTS_AT_ONCE = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """A gateway that is up: what serves it, and what ends it in good order."""

    service: GatewayService
    knowledge: AgentKnowledge
    app: Starlette
    dispatcher: Dispatcher
    widget: Widget
    readiness: Readiness
    compactor: Compactor
    handoffs: Handoffs
    slack: "Slack | None" = None

    @property
    def people(self) -> PeopleService:
        """Whose accounts are whose."""
        return self.service.people

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
    async with AsyncExitStack() as stack:
        ground = await stack.enter_async_context(open_ground(address))
        worker_id, hub = ground.worker_id, Hub()
        intake, tasks = Tasks(ground.front, worker_id), Tasks(ground.back, worker_id)
        handoffs = Handoffs(HandoffStore(ground.back), hub, configuration.handoff)
        parts = await build_agents(configuration, model, ground, tasks, hub, lease_s, handoffs)
        stack.push_async_callback(parts.spending.close)
        posting = _build_posting(ground, all_posters := dict(posters or {}))
        dispatcher = Dispatcher(tasks, parts.runner, hub, configuration.limits, posting.wake, intake)
        handoffs.stop_run, handoffs.on_posted, handoffs.posting = dispatcher.stop_run, posting.wake, all_posters
        stack.push_async_callback(dispatcher.drain, 0.0)  # what is still on when this ends by an error is handed back
        desk = ApprovalDesk(Approvals(ground.front), dispatcher.accept, all_posters)
        service = _build_service(ground, intake, dispatcher, parts, desk)
        if configuration.hooks.on_boot:
            await call_hook("on_boot", configuration.hooks.on_boot)
        channels = await open_channels(stack, configuration, service, parts, ground, handoffs, all_posters)
        group = await stack.enter_async_context(_background())
        notify = NotifyBus(ground.back, worker_id)
        bus = _choose_bus(bus_url, ground.instance.instance_id, worker_id, notify, hub)
        relay = BusRelay(hub, bus, Watchers(ground.back, worker_id), worker_id, dispatcher.stop_here)
        hub.relay, dispatcher.relay, workers = relay, relay, Workers(ground.front, worker_id)
        listener = Listener(address.direct_dsn, worker_id, _handlers(notify, dispatcher), relay.refresh)
        looks = (_watch_changes(ground, service, channels).look, handoffs.give_back_overdue, desk.expire, *parts.chores)
        housekeeping = Housekeeping(workers, dispatcher, Attachments(ground.front), looks)
        heartbeat = Heartbeat(workers, dispatcher, relay, lease_s, listener.look)
        channels.readiness.is_store_there = lambda: heartbeat.silence_s < STORE_SILENCE_S
        registered = asyncio.Event()
        group(listener.run(registered))
        await registered.wait()
        postings = [posting] * (POSTS_AT_ONCE if all_posters else 1)
        own = (bus, relay, heartbeat, housekeeping, _build_retention(ground, configuration))
        for work in (*own, *parts.workers, *postings, *channels.workers):
            group(work.run())
        group(dispatcher.poll())
        yield Gateway(
            service=service,
            knowledge=parts.knowledge,
            app=channels.app,
            dispatcher=dispatcher,
            widget=channels.widget,
            readiness=channels.readiness,
            compactor=parts.compactor,
            handoffs=handoffs,
            slack=channels.slack,
        )
        with suppress(StoreUnavailableError):  # the others notice the missing beat
            await workers.leave()


def _build_service(
    ground: Ground, intake: Tasks, dispatcher: Dispatcher, parts: AgentParts, desk: ApprovalDesk
) -> GatewayService:
    codes = LinkCodes(ground.back, ground.instance.secret)
    erasures = Erasures(ground.back.with_patience(ERASE_S))
    people = PeopleService(Users(ground.front), Links(ground.back), codes, erasures)
    sessions, files = Sessions(ground.front), Attachments(ground.front)
    return GatewayService(intake, sessions, people, parts.memories, files, dispatcher, parts.agents, desk)


def _build_posting(ground: Ground, posters: dict[str, Poster]) -> Poller:
    delivery = Delivery(Outbox(ground.back, ground.worker_id), posters)
    return Poller("outbox", delivery.work, delivery.next_in)


def _build_retention(ground: Ground, configuration: Configuration) -> Retention:
    expiry = Expiry(ground.back.with_patience(ERASE_S))
    return Retention(expiry, configuration.retention, configuration.agents.unstored)


def _watch_changes(ground: Ground, service: GatewayService, channels: Channels) -> Changes:
    """Who has to hear that an id means somebody else now."""
    changes = Changes(Links(ground.back))
    changes.caches.append(service.forget_people)
    if channels.slack is not None:
        changes.caches.append(channels.slack.profiles.forget_people)
    changes.listeners.append(channels.widget.see_off)
    return changes


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
