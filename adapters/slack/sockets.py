"""Socket Mode over slack_bolt: a middleware inserts before the ack, and a watchdog replaces a socket that is silent."""

import asyncio
import logging
import time
from typing import NoReturn

import aiohttp
import structlog
from slack_bolt.adapter.socket_mode.websockets import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.errors import SlackClientError
from slack_sdk.web.async_client import AsyncWebClient
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import WebSocketException

from adapters.slack.door import Door
from adapters.slack.errors import PayloadError
from agent.errors import StoreUnavailableError
from agent.text import storable_object

log = structlog.get_logger(__name__)
CHECK_S = 0.5
PONG_S = 1.0
FIRST_RETRY_S = 0.5
LONGEST_RETRY_S = 30.0
_LOST = "Failed to receive or enqueue a message"
"""What the vendor's client says whenever a socket ends; the watchdog sees to that, and says so itself."""
_AWAY = (SlackClientError, WebSocketException, aiohttp.ClientError, OSError, TimeoutError)


def build_app(door: Door, client: AsyncWebClient) -> AsyncApp:
    """A Bolt app whose first middleware takes everything, before Bolt asks Slack who it is.

    It gives 200 for whatever is safe, and so Bolt acks exactly that; a listener would run after the ack.
    """

    async def insert_then_ack(request: AsyncBoltRequest) -> BoltResponse:
        try:
            answer = await door.take(storable_object(request.body))
        except PayloadError:
            return BoltResponse(status=200)  # sent again it would be no better
        except StoreUnavailableError as error:
            log.warning("store_away", during="slack socket", error=str(error))
            return BoltResponse(status=503)
        return BoltResponse(status=200, body=answer or "")

    return AsyncApp(
        name="parley",  # else Bolt reads the sources of everything that is imported, to find one
        client=client,
        authorize=_never,
        signing_secret="",
        logger=_quiet_logger(),
        before_authorize=insert_then_ack,
        request_verification_enabled=False,
        ssl_check_enabled=False,
    )


async def _never(**_: object) -> NoReturn:
    """Nothing gets past the middleware, so Bolt has nobody to authorise."""
    raise RuntimeError("Bolt was asked to authorise a delivery")


class Socket:
    """One connection to Slack, kept up until cancelled."""

    def __init__(self, door: Door, client: AsyncWebClient, app_token: str) -> None:
        self._door = door
        self._client = client
        self._app_token = app_token
        self._handler: AsyncSocketModeHandler | None = None
        self.connection_count = 0

    async def run(self) -> None:
        """Connect, look twice a second whether the other end is there, and connect anew when it is not."""
        app = build_app(self._door, self._client)
        handler = AsyncSocketModeHandler(
            app, self._app_token, logger=_quiet_logger(), web_client=self._client, ping_interval=CHECK_S
        )
        handler.client.default_auto_reconnect_enabled = handler.client.auto_reconnect_enabled = False
        self._handler = handler
        retry_s = FIRST_RETRY_S
        try:
            while not handler.client.closed:
                try:
                    await self._keep_up(handler)
                    retry_s = FIRST_RETRY_S
                    await asyncio.sleep(CHECK_S)
                except _AWAY as error:
                    log.warning("slack_socket_not_connected", error=type(error).__name__, again_in_s=retry_s)
                    await asyncio.sleep(retry_s)
                    retry_s = min(2 * retry_s, LONGEST_RETRY_S)
        finally:
            await self.close()

    async def _keep_up(self, handler: AsyncSocketModeHandler) -> None:
        session = handler.client.current_session
        if session is not None and session.close_code is None:
            if await is_there(session, self._door) or session is not handler.client.current_session:
                return  # a session may also have been replaced meanwhile, as Slack asks for now and then
            if session.close_code is None:
                log.warning("slack_socket_silent")
            session.transport.abort()
            await session.wait_closed()
        handler.client.wss_uri = None
        await handler.client.connect_to_new_endpoint()
        self.connection_count += 1

    async def close(self) -> None:
        """Take nothing more."""
        if self._handler is not None and not self._handler.client.closed:
            await self._handler.close_async()  # type: ignore[no-untyped-call]


async def is_there(session: ClientConnection, door: Door) -> bool:
    """Whether the other end answers a ping, or says anything else meanwhile.

    A process that is too busy to read for so long is late itself, and would lose the acks of all it has taken.
    """
    asked_at_s = time.monotonic()
    try:
        async with asyncio.timeout(PONG_S):
            pong = asyncio.ensure_future(await session.ping())
    except (TimeoutError, WebSocketException):
        return False
    await asyncio.wait([pong], timeout=PONG_S)
    if pong.done():
        return not pong.cancelled() and pong.exception() is None
    return door.last_at_s >= asked_at_s


def _quiet_logger() -> logging.Logger:
    """The vendor's own log, warnings and worse: below them it writes what people say."""
    logger = logging.getLogger("slack_bolt.parley")
    logger.setLevel(logging.WARNING)
    if not logger.filters:
        logger.addFilter(lambda record: _LOST not in str(record.msg))
    return logger
