"""The Events API over HTTP: signed posts to the app's request URL."""

import asyncio
import hashlib
import hmac
import json
import ssl
import time
from functools import cache
from urllib.parse import urlencode

import httpx2

from adapters.slack_fake.delivery import ANSWER_LIMIT_S, Attempt, Outcome
from adapters.slack_fake.world import Outgoing, World

MAX_REDIRECTS = 2
FORM, JSON_TYPE = "application/x-www-form-urlencoded", "application/json"


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """Slack's signature, version 0."""
    return "v0=" + hmac.new(secret.encode(), b"v0:" + timestamp.encode() + b":" + body, hashlib.sha256).hexdigest()


def render_body(outgoing: Outgoing) -> tuple[bytes, str]:
    """The bytes and their type: events are JSON, clicks a form with `payload`, commands a form."""
    if outgoing.kind == "events_api":
        return json.dumps(outgoing.payload).encode(), JSON_TYPE
    if outgoing.kind == "interactive":
        return urlencode({"payload": json.dumps(outgoing.payload)}).encode(), FORM
    return urlencode(outgoing.payload).encode(), FORM


@cache
def _load_trusted() -> ssl.SSLContext:
    """The authorities that are trusted: read once, since that takes longer than everything else about a client."""
    return httpx2.create_ssl_context(trust_env=False)


class SignedPosts:
    """Posts to one address, or by chance to one of several, as a load balancer would.

    An answer of 200 to 299 within `answer_limit_s` real seconds counts.
    """

    def __init__(self, world: World, *urls: str, answer_limit_s: float = ANSWER_LIMIT_S) -> None:
        self._world = world
        self._limit_s = answer_limit_s
        self._client = httpx2.AsyncClient(
            follow_redirects=True,
            max_redirects=MAX_REDIRECTS,
            timeout=None,
            trust_env=False,
            verify=_load_trusted(),
            limits=httpx2.Limits(max_connections=None, max_keepalive_connections=50),
        )
        self.urls = urls

    async def send(self, outgoing: Outgoing, attempt: Attempt) -> Outcome:
        """Try once."""
        body, kind = render_body(outgoing)
        headers = {"X-Slack-Retry-Num": str(attempt.number), "X-Slack-Retry-Reason": attempt.reason}
        return await self.post(body, kind, headers if attempt.number else {})

    async def post(self, body: bytes, kind: str, extra: dict[str, str] | None = None) -> Outcome:
        """Sign bytes and post them."""
        timestamp = str(int(time.time()))  # the app looks at the real time, so this is never a test's clock
        headers = {
            "Content-Type": kind,
            "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
            "X-Slack-Request-Timestamp": timestamp,
            "X-Slack-Signature": sign(self._world.app.signing_secret, timestamp, body),
            **(extra or {}),
        }
        try:
            async with asyncio.timeout(self._limit_s):
                response = await self._client.post(self._world.random.choice(self.urls), content=body, headers=headers)
        except TimeoutError:
            return Outcome(is_acked=False, reason="http_timeout")
        except httpx2.TooManyRedirects:
            return Outcome(is_acked=False, reason="too_many_redirects")
        except (httpx2.HTTPError, OSError):
            return Outcome(is_acked=False, reason="connection_failed")
        return _judge(response)

    async def verify(self) -> bool:
        """`url_verification`: whether the address gives the challenge back."""
        challenge = self._world.new_secret("")
        payload = {"token": self._world.app.verification_token, "challenge": challenge, "type": "url_verification"}
        outcome = await self.post(json.dumps(payload).encode(), JSON_TYPE)
        given = outcome.body.get("challenge") if isinstance(outcome.body, dict) else outcome.body
        return outcome.is_acked and given == challenge

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()


def _judge(response: httpx2.Response) -> Outcome:
    is_good = 200 <= response.status_code < 300
    return Outcome(
        is_acked=is_good,
        reason="" if is_good else "http_error",
        status=response.status_code,
        body=_read(response),
        may_retry=response.headers.get("X-Slack-No-Retry") != "1",
    )


def _read(response: httpx2.Response) -> object:
    text = response.text
    if response.headers.get("content-type", "").startswith(JSON_TYPE) or text.startswith("{"):
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text
