"""`GET /slack/install` and `GET /slack/oauth_redirect`: a workspace or an organisation installs the app.

install ─► a state and a cookie ─► Slack's consent page ─► oauth_redirect ─► tokens, kept ─► a page that says so
"""

import secrets
import time
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field

import structlog
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from adapters.slack.errors import SlackError
from adapters.slack.grants import STATE_LIFE_S, Grant, build_authorize_url, is_state_genuine, parse_grant, sign_state
from adapters.slack.ports import Installations
from agent.errors import StoreUnavailableError
from agent.records import JsonObject

log = structlog.get_logger(__name__)
INSTALL_PATH = "/slack/install"
REDIRECT_PATH = "/slack/oauth_redirect"
COOKIE = "parley_slack_state"
CODE_LIMIT = 1_000
_QUIET = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
Exchange = Callable[[str], Awaitable[JsonObject]]
"""Asks Slack for the tokens for a code. Raises `SlackError`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Installing:
    """What an installation needs. `secret` signs states; `allowed` names who may install, everybody when empty."""

    client_id: str
    api_url: str
    secret: bytes = field(repr=False)
    allowed: Collection[str]


def build_oauth_routes(
    installing: Installing,
    exchange: Exchange,
    store: Installations,
    on_installed: Callable[[str], None],
    now: Callable[[], float] = time.time,
) -> list[Route]:
    """Both routes. `on_installed` is told the installation; `now` is the wall clock, in seconds."""

    async def install(request: Request) -> Response:
        nonce = secrets.token_urlsafe(24)
        state = sign_state(installing.secret, nonce, int(now()) + STATE_LIFE_S)
        url = build_authorize_url(installing.api_url, installing.client_id, state)
        response = RedirectResponse(url, status_code=302, headers=_QUIET)
        response.set_cookie(
            COOKIE,
            nonce,
            max_age=STATE_LIFE_S,
            path=REDIRECT_PATH,
            secure=request.url.scheme == "https",
            httponly=True,
            samesite="lax",
        )
        return response

    async def come_back(request: Request) -> Response:
        query, nonce = request.query_params, request.cookies.get(COOKIE, "")
        if not is_state_genuine(installing.secret, query.get("state", ""), nonce, now()):
            return _say(400, "This link is not valid any more. Begin again at /slack/install.")
        code = query.get("code", "")
        if not code or len(code) > CODE_LIMIT:
            return _say(400, "The app was not installed.")
        try:
            grant = parse_grant(await exchange(code))
            if installing.allowed and not _is_allowed(grant, installing.allowed):
                log.warning("slack_installation_not_allowed", installation=grant.installation)
                return _say(403, "This gateway does not serve that workspace.")
            await store.save(grant.installation, grant.tokens, grant.about, grant.expires_in_s)
        except SlackError as error:
            log.warning("slack_not_installed", error=str(error))
            return _say(400, "Slack did not confirm the installation. Begin again at /slack/install.")
        except StoreUnavailableError:
            return _say(503, "Please try again in a moment.")
        on_installed(grant.installation)
        log.info("slack_installed", installation=grant.installation)
        return _say(200, "Parley is installed. You can close this page and mention it in Slack.")

    return [Route(INSTALL_PATH, install, methods=["GET"]), Route(REDIRECT_PATH, come_back, methods=["GET"])]


def _is_allowed(grant: Grant, allowed: Collection[str]) -> bool:
    return bool({grant.installation, grant.about.get("team_id"), grant.about.get("enterprise_id")} & set(allowed))


def _say(status: int, text: str) -> Response:
    response = PlainTextResponse(text, status_code=status, headers=_QUIET)
    response.delete_cookie(COOKIE, path=REDIRECT_PATH)
    return response
