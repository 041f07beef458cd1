"""Many workspaces: each installs the app by itself, and its tokens are kept, renewed and forgotten."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import httpx2
import pytest

from adapters.slack.deciding import Rule
from adapters.slack.grants import is_state_genuine, sign_state
from adapters.slack.options import Conversation, Keys, Options, Setup
from adapters.slack.signature import sign
from adapters.slack_fake.dispatch import tell_installation
from adapters.slack_fake.fake import FakeSlack
from adapters.slack_fake.faults import FaultKind
from adapters.slack_fake.records import App, Channel, User
from adapters.slack_fake.team import Workspace
from agent.routing import Routes
from tests.adapters.slack.arena import is_final, serve
from tests.support.gateway import ASSISTANT, Core, configure, find_text, open_core, run_sql
from tests.support.model_steps import Gate, says, says_slowly
from tests.support.scripted_model import ScriptedModel

STREAM, STATUS = "chat.startStream", "agents.sessions.setStatus"
KEY = "0123456789abcdef0123456789abcdef"


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """A gateway that workspaces install, and a browser."""

    slack: FakeSlack
    core: Core
    browser: httpx2.AsyncClient
    address: str
    url: str

    async def install(self, team: Workspace, *, is_org_wide: bool = False) -> httpx2.Response:
        """Somebody follows the link to its end."""
        start = await self.browser.get(f"{self.address}/slack/install")
        assert start.status_code == 302
        more = f"&team={team.team_id}" + ("&org=1" if is_org_wide else "")
        consent = await self.browser.get(start.headers["location"] + more)
        assert consent.status_code == 302, consent.text
        return await self.browser.get(consent.headers["location"])

    async def add_team(self, name: str) -> Workspace:
        """A workspace that has installed it."""
        team = self.slack.add_team(name, is_installed=False)
        assert (await self.install(team)).status_code == 200
        return team

    async def goes_on(self) -> bool:
        """Whether an installation is still good, once everything that was told is decided."""
        await self.slack.wait_until_heard()
        await until(self.url, "SELECT 1 FROM slack_inbox HAVING bool_and(verdict IS NOT NULL) AND count(*) > 0")
        return bool(await run_sql(self.url, "SELECT 1 FROM slack_installations WHERE sealed IS NOT NULL"))

    async def answers(self, channel: Channel, root: str, count: int = 1) -> list[str]:
        """The whole answers in a thread."""

        def final() -> list[str]:
            return [post.source for post in self.slack.answers(channel, root) if is_final(post)]

        await self.slack.wait_for(lambda: len(final()) >= count, timeout_s=30)
        return final()


@asynccontextmanager
async def open_market(
    url: str, model: ScriptedModel, *, fake: FakeSlack | None = None, workspaces: frozenset[str] = frozenset()
) -> AsyncIterator[Market]:
    """Nobody has installed anything yet."""
    async with fake or FakeSlack() as slack, httpx2.AsyncClient(follow_redirects=False) as browser:
        keys = Keys(
            client_id=slack.app.client_id,
            client_secret=slack.app.client_secret,
            signing_secret=slack.app.signing_secret,
            api_url=slack.api_url,
        )
        options = Options(default=Conversation(rule=Rule()), routes=Routes(default_id=ASSISTANT), workspaces=workspaces)
        configuration = replace(configure(), slack=Setup(keys=keys, options=options, sealing_keys=(KEY,)))
        async with open_core(url, model, configuration) as core, serve(core) as address:
            slack.app.redirect_uris = (f"{address}/slack/oauth_redirect",)
            await slack.set_request_url(f"{address}/slack/events")
            yield Market(slack=slack, core=core, browser=browser, address=address, url=url)


def furnish(team: Workspace, person: str) -> tuple[User, Channel]:
    """Somebody in a channel with the bot."""
    user = team.add_user(person)
    return user, team.add_channel("general", members=[user])


async def test_several_workspaces_are_served_each_with_its_own_token(database_url: str) -> None:
    """One gateway, many companies. Proves: SL-27."""
    model = ScriptedModel(checks_prefix=False)
    model.add(says("Hello Acme."), says("Hello Bolt."))
    async with open_market(database_url, model) as market:
        for name, person in (("Acme", "Ann"), ("Bolt", "Bob")):
            team = await market.add_team(name)
            user, general = furnish(team, person)
            ts = await market.slack.say(user, general, "<@BOT> hi")
            assert await market.answers(general, ts) == [f"Hello {name}."]
            session = (await market.core.gateway.service.list_sessions(None, 5))[0]
            assert session.tenant == team.team_id


async def test_what_one_workspace_has_not_every_other_one_may_have(database_url: str) -> None:
    """A plan without streaming and stop button is that workspace's alone. Proves: SL-10."""
    model = ScriptedModel(checks_prefix=False)
    async with open_market(database_url, model) as market:
        (ann, acme) = furnish(await market.add_team("Acme"), "Ann")
        (bob, bolt) = furnish(await market.add_team("Bolt"), "Bob")
        for method in STREAM, STATUS:
            market.slack.faults.refuse(method, "unknown_method", times=1)
        counts = [await count_calls(market, model, *one) for one in ((ann, acme), (bob, bolt), (ann, acme))]
        assert counts == [(0, 0), (1, 1), (0, 0)]


async def test_what_is_refused_in_one_conversation_is_not_left_out_in_others(database_url: str) -> None:
    """Only a word about the workspace holds for all of it. Proves: SL-10."""
    model = ScriptedModel(checks_prefix=False)
    async with open_market(database_url, model) as market:
        team = await market.add_team("Acme")
        ann, general = furnish(team, "Ann")
        for method in STREAM, STATUS:
            market.slack.faults.refuse(method, "channel_not_found", times=1)
        assert [await count_calls(market, model, ann, general) for _ in range(2)] == [(0, 0), (1, 1)]


async def count_calls(market: Market, model: ScriptedModel, user: User, channel: Channel) -> tuple[int, int]:
    """How often a stream is begun and work is shown, refusals apart, for a question that is answered slowly."""
    gate, calls = Gate(), market.slack.api.calls
    model.add(says_slowly(["Hello ", "there."], gate))
    before = len(calls)
    ts = await market.slack.say(user, channel, "<@BOT> hi")
    gate.let(1)
    await market.slack.wait_for(lambda: market.slack.answers(channel, ts) != [], timeout_s=30)
    gate.open()
    assert await market.answers(channel, ts) == ["Hello there."]
    begun = [call for call in calls[before:] if call.method == STREAM]
    return len(begun), sum(call.args.get("status") == "processing" for call in calls[before:])


async def test_tokens_are_encrypted_at_rest(database_url: str) -> None:
    """A copy of the database opens nobody's Slack. Proves: SL-28."""
    async with open_market(database_url, ScriptedModel()) as market:
        team = await market.add_team("Acme")
        assert await run_sql(database_url, "SELECT 1 FROM slack_installations WHERE sealed IS NOT NULL")
        assert await find_text(database_url, team.bot_token, team.bot_token.encode().hex()) == set()


async def test_an_organisation_installs_once_for_all_its_workspaces(database_url: str) -> None:
    """Its sessions carry the organisation's id. Proves: SL-27."""
    model = ScriptedModel(checks_prefix=False)
    model.add(says("Hello."), says("Hello too."))
    async with open_market(database_url, model) as market:
        group = market.slack.add_enterprise("Acme Group")
        first = market.slack.add_team("North", enterprise=group, is_installed=False)
        second = market.slack.add_team("South", enterprise=group, is_installed=False)
        assert (await market.install(first, is_org_wide=True)).status_code == 200
        for team, person, said in ((first, "Ann", "Hello."), (second, "Bob", "Hello too.")):
            user, general = furnish(team, person)
            ts = await market.slack.say(user, general, "<@BOT> hi")
            assert await market.answers(general, ts) == [said]
            session = (await market.core.gateway.service.list_sessions(None, 5))[0]
            assert session.session_id.split(":")[1] == group.enterprise_id


async def test_a_link_that_somebody_else_began_installs_nothing(database_url: str) -> None:
    """Else a stranger could put their own workspace under somebody's hands. Proves: SL-29."""
    async with open_market(database_url, ScriptedModel()) as market:
        team = market.slack.add_team("Acme", is_installed=False)
        start = await market.browser.get(f"{market.address}/slack/install")
        consent = await market.browser.get(start.headers["location"] + f"&team={team.team_id}")
        async with httpx2.AsyncClient() as stranger:
            assert (await stranger.get(consent.headers["location"])).status_code == 400
            assert (await stranger.get(f"{market.address}/slack/oauth_redirect?code=x&state=y")).status_code == 400
            assert (await stranger.get(f"{market.address}/slack/oauth_redirect")).status_code == 400
        assert await run_sql(database_url, "SELECT 1 FROM slack_installations") == []
        assert (await market.browser.get(consent.headers["location"])).status_code == 200
        assert (await market.browser.get(consent.headers["location"])).status_code == 400


def test_a_state_holds_for_one_browser_and_ten_minutes() -> None:
    """It is all that says who began. Proves: SL-29."""
    state = sign_state(b"secret", "nonce", 1_000)
    assert is_state_genuine(b"secret", state, "nonce", 999)
    for secret, given, nonce, now_s in (
        (b"other", state, "nonce", 999),
        (b"secret", state, "other", 999),
        (b"secret", state, "", 999),
        (b"secret", state, "nonce", 1_001),
        (b"secret", "2000" + state[4:], "nonce", 999),
        (b"secret", "", "nonce", 999),
        (b"secret", "é.x", "nonce", 999),
    ):
        assert not is_state_genuine(secret, given, nonce, now_s)


async def test_an_owner_may_say_which_workspaces_are_served(database_url: str) -> None:
    """Whoever installs it spends the owner's money. Proves: SL-29."""
    fake = FakeSlack()
    async with open_market(database_url, ScriptedModel(), fake=fake, workspaces=frozenset({"T0NONE"})) as market:
        team = market.slack.add_team("Acme", is_installed=False)
        assert (await market.install(team)).status_code == 403
        assert await run_sql(database_url, "SELECT 1 FROM slack_installations") == []


async def test_a_token_is_renewed_before_it_ends(database_url: str) -> None:
    """Tokens that rotate live for twelve hours. Proves: SL-30."""
    model = ScriptedModel(checks_prefix=False)
    model.add(says("One."))
    fake = FakeSlack(app=App(rotates_tokens=True))
    async with open_market(database_url, model, fake=fake) as market:
        team = await market.add_team("Acme")
        user, general = furnish(team, "Ann")
        before = team.bot_token
        await run_sql(database_url, "UPDATE slack_installations SET expires_at = now() + interval '1 minute'")
        ts = await market.slack.say(user, general, "<@BOT> hi")
        assert await market.answers(general, ts) == ["One."]
        assert team.bot_token != before
        renewals = [call for call in market.slack.api.calls if call.args.get("grant_type") == "refresh_token"]
        assert len(renewals) == 1


async def test_a_removed_app_forgets_its_tokens_and_its_answers_wait_for_it_to_come_back(database_url: str) -> None:
    """Who removes it by mistake loses nothing. Proves: SL-31."""
    model = ScriptedModel(checks_prefix=False)
    model.add(says("Late, and whole."))
    async with open_market(database_url, model) as market:
        team = await market.add_team("Acme")
        user, general = furnish(team, "Ann")
        market.slack.faults.refuse("chat.*", code="token_revoked")
        ts = await market.slack.say(user, general, "<@BOT> hi")
        await until(database_url, "SELECT 1 FROM outbox WHERE note IS NOT NULL")
        bot = team.bot
        market.slack.uninstall(team)
        await until(database_url, "SELECT 1 FROM slack_installations WHERE sealed IS NULL AND ended_by IS NOT NULL")
        ready = await market.browser.get(f"{market.address}/readyz")
        assert ready.json()["slack"] == "tokens refused: 1"
        metrics = await market.browser.get(f"{market.address}/metrics")
        assert "parley_slack_tokens_refused 1.0" in metrics.text
        market.slack.faults.clear()
        market.slack.world.channels[general.channel_id].members.append(bot.user_id)
        await market.install(team)
        assert await market.answers(general, ts) == ["Late, and whole."]
        assert [row["attempts"] for row in await run_sql(database_url, "SELECT attempts FROM outbox")] == [1]


async def test_a_word_of_a_removal_ends_no_installation_whose_token_slack_takes(database_url: str) -> None:
    """It was installed again within the second that Slack tells. Proves: SL-31."""
    async with open_market(database_url, ScriptedModel()) as market:
        team = await market.add_team("Acme")
        tell_installation(market.slack.world, team.installation, {"type": "app_uninstalled"})
        assert await market.goes_on()
        assert (await market.browser.get(f"{market.address}/readyz")).json().get("slack") is None


@pytest.mark.parametrize("how", [FaultKind.RATE_LIMIT, FaultKind.SERVER_ERROR, FaultKind.CUT, FaultKind.DROP_ANSWER])
async def test_a_word_of_a_removal_is_believed_only_once_slack_says_how_the_token_stands(
    database_url: str, how: FaultKind
) -> None:
    """A busy Slack refuses no token: an installation that is good goes on. Proves: SL-31."""
    async with open_market(database_url, ScriptedModel()) as market:
        team = await market.add_team("Acme")
        market.slack.faults.add(how, "auth.test")
        tell_installation(market.slack.world, team.installation, {"type": "app_uninstalled"})
        await market.slack.wait_until_heard()
        await until(database_url, "SELECT 1 FROM slack_inbox WHERE kind = 'revoked' AND owner IS NULL")
        await run_sql(database_url, "UPDATE slack_inbox SET run_at = now() WHERE verdict IS NULL")
        await until(database_url, "SELECT 1 FROM slack_inbox WHERE kind = 'revoked' AND verdict IS NOT NULL")
        assert await run_sql(database_url, "SELECT 1 FROM slack_installations WHERE sealed IS NOT NULL")


async def test_a_removal_whose_time_nobody_told_is_one(database_url: str) -> None:
    """Else its tokens would be kept for ever. Proves: SL-31."""
    async with open_market(database_url, ScriptedModel()) as market:
        team = await market.add_team("Acme")
        market.slack.faults.refuse("auth.test", code="account_inactive")
        body = {"type": "event_callback", "event_id": "Ev1", "team_id": team.team_id, "event_time": 10**400}
        payload = json.dumps({**body, "event": {"type": "app_uninstalled"}}).encode()
        at, secret = str(int(time.time())), market.slack.app.signing_secret
        headers = {"X-Slack-Request-Timestamp": at, "X-Slack-Signature": sign(secret, at, payload)}
        sent = await market.browser.post(f"{market.address}/slack/events", content=payload, headers=headers)
        assert sent.status_code == 200
        await until(database_url, "SELECT 1 FROM slack_installations WHERE sealed IS NULL AND ended_by IS NOT NULL")


async def test_an_answer_waits_for_the_app_to_be_invited_again(database_url: str) -> None:
    """Somebody took it out of the channel in mid-answer. Proves: SL-31."""
    model = ScriptedModel(checks_prefix=False)
    model.add(says("Late, and whole."))
    async with open_market(database_url, model) as market:
        team = await market.add_team("Acme")
        user, general = furnish(team, "Ann")
        market.slack.faults.refuse("chat.*", code="not_in_channel")
        ts = await market.slack.say(user, general, "<@BOT> hi")
        await until(database_url, "SELECT 1 FROM outbox WHERE note LIKE '%not_in_channel'")
        market.slack.faults.clear()
        await run_sql(database_url, "UPDATE outbox SET run_at = now()")
        assert await market.answers(general, ts) == ["Late, and whole."]


async def test_a_late_word_of_a_removal_ends_no_newer_installation(database_url: str) -> None:
    """Slack sends events again for hours. Proves: SL-31."""
    async with open_market(database_url, ScriptedModel()) as market:
        team = await market.add_team("Acme")
        await run_sql(database_url, "UPDATE slack_installations SET installed_at = now() + interval '1 minute'")
        market.slack.uninstall(team)
        assert await market.goes_on()


async def test_a_shared_conversation_stays_with_the_installation_that_saw_it_first(database_url: str) -> None:
    """Slack names now one company's installation, now the other's; a thread is one session. Proves: SL-32."""
    model = ScriptedModel()
    model.add(says("Hello Ann."), says("Hello Bob."))
    async with open_market(database_url, model) as market:
        acme, bolt = await market.add_team("Acme"), await market.add_team("Bolt")
        ann, bob = acme.add_user("Ann"), bolt.add_user("Bob")
        shared = acme.add_channel("shared", members=[ann, bob, bolt.bot], shared_with=[bolt])
        ts = await market.slack.say(ann, shared, "<@BOT> hi")
        assert await market.answers(shared, ts) == ["Hello Ann."]
        shared.team_id, shared.shared_with = bolt.team_id, [acme.team_id]  # so Slack names the other one now
        await market.slack.say(bob, shared, f"<@{bolt.bot.user_id}> hi too", thread_ts=ts)
        assert await market.answers(shared, ts, 2) == ["Hello Ann.", "Hello Bob."]
        sessions = await market.core.gateway.service.list_sessions(None, 5)
        assert [session.session_id for session in sessions] == [f"slack:{acme.team_id}:{shared.channel_id}:{ts}"]
        people = await run_sql(database_url, "SELECT tenant, external_id FROM identities ORDER BY external_id")
        assert {row["tenant"] for row in people} == {acme.team_id}
        assert {row["external_id"] for row in people} == {
            f"{acme.team_id}:{ann.user_id}",
            f"{bolt.team_id}:{bob.user_id}",
        }


async def until(url: str, sql: str) -> None:
    """Until a statement finds something."""
    async with asyncio.timeout(10):
        while not await run_sql(url, sql):  # noqa: ASYNC110  the database tells nobody
            await asyncio.sleep(0.02)
