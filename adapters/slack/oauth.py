"""`GET /slack/install` and `GET /slack/oauth_redirect`: a workspace or an organisation installs the app.

install ─► a state and a cookie ─► Slack's consent page ─► oauth_redirect ─► tokens, kept ─► a page that says so
"""

import secrets
import time
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field

import structlog
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from adapters.slack import install_pages
from adapters.slack.errors import SlackError
from adapters.slack.grants import (
    STATE_LIFE_S,
    Grant,
    build_app_url,
    build_authorize_url,
    is_state_genuine,
    parse_grant,
    sign_state,
)
from adapters.slack.install_pages import Ending, build_headers, render_page
from adapters.slack.ports import Installations
from adapters.slack.records import text_of
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
    bot_name: str
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
            return _show(install_pages.stale(INSTALL_PATH))
        code = query.get("code", "")
        if not code or len(code) > CODE_LIMIT:
            log.info("slack_installation_declined", error=query.get("error", "")[:100])
            return _show(install_pages.declined(INSTALL_PATH))
        return _show(await finish(code))

    async def finish(code: str) -> Ending:
        try:
            grant = parse_grant(await exchange(code))
            place = text_of(grant.about, "name") or ""
            if installing.allowed and not _is_allowed(grant, installing.allowed):
                log.warning("slack_installation_not_allowed", installation=grant.installation)
                return install_pages.not_served(place)
            await store.save(grant.installation, grant.tokens, grant.about, grant.expires_in_s)
        except SlackError as error:
            log.warning("slack_not_installed", error=str(error))
            return install_pages.unconfirmed(INSTALL_PATH)
        except StoreUnavailableError:
            return install_pages.unavailable(INSTALL_PATH)
        on_installed(grant.installation)
        log.info("slack_installed", installation=grant.installation)
        return install_pages.installed(installing.bot_name, place, build_app_url(installing.api_url, grant.about))

    return [Route(INSTALL_PATH, install, methods=["GET"]), Route(REDIRECT_PATH, come_back, methods=["GET"])]


def _is_allowed(grant: Grant, allowed: Collection[str]) -> bool:
    return bool({grant.installation, grant.about.get("team_id"), grant.about.get("enterprise_id")} & set(allowed))


def _show(ending: Ending) -> Response:
    response = HTMLResponse(render_page(ending), status_code=ending.status, headers=build_headers())
    response.delete_cookie(COOKIE, path=REDIRECT_PATH)
    return response
