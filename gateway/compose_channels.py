"""The channels' part of the composition root: the widget, the API, Slack, and the application they are in."""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.routing import BaseRoute

from adapters.api.context import Operating, Remembering
from adapters.api.routes import build_api
from adapters.http_limits import HttpLimits
from adapters.widget.links import UPLOADS_PATH
from adapters.widget.person_tokens import PersonTokens
from adapters.widget.routes import Widget, build_widget
from adapters.widget.sites import DEMO
from agent.budgets import Payer
from gateway.agent_memories import AgentFileDesk
from gateway.app import Readiness, build_app
from gateway.compose_agents import AgentParts
from gateway.config import Configuration
from gateway.ground import Ground
from gateway.handoffs import Handoffs
from gateway.ports import Poster
from gateway.service import GatewayService
from gateway.slack_judge import SlackJudge
from gateway.slack_people import SlackPeople
from memory.agent_memories import AgentMemories
from memory.spend import Ledger

if TYPE_CHECKING:
    from adapters.slack.adapter import Slack

SLACK_BODY_BYTES = 1024 * 1024
IMPORT_PATH, IMPORT_BODY_BYTES = "/api/v1/users/*/memory-import", 32 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Channels:
    """What people and programs come in by. `slack` is none where Slack is not set up."""

    widget: Widget
    slack: "Slack | None"
    readiness: Readiness
    app: Starlette

    @property
    def workers(self) -> "Sequence[Slack]":
        """What is to be run beside the routes."""
        return [self.slack] if self.slack is not None else []


async def open_channels(
    stack: AsyncExitStack,
    configuration: Configuration,
    service: GatewayService,
    parts: AgentParts,
    ground: Ground,
    handoffs: Handoffs,
    posters: dict[str, Poster],
) -> Channels:
    """All channels that are set up; who posts on them is added to `posters`. Raises `StoreUnavailableError`."""
    readiness, slack, instance = Readiness(), None, ground.instance
    if configuration.slack is not None:
        from gateway.slack import Host, open_slack_channel

        judge = SlackJudge(parts.spending.model_of(Payer(channel="slack")), parts.agents).judge
        host = Host(own=SlackPeople(parts.memories, service.people), judge=judge, secret=instance.secret)
        channel = open_slack_channel(configuration.slack, service, ground, host)
        slack, posters["slack"], watch = await stack.enter_async_context(channel)
        readiness.find_slack_note = lambda: watch.note
    widget = build_widget(
        service,
        configuration.sites,
        instance.secret,
        instance.instance_id,
        configuration.widget_limits,
        service.people,
        parts.memories,
    )
    api = _build_api(configuration, service, parts, ground, handoffs)
    routes = [*widget.routes, *api, *(slack.routes if slack else [])]
    return Channels(
        widget=widget, slack=slack, readiness=readiness, app=_build_app(configuration, readiness, routes, widget)
    )


def _build_api(
    configuration: Configuration, service: GatewayService, parts: AgentParts, ground: Ground, handoffs: Handoffs
) -> list[BaseRoute]:
    agents, people = parts.agents, service.people
    tokens = PersonTokens(service, people, configuration.sites, ground.instance.secret)
    remembering = Remembering(memories=parts.memories, turns=parts.search, tokens=tokens, people=people)
    files = AgentFileDesk(AgentMemories(ground.front))
    operating = Operating(spend=Ledger(ground.front, ground.worker_id), files=files, handoffs=handoffs)
    return build_api(
        service, configuration.api_tokens, list(agents.by_id), configuration.routes, remembering, operating
    )


def _build_app(
    configuration: Configuration, readiness: Readiness, routes: Sequence[BaseRoute], widget: Widget
) -> Starlette:
    has_demo = configuration.has_demo_page
    app = build_app(
        readiness, list(routes), has_demo_page=has_demo, has_gallery=has_demo and DEMO in configuration.sites
    )
    larger = {
        "/slack/events": SLACK_BODY_BYTES,
        UPLOADS_PATH: configuration.widget_limits.file_bytes,
        IMPORT_PATH: IMPORT_BODY_BYTES,
    }
    app.add_middleware(HttpLimits, larger=larger, refusals=widget.refusals)
    return app
