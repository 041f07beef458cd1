"""Fake workspaces on real sockets, and a small app of slack_bolt on the other side."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from adapters.slack_fake.clock import ManualClock
from adapters.slack_fake.fake import FakeSlack
from adapters.slack_fake.records import App, Channel, User
from adapters.slack_fake.server import FakeServer
from adapters.slack_fake.signed_posts import sign
from adapters.slack_fake.team import Workspace


@dataclass(frozen=True, kw_only=True)
class Office:
    """A workspace with two people, a channel, and the app's client."""

    slack: FakeSlack
    team: Workspace
    ann: User
    ben: User
    general: Channel
    client: AsyncWebClient
    clock: ManualClock

    @property
    def channel_id(self) -> str:
        """The id of #general."""
        return self.general.channel_id


@asynccontextmanager
async def open_office(**settings: Any) -> AsyncIterator[Office]:
    """An office on a clock that stands still."""
    clock = ManualClock()
    async with FakeSlack(clock=clock, **settings) as slack, aiohttp.ClientSession() as session:
        team = slack.add_team()
        ann = team.add_user("Ann", email="ann@example.com")
        ben = team.add_user("Ben", email="ben@example.com")
        yield Office(
            slack=slack,
            team=team,
            ann=ann,
            ben=ben,
            general=team.add_channel("general", members=[ann, ben]),
            client=build_client(slack, team.bot_token, session),
            clock=clock,
        )


def build_client(slack: FakeSlack, token: str, session: aiohttp.ClientSession | None = None) -> AsyncWebClient:
    """The real client, which tries everything once."""
    return AsyncWebClient(token=token, base_url=slack.api_url, session=session, retry_handlers=[])


@pytest.fixture
async def office() -> AsyncIterator[Office]:
    """An office with Slack's limits."""
    async with open_office() as office:
        yield office


@dataclass(kw_only=True)
class Ear:
    """An endpoint that checks signatures by hand, keeps what it hears, and answers as it is told."""

    app: App
    answers: list[Response] = field(default_factory=list)
    heard: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    url: str = ""

    async def take(self, request: Request) -> Response:
        """One request."""
        body = await request.body()
        timestamp = request.headers["x-slack-request-timestamp"]
        assert request.headers["x-slack-signature"] == sign(self.app.signing_secret, timestamp, body)
        payload = await request.json()
        if payload["type"] == "url_verification":
            return JSONResponse({"challenge": payload["challenge"]})
        self.heard.append(payload)
        self.headers.append(dict(request.headers))
        return self.answers.pop(0) if self.answers else Response()

    def kinds(self) -> list[str]:
        """The types of the events, in the order they came."""
        return [payload["event"]["type"] for payload in self.heard]


@pytest.fixture
async def ear(office: Office) -> AsyncIterator[Ear]:
    """An endpoint that the office sends its events to."""
    ear = Ear(app=office.slack.app)
    server = FakeServer()
    ear.url = f"{server.url}/slack/events"
    await server.start(Starlette(routes=[Route("/slack/events", ear.take, methods=["POST"])]))
    await office.slack.set_request_url(ear.url, is_verified=True)
    yield ear
    await server.stop()
