"""What somebody reads while they install the app."""

import base64
import hashlib
import re

from adapters.slack import install_pages
from adapters.slack.install_pages import build_headers, render_page
from adapters.slack.oauth import COOKIE
from tests.adapters.slack.test_installing import open_market
from tests.support.gateway import run_sql
from tests.support.scripted_model import ScriptedModel


async def test_who_installs_the_app_reads_how_it_ended_and_how_to_go_on(database_url: str) -> None:
    """Whoever installs it is no operator: a bare line of text helps them nowhere. Proves: SL-40."""
    async with open_market(database_url, ScriptedModel()) as market:
        team = market.slack.add_team("Acme <&> Sons", is_installed=False)
        start = await market.browser.get(f"{market.address}/slack/install")
        assert market.browser.cookies.get(COOKIE)
        declined = await market.browser.get(start.headers["location"] + "&decline=1")
        answer = await market.browser.get(declined.headers["location"])
        assert (answer.status_code, "Nothing was installed" in answer.text) == (400, True)
        assert 'href="/slack/install"' in answer.text
        assert await run_sql(database_url, "SELECT 1 FROM slack_installations") == []
        answer = await market.install(team)
        assert answer.status_code == 200
        assert "Parley is in Acme &lt;&amp;&gt; Sons" in answer.text
        assert f"{market.slack.url}/app_redirect?app={market.slack.app.app_id}&amp;team={team.team_id}" in answer.text
        again = await market.browser.get(str(answer.url))
        assert (again.status_code, "This page is out of date" in again.text) == (400, True)


async def test_a_made_up_code_installs_nothing_and_the_page_says_so(database_url: str) -> None:
    """Slack alone says what a code is worth. Proves: SL-29, SL-40."""
    async with open_market(database_url, ScriptedModel()) as market:
        start = await market.browser.get(f"{market.address}/slack/install")
        state = re.findall(r"state=([^&]+)", start.headers["location"])[0]
        answer = await market.browser.get(f"{market.address}/slack/oauth_redirect?code=made-up&state={state}")
        assert (answer.status_code, "Slack did not confirm it" in answer.text) == (400, True)
        assert await run_sql(database_url, "SELECT 1 FROM slack_installations") == []


async def test_a_workspace_that_is_not_served_is_told_so_by_name(database_url: str) -> None:
    """They have to know whom to ask. Proves: SL-29, SL-40."""
    async with open_market(database_url, ScriptedModel(), workspaces=frozenset({"T0OTHER"})) as market:
        team = market.slack.add_team("Acme", is_installed=False)
        answer = await market.install(team)
        assert (answer.status_code, "Not for Acme" in answer.text) == (403, True)


def test_a_page_of_the_installation_loads_nothing_but_its_own_style() -> None:
    """Slack's code stands in its address. Proves: SL-40."""
    page, policy = render_page(install_pages.stale("/again")), build_headers()["Content-Security-Policy"]
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    assert f"'sha256-{base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()}'" in policy
    assert policy.startswith("default-src 'none'")
    assert "src=" not in page


def test_a_page_shows_names_as_they_stand() -> None:
    """A workspace may be called anything. Proves: SL-40."""
    page = render_page(install_pages.not_served("<script>`x"))
    assert "<script" not in page
    assert "&lt;script&gt;`x" in page.replace("<code>", "`")
