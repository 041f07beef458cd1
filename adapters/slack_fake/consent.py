"""The page on which somebody agrees that the app comes into their workspace, or declines."""

import html
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response

from adapters.slack_fake.installing import offer_code
from adapters.slack_fake.records import App, Team
from adapters.slack_fake.world import World

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
}


class Consent:
    """`/oauth/v2/authorize`. With `team` in the address (and `org=1`) somebody has agreed, with `decline=1` not."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def answer(self, request: Request) -> Response:
        """Ask, or lead back to the app."""
        query, world = request.query_params, self._world
        named = query.get("redirect_uri")
        uri = named or next(iter(world.app.redirect_uris), "")
        if query.get("client_id") != world.app.client_id or not uri:
            return PlainTextResponse("invalid client_id or redirect_uri", status_code=400)
        if query.get("decline") == "1":
            return _lead_back(uri, error="access_denied", state=query.get("state", ""))
        team = world.teams.get(query.get("team", ""))
        if team is None:
            page = render_consent(world.app, [*world.teams.values()], dict(query))
            return HTMLResponse(page, headers=_HEADERS)
        is_org_wide = query.get("org") == "1" and team.enterprise_id is not None
        code = offer_code(world, team, redirect_uri=named, is_org_wide=is_org_wide)
        return _lead_back(uri, code=code, state=query.get("state", ""))


def _lead_back(uri: str, **given: str) -> Response:
    return RedirectResponse(f"{uri}{'&' if '?' in uri else '?'}{urlencode(given)}", status_code=302)


def render_consent(app: App, teams: list[Team], query: dict[str, str]) -> str:
    """The question, with one link for each workspace."""

    def link(words: str, kind: str, **more: str) -> str:
        return f'<a class="{kind}" href="?{html.escape(urlencode({**query, **more}))}">{html.escape(words)}</a>'

    name = html.escape(app.name)
    allow = [link(f"Allow in {team.name}", "allow", team=team.team_id) for team in teams]
    allow += [
        link(f"Allow in all of {team.name}'s organisation", "allow", team=team.team_id, org="1")
        for team in teams
        if team.enterprise_id is not None
    ]
    scopes = "".join(
        f"<li><code>{html.escape(scope)}</code></li>" for scope in query.get("scope", "").split(",") if scope
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>Install {name}</title><link rel="stylesheet" href="/page.css"></head><body class="consent"><section>'
        f'<p class="hint">Fake Slack</p><h1>{name} asks for access</h1><p>It asks for these rights:</p>'
        f"<ul>{scopes}</ul><p>{''.join(allow)}{link('Cancel', 'decline', decline='1')}</p></section></body></html>"
    )
