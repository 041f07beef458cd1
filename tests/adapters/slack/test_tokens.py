"""Tokens: sealed at rest, renewed by one process at a time, and never a reason to lose a call."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from adapters.slack.client import SlackWebApi, open_client
from adapters.slack.errors import LimitedError, RefusedError, UnknownError
from adapters.slack.tokens import KNOWN_S, InstalledTokens
from adapters.slack_fake.fake import FakeSlack
from adapters.slack_fake.team import Workspace
from agent.errors import StoreUnavailableError
from agent.records import JsonObject
from memory.database import Database
from memory.errors import SealError
from memory.sealing import Sealer
from memory.slack_installations import SlackInstallations, list_installations
from memory.slack_limits import SlackLimits

OLD, NEW = "an old key 0123456789", "a new key 9876543210"
TOKENS: JsonObject = {"bot_token": "xoxb-1", "refresh_token": "r-1"}


class Renewals:
    """Slack, as far as it renews tokens. It answers once `may_answer` is set."""

    def __init__(self, *, is_away: bool = False) -> None:
        self.asked: list[str] = []
        self.is_away = is_away
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.was_asked = asyncio.Event()

    async def renew(self, refresh_token: str) -> JsonObject:
        """New tokens."""
        self.asked.append(refresh_token)
        self.was_asked.set()
        await self.may_answer.wait()
        if self.is_away:
            raise UnknownError("oauth.v2.access")
        return {
            "token_type": "bot",
            "access_token": "xoxb-2",
            "refresh_token": "r-2",
            "expires_in": 43_200,
            "team": {"id": "T1"},
        }


class Forgetful(SlackInstallations):
    """While `is_away` it takes no renewed tokens."""

    is_away = True

    async def end_refresh(
        self, installation: str, version: int, tokens: JsonObject, expires_in_s: float | None
    ) -> bool:
        """As ever, or not at all."""
        if self.is_away:
            raise StoreUnavailableError("away")
        return await super().end_refresh(installation, version, tokens, expires_in_s)


@dataclass
class Calls:
    """A workspace that is called with the token that is kept for it, and what operators were told of the token."""

    slack: FakeSlack
    team: Workspace
    store: SlackInstallations
    api: SlackWebApi
    told: list[str | None] = field(default_factory=list)

    async def keep(self, token: str) -> None:
        """Another process keeps this token from now on."""
        await self.store.save(self.team.team_id, {"bot_token": token}, {}, None)

    async def call(self) -> JsonObject:
        """A call that needs a token and nothing else."""
        return await self.api.call(self.team.team_id, "auth.test", {})


@pytest.fixture
async def calls(database: Database) -> AsyncIterator[Calls]:
    """The workspace's true token is kept."""
    async with FakeSlack() as slack, open_client(slack.api_url) as (client, session):
        store, told = SlackInstallations(database, Sealer([OLD])), list[str | None]()
        tokens = InstalledTokens(store, Renewals().renew)
        api = SlackWebApi(client, session, tokens, SlackLimits(database), lambda _, code: told.append(code))
        calls = Calls(slack, slack.add_team(), store, api, told)
        await calls.keep(calls.team.bot_token)
        yield calls


async def install(database: Database, expires_in_s: float | None) -> SlackInstallations:
    """One installation."""
    store = SlackInstallations(database, Sealer([OLD]))
    await store.save("T1", TOKENS, {"name": "Acme"}, expires_in_s)
    return store


def test_a_sealed_record_opens_with_any_of_the_keys_and_under_its_own_name_only() -> None:
    """Keys are replaced; rows must not be swapped. Proves: SL-28."""
    sealed = Sealer([OLD]).seal(TOKENS, "T1")
    assert b"xoxb" not in sealed
    assert Sealer([NEW, OLD]).open(sealed, "T1") == TOKENS
    for sealer, value, label in (
        (Sealer([NEW]), sealed, "T1"),
        (Sealer([OLD]), sealed, "T2"),
        (Sealer([OLD]), sealed[:-1] + bytes([sealed[-1] ^ 1]), "T1"),
    ):
        with pytest.raises(SealError):
            sealer.open(value, label)


async def test_a_token_that_no_key_opens_is_as_good_as_none(database: Database) -> None:
    """The owner lost the key: the workspace has to install the app again. Proves: SL-28."""
    await install(database, None)
    tokens = InstalledTokens(SlackInstallations(database, Sealer([NEW])), Renewals().renew)
    with pytest.raises(RefusedError, match="not_installed"):
        await tokens.find("T1")


async def test_many_calls_at_once_renew_a_token_once(database: Database) -> None:
    """A refresh token works once: the second to use it would lose the workspace. Proves: SL-30."""
    store, slack = await install(database, 60.0), Renewals()
    processes = [InstalledTokens(store, slack.renew) for _ in range(4)]
    found = await asyncio.gather(*(process.find("T1") for process in processes * 5))
    assert slack.asked == ["r-1"]
    assert set(found) <= {"xoxb-1", "xoxb-2"}
    assert await InstalledTokens(store, slack.renew).find("T1") == "xoxb-2"


async def test_a_token_that_is_good_for_a_while_is_used_while_it_cannot_be_renewed(database: Database) -> None:
    """Slack being away is no reason to be silent. Proves: SL-30."""
    store, slack = await install(database, 60.0), Renewals(is_away=True)
    assert await InstalledTokens(store, slack.renew).find("T1") == "xoxb-1"
    slack.is_away = False
    assert await InstalledTokens(store, slack.renew).find("T1") == "xoxb-2"


async def test_a_token_that_has_ended_is_waited_for(database: Database) -> None:
    """Whoever calls comes again in a moment, and nothing is given up. Proves: SL-30."""
    store, slack = await install(database, -1.0), Renewals()
    slack.may_answer.clear()
    first = asyncio.create_task(InstalledTokens(store, slack.renew).find("T1"))
    async with asyncio.timeout(5):
        await slack.was_asked.wait()
    with pytest.raises(LimitedError):
        await InstalledTokens(store, slack.renew).find("T1")
    slack.may_answer.set()
    assert await first == "xoxb-2"


async def test_a_renewed_token_is_kept_though_whoever_wanted_it_went_away(database: Database) -> None:
    """Slack gives it once; a command that took too long must not cost a workspace its installation. Proves: SL-30."""
    store, slack = await install(database, 60.0), Renewals()
    slack.may_answer.clear()
    tokens = InstalledTokens(store, slack.renew)
    first = asyncio.create_task(tokens.find("T1"))
    async with asyncio.timeout(5):
        await slack.was_asked.wait()
        first.cancel()
        await asyncio.wait([first])
        slack.may_answer.set()
        await tokens.close()
    assert (await InstalledTokens(store, slack.renew).find("T1"), slack.asked) == ("xoxb-2", ["r-1"])


async def test_a_renewed_token_that_the_store_did_not_take_is_used_and_kept_later(database: Database) -> None:
    """The refresh token is used up: what it gave is the only way back in. Proves: SL-30."""
    await install(database, 60.0)
    store, slack, now_s = Forgetful(database, Sealer([OLD])), Renewals(), [0.0]
    tokens = InstalledTokens(store, slack.renew, lambda: now_s[0])
    assert await tokens.find("T1") == "xoxb-2"
    now_s[0] += KNOWN_S
    assert (await tokens.find("T1"), slack.asked) == ("xoxb-2", ["r-1"])
    store.is_away = False
    async with asyncio.timeout(5):
        await tokens.close()
    assert (await InstalledTokens(store, slack.renew).find("T1"), slack.asked) == ("xoxb-2", ["r-1"])


async def test_a_renewal_never_brings_back_an_app_that_was_removed_meanwhile(database: Database) -> None:
    """Removed is removed. Proves: SL-31."""
    store = await install(database, 60.0)
    assert await store.begin_refresh("T1", 1)
    assert not await store.end("T1", 0, 4e9, "of other tokens")
    assert await store.end("T1", 1, 4e9, "app_uninstalled")
    assert not await store.end_refresh("T1", 1, TOKENS, 60.0)
    (seen,) = await list_installations(database, Sealer([NEW]))
    assert (seen.ended_by, seen.about) == ("app_uninstalled", {"name": "Acme"})
    with pytest.raises(RefusedError):
        await InstalledTokens(store, Renewals().renew).find("T1")


async def test_a_token_that_another_process_replaced_is_refused_once_and_the_call_goes_through(calls: Calls) -> None:
    """The app was installed anew elsewhere: nobody waits for a memory of ours to fade. Proves: SL-31."""
    await calls.keep("xoxb-old")
    with pytest.raises(RefusedError, match="invalid_auth"):
        await calls.call()
    await calls.keep("xoxb-older")
    with pytest.raises(RefusedError):
        await calls.call()
    await calls.keep(calls.team.bot_token)
    assert (await calls.call())["ok"] is True
    assert calls.told == ["invalid_auth", None]


async def test_a_call_that_was_on_its_way_when_the_token_was_refused_does_not_clear_it(calls: Calls) -> None:
    """Operators are not told that all is well by an answer from before. Proves: SL-31."""
    calls.slack.faults.delay("auth.test", 0.3, times=1)
    before = asyncio.create_task(calls.call())
    async with asyncio.timeout(5):
        while not calls.slack.api.calls:  # noqa: ASYNC110 - the fake says nothing of a call that it delays
            await asyncio.sleep(0.01)
    calls.api.note_refusal(calls.team.team_id, "app_uninstalled")
    assert (await before)["ok"] is True
    assert calls.told == ["app_uninstalled"]
    await calls.call()
    assert calls.told == ["app_uninstalled", None]
