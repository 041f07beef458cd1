"""Slack's Web API over slack_sdk: one shared session, no retries of the SDK's own, limits kept, faults told apart."""

import asyncio
import math
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import structlog
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.buckets import name_bucket, rate_of
from adapters.slack.errors import TOKEN_REFUSED, LimitedError, RefusedError, SlackError, UnknownError
from adapters.slack.network import open_session
from adapters.slack.ports import Limits, Tokens
from agent.errors import StoreUnavailableError
from agent.records import JsonObject

log = structlog.get_logger(__name__)
SLACK_URL = "https://slack.com/api/"
NOT_CONNECTED_RETRY_S = 2.0
_READS = frozenset({"conversations.history", "conversations.replies", "users.info"})
_UNCLEAR = frozenset({"internal_error", "fatal_error", "service_unavailable", "request_timeout"})
_FAULTS = (aiohttp.ClientError, SlackClientError, TimeoutError, OSError, ValueError)
OnToken = Callable[[str, str | None], None]
"""Told when Slack refuses an installation's token, with its word; and with none when it takes it again."""


class SlackWebApi:
    """`adapters.slack.ports.WebApi`. `clock` is monotonic, in seconds."""

    def __init__(
        self,
        client: AsyncWebClient,
        session: aiohttp.ClientSession,
        tokens: Tokens,
        limits: Limits,
        on_token: OnToken,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.client = client
        self._session = session
        self._tokens = tokens
        self._limits = limits
        self._on_token = on_token
        self._clock = clock
        self._refused: dict[str, float] = {}

    async def call(
        self, installation: str, method: str, arguments: JsonObject, *, patience_s: float = 0.0
    ) -> JsonObject:
        """Call a method once. Raises `RefusedError`, `LimitedError`, `UnknownError`."""
        token = await self._find_token(installation)
        try:
            return await self._use(token, installation, method, arguments, patience_s)
        except RefusedError as error:
            if error.code not in TOKEN_REFUSED:
                raise
            self._tokens.forget(installation)
            newer = await self._find_token(installation)
            if newer == token:
                self.note_refusal(installation, error.code)
                raise
        return await self._use(newer, installation, method, arguments, patience_s)

    async def _find_token(self, installation: str) -> str:
        try:
            return await self._tokens.find(installation)
        except RefusedError as error:
            self.note_refusal(installation, error.code)
            raise

    async def _use(
        self, token: str, installation: str, method: str, arguments: JsonObject, patience_s: float
    ) -> JsonObject:
        bucket = name_bucket(installation, method, arguments.get("channel"))
        await self._take_turn(installation, method, bucket, patience_s)
        asked_at_s = self._clock()
        answer = await self._ask(token, method, arguments, bucket)
        self._note_success(installation, asked_at_s)
        return answer

    def note_refusal(self, installation: str, code: str) -> None:
        """Slack said that it takes an installation's token no more, in an answer or by an event."""
        self._tokens.forget(installation)
        is_new = installation not in self._refused
        self._refused[installation] = self._clock()
        if is_new:
            log.error("slack_token_refused", installation=installation, code=code)
            self._on_token(installation, code)

    def _note_success(self, installation: str, asked_at_s: float) -> None:
        """A call that was on its way when the token was refused says nothing about the token."""
        if self._refused.get(installation, math.inf) <= asked_at_s:
            del self._refused[installation]
            self._on_token(installation, None)

    async def _ask(self, token: str, method: str, arguments: JsonObject, bucket: str) -> JsonObject:
        headers = {"Authorization": f"Bearer {token}"}
        try:
            if method in _READS:
                answer = await self.client.api_call(method, http_verb="GET", params=arguments, headers=headers)
            else:
                answer = await self.client.api_call(method, json=arguments, headers=headers)
        except SlackApiError as error:
            raise await self._read_refusal(method, bucket, error.response) from error
        except aiohttp.ClientConnectorError as error:
            raise LimitedError(method, NOT_CONNECTED_RETRY_S) from error
        except _FAULTS as error:
            raise UnknownError(f"{method}: {type(error).__name__}") from error
        data: object = answer.data
        return data if isinstance(data, dict) else {}

    async def _take_turn(self, installation: str, method: str, bucket: str, patience_s: float) -> None:
        """Without the store there are no limits but Slack's own."""
        deadline_s = self._clock() + patience_s
        while True:
            try:
                wait_s = await self._try_turn(installation, method, bucket)
            except StoreUnavailableError:
                return
            if wait_s <= 0:
                return
            if self._clock() + wait_s > deadline_s:
                raise LimitedError(method, wait_s)
            await asyncio.sleep(wait_s)

    async def _try_turn(self, installation: str, method: str, bucket: str) -> float:
        """What is begun has to be ended: the end of a stream takes its token with the beginning."""
        if method == "chat.stopStream":
            return await self._limits.find_block(bucket)
        if method == "chat.startStream":
            rate, end = rate_of("chat.stopStream"), name_bucket(installation, "chat.stopStream", None)
            if (wait_s := await self._limits.take(end, rate.per_s, rate.burst)) > 0:
                return wait_s
        rate = rate_of(method)
        return await self._limits.take(bucket, rate.per_s, rate.burst)

    async def _read_refusal(self, method: str, bucket: str, response: Any) -> SlackError:
        status = int(getattr(response, "status_code", 0) or getattr(response, "status", 0))
        data = getattr(response, "data", None)
        code = str(data.get("error", "")) if isinstance(data, dict) else ""
        if status == 429 or code in {"ratelimited", "rate_limited"}:
            retry_after_s = _read_seconds(response.headers.get("Retry-After"))
            try:
                await self._limits.block(bucket, retry_after_s)
            except StoreUnavailableError:
                log.info("slack_limit_not_shared", method=method)
            return LimitedError(method, retry_after_s)
        if status >= 500 or not code or code in _UNCLEAR:
            return UnknownError(f"{method}: HTTP {status}")
        return RefusedError(method, code)

    async def respond(self, response_url: str, text: str) -> None:
        """Tell whoever sent a command something, and nobody else. No token goes there. Raises `SlackError`."""
        if not is_slacks(response_url, self.client.base_url):
            raise RefusedError("response_url", "not_slacks")
        body = {"response_type": "ephemeral", "text": text}
        try:
            async with self._session.post(response_url, json=body, allow_redirects=False) as response:
                if response.status != 200:
                    raise UnknownError(f"response_url: HTTP {response.status}")
        except _FAULTS as error:
            raise UnknownError(f"response_url: {type(error).__name__}") from error

    async def download(self, installation: str, url: str, limit_bytes: int) -> bytes | None:
        """A file's bytes; none when it lies elsewhere than at Slack, is too large or is not given."""
        if not is_slacks(url, self.client.base_url):
            return None
        try:
            headers = {"Authorization": f"Bearer {await self._tokens.find(installation)}"}
            async with self._session.get(url, headers=headers, allow_redirects=False) as response:
                if response.status != 200 or response.content_type == "text/html":
                    return None
                data = bytearray()
                async for piece in response.content.iter_chunked(65_536):
                    data += piece
                    if len(data) > limit_bytes:
                        return None
                return bytes(data)
        except (aiohttp.ClientError, SlackError, TimeoutError, OSError) as error:
            log.warning("slack_file_not_read", error=type(error).__name__)
            return None


class SlackOAuth:
    """The calls that are made in the app's own name. Raises `RefusedError` and `UnknownError`."""

    def __init__(self, client: AsyncWebClient, client_id: str, client_secret: str) -> None:
        self._client = client
        self._headers = {"Authorization": aiohttp.encode_basic_auth(client_id, client_secret)}

    async def exchange(self, code: str) -> JsonObject:
        """The tokens of a new installation, for the code that Slack sent a browser back with."""
        return await self._access({"code": code})

    async def renew(self, refresh_token: str) -> JsonObject:
        """New tokens for a refresh token."""
        return await self._access({"grant_type": "refresh_token", "refresh_token": refresh_token})

    async def _access(self, arguments: dict[str, str]) -> JsonObject:
        method = "oauth.v2.access"
        try:
            answer = await self._client.api_call(method, data=arguments, headers={**self._headers})
        except SlackApiError as error:
            data: object = error.response.data
            raise RefusedError(method, str(data.get("error")) if isinstance(data, dict) else "unknown") from error
        except _FAULTS as error:
            raise UnknownError(f"{method}: {type(error).__name__}") from error
        found: object = answer.data
        return found if isinstance(found, dict) else {}


def is_slacks(url: str, api_url: str) -> bool:
    """Whether a token may go there: Slack's own hosts over TLS, or the server that was configured instead."""
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


@asynccontextmanager
async def open_client(api_url: str | None) -> AsyncGenerator[tuple[AsyncWebClient, aiohttp.ClientSession], None]:
    """A client without a token on one shared session, closed with the context. No redirect is followed."""
    client = AsyncWebClient(base_url=api_url or SLACK_URL, retry_handlers=[])
    if api_url is not None:
        client.proxy = None  # another server that was named is meant to be reached directly
    named = {urlsplit(address).hostname for address in (api_url, client.proxy) if address}
    async with open_session({host for host in named if host}) as session:
        client.session = session
        yield client, session


def _read_seconds(value: object) -> float:
    try:
        return min(max(float(str(value)), 0.5), 300.0)
    except ValueError:
        return 5.0
