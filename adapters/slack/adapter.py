"""The adapter as a whole: built here, run and ended by the gateway."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import structlog
from slack_sdk.web.async_client import AsyncWebClient
from starlette.routing import BaseRoute

from adapters.ports import Gateway
from adapters.slack.answers import Answers
from adapters.slack.approving import Approving
from adapters.slack.asking import Asking
from adapters.slack.client import OnToken, SlackOAuth, SlackWebApi, open_client
from adapters.slack.conversing import Conversing
from adapters.slack.deciding import Decision, Reason, Verdict
from adapters.slack.door import Door
from adapters.slack.errands import Errands
from adapters.slack.errors import TOKEN_REFUSED, RefusedError
from adapters.slack.home import Home
from adapters.slack.http import build_route
from adapters.slack.inbox import Intake
from adapters.slack.oauth import Installing, build_oauth_routes
from adapters.slack.options import Keys, Options
from adapters.slack.ports import Inbox, Installations, Limits, Own, Posts, Shared, Threads
from adapters.slack.previews import Previews
from adapters.slack.profiles import Profiles
from adapters.slack.reading import Reader
from adapters.slack.records import Asked, Deleted, Edited, Event, HomeOpened, Revoked, Said, StopClicked, UserChanged
from adapters.slack.rules import Judge, Rules
from adapters.slack.sharing import Pins
from adapters.slack.sockets import Socket
from adapters.slack.surfaces import Surfaces
from adapters.slack.tokens import InstalledTokens, SingleToken
from agent.ids import SessionId

log = structlog.get_logger(__name__)
PATIENCE_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """What is kept for it."""

    inbox: Inbox
    threads: Threads
    posts: Posts
    shared: Shared
    limits: Limits
    installations: Installations
    own: Own
    judge: Judge
    state_secret: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Slack:
    """The adapter while it is open."""

    routes: Sequence[BaseRoute]
    answers: Answers
    intake: Intake
    previews: Previews
    profiles: Profiles
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
async def open_slack(
    gateway: Gateway, store: Store, keys: Keys, options: Options, on_token: OnToken
) -> AsyncGenerator[Slack, None]:
    """Everything for one app. Nothing is asked of Slack before it runs."""
    async with open_client(keys.api_url) as (client, session):
        oauth = _build_oauth(client, keys)
        tokens = InstalledTokens(store.installations, oauth.renew) if oauth else SingleToken(keys.bot_token or "")
        api = SlackWebApi(client, session, tokens, store.limits, on_token)
        pins = Pins(store.shared)
        profiles = Profiles(gateway, api, store.own, options.trusts)
        previews = Previews(gateway, api, store.posts, options.first_rung)
        answers = Answers(api, store.posts, previews, options.unknown_policy)
        reader, rules, errands = Reader(profiles, api, options), Rules(options, store.judge), Errands(api)
        conversing = Conversing(gateway, store.threads, api, profiles, previews, answers, rules, reader)
        asking = Asking(gateway, store.threads, store.posts, api, errands, previews, reader)
        home = Home(gateway, errands, profiles, store.own)
        surfaces = Surfaces(gateway, store.threads, store.posts, profiles, store.own)
        ending = Ending(store.installations, api, pins)
        handler = Handler(conversing, asking, surfaces, home, profiles, pins, ending)
        intake = Intake(store.inbox, handler.handle, options.retention_days, options.bots)
        approving = Approving(gateway, store.posts, previews, errands)
        door = Door(intake, surfaces, home, asking, approving, pins, errands)
        socket = Socket(door, client, keys.app_token) if keys.app_token else None
        routes = [build_route(door, keys.signing_secret)] if keys.signing_secret else []
        if oauth is not None:
            installing = Installing(
                client_id=keys.client_id or "",
                api_url=client.base_url,
                bot_name=options.bot_name,
                secret=store.state_secret,
                allowed=options.workspaces,
            )
            routes += build_oauth_routes(installing, oauth.exchange, store.installations, tokens.forget)
        try:
            yield Slack(
                routes=routes,
                answers=answers,
                intake=intake,
                previews=previews,
                profiles=profiles,
                socket=socket,
            )
        finally:
            await previews.close()
            await errands.close()
            await tokens.close()


def _build_oauth(client: AsyncWebClient, keys: Keys) -> SlackOAuth | None:
    if keys.client_id is None or keys.client_secret is None:
        return None
    return SlackOAuth(client, keys.client_id, keys.client_secret)


class Ending:
    """What is done when Slack says that an installation is over."""

    def __init__(self, installations: Installations, api: SlackWebApi, pins: Pins) -> None:
        self._installations = installations
        self._api = api
        self._pins = pins

    async def end(self, revoked: Revoked) -> Decision:
        """Forget its tokens; its answers wait. A word that is older than the installation changes nothing.

        Slack tells whole seconds, by its own clock: whether the token that we have now is still good says the rest.
        Raises `SlackError` while Slack does not say that.
        """
        installation = revoked.origin.installation
        log.error("slack_revoked", installation=installation, kind=revoked.kind)
        _, version, _ = await self._installations.load(installation) or (None, 0, None)
        if not await self._is_token_taken(installation):
            if await self._installations.end(installation, version, revoked.at_s, revoked.kind):
                self._api.note_refusal(installation, revoked.kind)
            self._pins.forget(installation)
        return _ignore(Reason.REVOKED)

    async def _is_token_taken(self, installation: str) -> bool:
        try:
            await self._api.call(installation, "auth.test", {}, patience_s=PATIENCE_S)
        except RefusedError as error:
            if error.code in TOKEN_REFUSED:
                return False
            raise
        return True


class Handler:
    """Gives each delivery to whoever knows what to do about it."""

    def __init__(
        self,
        conversing: Conversing,
        asking: Asking,
        surfaces: Surfaces,
        home: Home,
        profiles: Profiles,
        pins: Pins,
        ending: Ending,
    ) -> None:
        self._home = home
        self._asking = asking
        self._pins = pins
        self._ending = ending
        self._conversing = conversing
        self._surfaces = surfaces
        self._profiles = profiles

    async def handle(self, event: Event | Asked) -> tuple[Decision, SessionId | None]:
        """Take a delivery in. Raises `StoreUnavailableError`."""
        match event := await self._pins.settle(event):
            case Said():
                return await self._conversing.hear(event)
            case Edited():
                return await self._conversing.edit(event)
            case Deleted():
                return await self._conversing.delete(event)
            case Asked():
                return await self._asking.ask(event)
            case StopClicked():
                return await self._surfaces.stop(event)
            case HomeOpened():
                return await self._home.open(event)
            case UserChanged():
                await self._profiles.change(event.origin, event.user, event.profile)
                return _ignore(Reason.PROFILE), None
            case Revoked():
                return await self._ending.end(event), None
            case _:
                return _ignore(Reason.NO_RULE), None


def _ignore(reason: Reason) -> Decision:
    return Decision(verdict=Verdict.IGNORED, reason=reason)
