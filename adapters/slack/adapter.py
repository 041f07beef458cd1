"""The adapter as a whole: built here, run and ended by the gateway."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog
from starlette.routing import BaseRoute

from adapters.ports import Gateway
from adapters.slack.answers import Answers
from adapters.slack.client import open_web_api
from adapters.slack.conversing import Conversing
from adapters.slack.deciding import Decision, Reason, Verdict
from adapters.slack.door import Door
from adapters.slack.http import build_route
from adapters.slack.inbox import Intake
from adapters.slack.options import Keys, Options
from adapters.slack.ports import Inbox, ListMemories, Posts, Threads
from adapters.slack.previews import Previews
from adapters.slack.profiles import Profiles
from adapters.slack.records import Asked, Deleted, Edited, Event, HomeOpened, Revoked, Said, StopClicked, UserChanged
from adapters.slack.sockets import Socket
from adapters.slack.surfaces import Surfaces
from agent.ids import SessionId

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """What is kept for it."""

    inbox: Inbox
    threads: Threads
    posts: Posts
    list_memories: ListMemories


@dataclass(frozen=True, slots=True, kw_only=True)
class Slack:
    """The adapter while it is open."""

    routes: Sequence[BaseRoute]
    answers: Answers
    intake: Intake
    previews: Previews
    socket: Socket | None

    async def run(self) -> None:
        """Take in what comes, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.intake.poll())
            if self.socket is not None:
                group.create_task(self.socket.run())

    async def drain(self, within_s: float) -> None:
        """Take nothing more; what was taken and is not done is left to others."""
        if self.socket is not None:
            await self.socket.close()
        await self.intake.drain(within_s)


@asynccontextmanager
async def open_slack(gateway: Gateway, store: Store, keys: Keys, options: Options) -> AsyncGenerator[Slack, None]:
    """Everything for one app. Nothing is asked of Slack before it runs."""
    async with open_web_api(keys.bot_token, keys.api_url) as api:
        profiles = Profiles(gateway, api)
        previews = Previews(gateway, api, store.posts, options.first_rung)
        answers = Answers(api, store.posts, previews, options.unknown_policy)
        conversing = Conversing(gateway, store.threads, api, profiles, previews, answers, options)
        surfaces = Surfaces(gateway, store.threads, store.posts, api, profiles, store.list_memories)
        handler = Handler(conversing, surfaces, profiles)
        intake = Intake(store.inbox, handler.handle, options.retention_days)
        door = Door(intake, surfaces)
        socket = Socket(door, api.client, keys.app_token) if keys.app_token else None
        try:
            yield Slack(
                routes=[build_route(door, keys.signing_secret)] if keys.signing_secret else [],
                answers=answers,
                intake=intake,
                previews=previews,
                socket=socket,
            )
        finally:
            await previews.close()


class Handler:
    """Gives each delivery to whoever knows what to do about it."""

    def __init__(self, conversing: Conversing, surfaces: Surfaces, profiles: Profiles) -> None:
        self._conversing = conversing
        self._surfaces = surfaces
        self._profiles = profiles

    async def handle(self, event: Event | Asked) -> tuple[Decision, SessionId | None]:
        """Take a delivery in. Raises `StoreUnavailableError`."""
        match event:
            case Said():
                return await self._conversing.hear(event)
            case Edited():
                return await self._conversing.edit(event)
            case Deleted():
                return await self._conversing.delete(event)
            case Asked():
                return await self._conversing.ask_about(event)
            case StopClicked():
                return await self._surfaces.stop(event)
            case HomeOpened():
                return await self._surfaces.open_home(event)
            case UserChanged():
                self._profiles.forget(event.origin, event.user)
                return _ignore(Reason.PROFILE), None
            case Revoked():
                log.error("slack_revoked", installation=event.origin.installation, kind=event.kind)
                return _ignore(Reason.REVOKED), None
            case _:
                return _ignore(Reason.NO_RULE), None


def _ignore(reason: Reason) -> Decision:
    return Decision(verdict=Verdict.IGNORED, reason=reason)
