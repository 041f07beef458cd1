"""The fake Slack as tests use it: real sockets outside, the workspaces' state inside.

async with FakeSlack() as slack:
    team = slack.add_team()
    ann = team.add_user("Ann", email="ann@example.com")
    general = team.add_channel("general", members=[ann])
    await slack.set_request_url("http://127.0.0.1:8080/slack/events")
    ts = await slack.say(ann, general, "<@BOT> hello")
    await slack.wait_for(lambda: slack.answers(general, ts))
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from types import TracebackType
from typing import Self

from starlette.routing import BaseRoute

from adapters.slack_fake.acts import Acts
from adapters.slack_fake.clock import Clock
from adapters.slack_fake.delivery import ANSWER_LIMIT_S, RETRY_AFTER_S, Courier
from adapters.slack_fake.errors import UsageError
from adapters.slack_fake.faults import Faults
from adapters.slack_fake.installing import revoke, uninstall
from adapters.slack_fake.limits import Limiter
from adapters.slack_fake.queries import Queries
from adapters.slack_fake.records import App, Channel, Enterprise, Message, Team
from adapters.slack_fake.server import FakeServer
from adapters.slack_fake.signed_posts import SignedPosts
from adapters.slack_fake.sockets import Sockets
from adapters.slack_fake.streams import expire
from adapters.slack_fake.team import Workspace
from adapters.slack_fake.web_api import WebApi
from adapters.slack_fake.web_shell import WebShell
from adapters.slack_fake.world import World


class FakeSlack(Acts, Queries):
    """One fake Slack with one app. Open it with `async with`, or with `start` and `stop`.

    Until `set_request_url` is called, events go through Socket Mode. `answer_limit_s` is real time, also when `clock`
    is a test's own.
    """

    def __init__(
        self,
        *,
        app: App | None = None,
        clock: Clock | None = None,
        seed: int = 0,
        port: int = 0,
        has_rate_limits: bool = True,
        retry_after_s: tuple[float, ...] = RETRY_AFTER_S,
        answer_limit_s: float = ANSWER_LIMIT_S,
    ) -> None:
        self.world = World(app=app, clock=clock, seed=seed)
        self.faults = Faults(seed=seed)
        self.limiter = Limiter(self.world.clock, is_on=has_rate_limits)
        self.api = WebApi(self.world, self.limiter)
        self._server = FakeServer(port=port)
        self._answer_limit_s = answer_limit_s
        self._changes: set[asyncio.Event] = set()
        self._posts: SignedPosts | None = None
        self.world.base_url = self._server.url
        self.courier = Courier(self.world.clock, self.faults, retry_after_s=retry_after_s, on_change=self._changed)
        self.sockets = Sockets(self.world, self._server, answer_limit_s=answer_limit_s)
        self.api.open_connection = self.sockets.open_address
        self.courier.carrier = self.sockets
        self.world.on_event = self.courier.submit
        self.world.on_change = self._changed

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self, routes: Sequence[BaseRoute] = ()) -> None:
        """Listen. `routes` come beside Slack's own."""
        shell = WebShell(self.world, self.api, self.faults, self._server, self.sockets)
        await self._server.start(shell.build(routes))

    async def stop(self) -> None:
        """Break all connections, forget what is under way, and end."""
        await self.courier.aclose()
        if self._posts is not None:
            await self._posts.aclose()
        await self._server.stop()

    @property
    def url(self) -> str:
        """Where it listens, `http://127.0.0.1:port`."""
        return self._server.url

    @property
    def api_url(self) -> str:
        """The Web API's base, for `SLACK_API_URL` and `AsyncWebClient(base_url=...)`."""
        return f"{self._server.url}/api/"

    @property
    def app(self) -> App:
        """The app: its secrets and settings."""
        return self.world.app

    def add_enterprise(self, name: str = "Acme Group") -> Enterprise:
        """An organisation."""
        enterprise = Enterprise(enterprise_id=self.world.new_id("E"), name=name)
        self.world.enterprises[enterprise.enterprise_id] = enterprise
        return enterprise

    def add_team(
        self, name: str = "Acme", *, enterprise: Enterprise | None = None, is_installed: bool = True
    ) -> Workspace:
        """A workspace, with the app in it unless told otherwise."""
        team = Team(
            team_id=self.world.new_id("T"),
            name=name,
            domain=name.lower().replace(" ", "-"),
            enterprise_id=enterprise.enterprise_id if enterprise else None,
        )
        self.world.teams[team.team_id] = team
        workspace = Workspace(self.world, team)
        if is_installed:
            workspace.install()
        return workspace

    async def set_request_url(self, url: str, *others: str, is_verified: bool = False) -> None:
        """Send events there from now on, each try to one of the addresses where there are several.

        With `is_verified` the address has to answer the challenge first.
        """
        posts = SignedPosts(self.world, url, *others, answer_limit_s=self._answer_limit_s)
        if is_verified and not await posts.verify():
            await posts.aclose()
            raise UsageError(f"{url} did not answer the challenge")
        if self._posts is not None:
            await self._posts.aclose()
        self._posts = self.courier.carrier = posts

    def use_sockets(self) -> None:
        """Send events through Socket Mode from now on."""
        self.courier.carrier = self.sockets

    def revoke(self, team: Workspace) -> None:
        """The token works no more."""
        revoke(self.world, team.installation)

    def uninstall(self, team: Workspace) -> None:
        """The app is gone from a workspace."""
        uninstall(self.world, team.installation)

    def expire_streams(self, channel: Channel) -> list[Message]:
        """End the open streams of a conversation as if their time was over."""
        ended = self.streams(channel, is_open=True)
        for message in ended:
            expire(self.world, message, is_forced=True)
        return ended

    def _changed(self) -> None:
        for change in self._changes:
            change.set()

    async def watch(self) -> AsyncIterator[None]:
        """One item per change, or several changes in one; and one every 15 seconds in any case."""
        change = asyncio.Event()
        self._changes.add(change)
        try:
            while True:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(15):
                        await change.wait()
                change.clear()
                yield
        finally:
            self._changes.discard(change)

    async def wait_for(self, predicate: Callable[[], object], *, timeout_s: float = 5.0) -> None:
        """Until the predicate holds; looked at after every change in the workspaces. `TimeoutError` when it is late."""
        change = asyncio.Event()
        self._changes.add(change)
        try:
            async with asyncio.timeout(timeout_s):
                while not predicate():
                    await change.wait()
                    change.clear()
        finally:
            self._changes.discard(change)

    async def wait_until_heard(self, *, timeout_s: float = 5.0) -> None:
        """Until every event was acked or given up."""
        await self.wait_for(lambda: self.courier.is_idle, timeout_s=timeout_s)
