"""The channel of the fake platform, as an owner would add one: a route that takes its events, and a poster."""

from collections.abc import Sequence

import httpx2
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from agent.asks import Ask
from agent.errors import BusyError, StoreUnavailableError
from agent.ids import AgentId, SessionId, UserId
from agent.records import Audience, JsonObject, User
from agent.tasks import Inbound
from gateway.ports import PostError, PostUnknownError, UnknownPolicy
from gateway.service import GatewayService

CHANNEL = "chaos"


class PlatformPoster:
    """`gateway.ports.Poster` over HTTP. The caller closes it."""

    unknown_policy: UnknownPolicy = "at_most_once"

    def __init__(self, base_url: str) -> None:
        self._client = httpx2.AsyncClient(base_url=base_url, timeout=2.0)

    def follow_up(self, reply_to: JsonObject, name: str) -> JsonObject:
        """The same conversation."""
        return reply_to

    async def post(self, reply_to: JsonObject, text: str, post_key: str, asks: Sequence[Ask] = ()) -> str:
        """Say it. A connection that was never made is a refusal; one that broke leaves everything open."""
        body = {"conversation": reply_to["conversation"], "text": text, "key": post_key}
        try:
            response = await self._client.post("/posts", json=body)
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout) as error:
            raise PostError(type(error).__name__, retry_after_s=0.5) from error
        except httpx2.TransportError as error:
            raise PostUnknownError(type(error).__name__) from error
        if response.status_code == 429:
            raise PostError("busy", retry_after_s=float(response.headers["retry-after"]))
        if response.status_code != 200:
            raise PostUnknownError(str(response.status_code))
        return str(response.json()["post"])

    async def find(self, reply_to: JsonObject, post_key: str) -> str | None:
        """Look."""
        try:
            response = await self._client.post(
                "/find", json={"conversation": reply_to["conversation"], "key": post_key}
            )
        except httpx2.TransportError as error:
            raise PostUnknownError(type(error).__name__) from error
        found = response.json()["post"]
        return None if found is None else str(found)

    async def close(self) -> None:
        """Close its connections."""
        await self._client.aclose()


def build_intake(service: GatewayService) -> Route:
    """`POST /chaos/events`: an event of the platform, acked once it is committed."""

    async def take(request: Request) -> Response:
        event = await request.json()
        try:
            accepted = await service.accept(_inbound(event))
        except StoreUnavailableError:
            return JSONResponse({"error": "unavailable"}, 503)
        except BusyError:
            return JSONResponse({"error": "busy"}, 429)
        return JSONResponse({"seq": accepted.seq, "task_id": accepted.task_id})

    return Route("/chaos/events", take, methods=["POST"])


def _inbound(event: dict[str, str]) -> Inbound:
    return Inbound(
        channel=CHANNEL,
        tenant="chaos",
        session_id=SessionId(f"{CHANNEL}:{event['conversation']}"),
        audience=Audience.SHARED,
        agent_id=AgentId("assistant"),
        user=User(id=UserId(event["author"]), first_name=event["author"]),
        author_name=event["author"],
        text=event["text"],
        dedupe_key=event["id"],
        reply_to={"conversation": event["conversation"]},
    )
