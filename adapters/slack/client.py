"""Slack's Web API over slack_sdk: one shared session, no retries of the SDK's own, limits kept, faults told apart."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import structlog
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.buckets import Buckets
from adapters.slack.errors import LimitedError, RefusedError, UnknownError
from agent.records import JsonObject

log = structlog.get_logger(__name__)
SLACK_URL = "https://slack.com/api/"
CALL_S = 8.0
NOT_CONNECTED_RETRY_S = 2.0
_READS = frozenset({"conversations.replies", "users.info"})
_BY_CONVERSATION = frozenset({"chat.postMessage"})
_UNCLEAR = frozenset({"internal_error", "fatal_error", "service_unavailable", "request_timeout"})


class SlackWebApi:
    """`adapters.slack.ports.WebApi` with one bot token. `clock` is monotonic, in seconds."""

    def __init__(
        self, client: AsyncWebClient, session: aiohttp.ClientSession, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.client = client
        self._session = session
        self._clock = clock
        self._buckets = Buckets()

    async def call(self, method: str, arguments: JsonObject, *, patience_s: float = 0.0) -> JsonObject:
        """Call a method once. Raises `RefusedError`, `LimitedError`, `UnknownError`."""
        key = str(arguments.get("channel")) if method in _BY_CONVERSATION else ""
        await self._take_turn(method, key, patience_s)
        try:
            if method in _READS:
                answer = await self.client.api_call(method, http_verb="GET", params=arguments)
            else:
                answer = await self.client.api_call(method, json=arguments)
        except SlackApiError as error:
            raise self._read_refusal(method, key, error.response) from error
        except aiohttp.ClientConnectorError as error:
            raise LimitedError(method, NOT_CONNECTED_RETRY_S) from error
        except (aiohttp.ClientError, SlackClientError, TimeoutError, OSError, ValueError) as error:
            raise UnknownError(f"{method}: {type(error).__name__}") from error
        data: object = answer.data
        return data if isinstance(data, dict) else {}

    async def _take_turn(self, method: str, key: str, patience_s: float) -> None:
        """What is begun has to be ended: the end of a stream takes its token with the beginning."""
        wait_s = self._try_turn(method, key)
        deadline_s = self._clock() + patience_s
        while wait_s > 0:
            if self._clock() + wait_s > deadline_s:
                raise LimitedError(method, wait_s)
            await asyncio.sleep(wait_s)
            wait_s = self._try_turn(method, key)

    def _try_turn(self, method: str, key: str) -> float:
        now_s = self._clock()
        if method == "chat.stopStream":
            return self._buckets.blocked_s(method, key, now_s)
        if method == "chat.startStream" and (wait_s := self._buckets.take("chat.stopStream", key, now_s)) > 0:
            return wait_s
        return self._buckets.take(method, key, now_s)

    def _read_refusal(self, method: str, key: str, response: Any) -> Exception:
        status = int(getattr(response, "status_code", 0) or getattr(response, "status", 0))
        data = getattr(response, "data", None)
        code = str(data.get("error", "")) if isinstance(data, dict) else ""
        if status == 429 or code in {"ratelimited", "rate_limited"}:
            retry_after_s = _read_seconds(response.headers.get("Retry-After"))
            now_s = self._clock()
            self._buckets.block(method, key, now_s + retry_after_s, now_s)
            return LimitedError(method, retry_after_s)
        if status >= 500 or not code or code in _UNCLEAR:
            return UnknownError(f"{method}: HTTP {status}")
        return RefusedError(method, code)

    async def download(self, url: str, limit_bytes: int) -> bytes | None:
        """A file's bytes; none when it lies elsewhere than at Slack, is too large or is not given."""
        if not is_slacks(url, self.client.base_url):
            return None
        headers = {"Authorization": f"Bearer {self.client.token}"}
        try:
            async with self._session.get(url, headers=headers, allow_redirects=False) as response:
                if response.status != 200 or response.content_type == "text/html":
                    return None
                data = bytearray()
                async for piece in response.content.iter_chunked(65_536):
                    data += piece
                    if len(data) > limit_bytes:
                        return None
                return bytes(data)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            log.warning("slack_file_not_read", error=type(error).__name__)
            return None


def is_slacks(url: str, api_url: str) -> bool:
    """Whether the bot token may go there: Slack's own hosts over TLS, or the server that was configured instead."""
    try:
        parts, api = urlsplit(url), urlsplit(api_url)
        place = (parts.scheme, parts.hostname, parts.port)
    except ValueError:
        return False
    if parts.username is not None or parts.password is not None:
        return False
    if api_url != SLACK_URL and place == (api.scheme, api.hostname, api.port):
        return True
    return place[0] == "https" and place[2] in {None, 443} and (place[1] or "").endswith(".slack.com")


async def _refuse_redirect(_: aiohttp.ClientSession, __: SimpleNamespace, params: object) -> None:
    """The token goes nowhere else."""
    raise aiohttp.ClientError("a redirect was refused")


@asynccontextmanager
async def open_web_api(token: str, api_url: str | None) -> AsyncGenerator[SlackWebApi, None]:
    """A client on one shared session, closed with the context. No redirect is followed."""
    trace = aiohttp.TraceConfig()
    trace.on_request_redirect.append(_refuse_redirect)
    timeout = aiohttp.ClientTimeout(total=CALL_S, connect=3.0)
    async with aiohttp.ClientSession(timeout=timeout, trace_configs=[trace]) as session:
        client = AsyncWebClient(token=token, base_url=api_url or SLACK_URL, session=session, retry_handlers=[])
        if api_url is not None:
            client.proxy = None  # another server that was named is meant to be reached directly
        yield SlackWebApi(client, session)


def _read_seconds(value: object) -> float:
    try:
        return min(max(float(str(value)), 0.5), 300.0)
    except ValueError:
        return 5.0
