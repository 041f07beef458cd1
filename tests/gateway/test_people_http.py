"""People over HTTP, through the whole gateway: accounts, codes, links and erasure."""

import time
from collections.abc import AsyncIterator
from dataclasses import replace

import httpx2
import pytest

from adapters.api.tokens import ApiToken, Scope
from agent.ids import UserId
from agent.records import Identity, User
from tests.adapters.widget.make import SITE, site_token
from tests.gateway.test_memories_http import bearing
from tests.support.agent_runs import EchoModel
from tests.support.gateway import configure, find_text, open_core

ROOT = ApiToken(name="root", secret="root-secret-0123456789", scopes=frozenset({Scope.OPERATOR}))
CRM = ApiToken(name="crm", secret="crm-secret-0123456789", scopes=frozenset({Scope.MEMORIES, Scope.TASKS}))
USERS = "/api/v1/users"


@pytest.fixture
async def client(database_url: str) -> AsyncIterator[httpx2.AsyncClient]:
    """A gateway that knows Ann of a site and a Slack user; the operator calls."""
    configuration = replace(configure(), sites={SITE.key: SITE}, api_tokens=(ROOT, CRM))
    async with open_core(database_url, EchoModel(), configuration) as core:
        service = core.gateway.service
        await service.ensure_user(
            Identity(tenant=SITE.tenant, channel="id", external_id="ann"), User(id=UserId("usr_ann"), first_name="Ann")
        )
        await service.ensure_user(
            Identity(tenant="T1", channel="slack", external_id="T1:U1"), User(id=UserId("usr_slack"))
        )
        transport = httpx2.ASGITransport(app=core.gateway.app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://parley.test") as client:
            client.headers.update(bearing(ROOT.secret))
            yield client


async def test_a_person_links_by_a_code_and_an_operator_parts_the_accounts_again(client: httpx2.AsyncClient) -> None:
    """The id of either leads to the one person. Proves: ID-3, ID-6."""
    ann = bearing(site_token(time.time()))
    code = await client.post("/api/v1/me/link-codes", headers=ann)
    assert code.status_code == 201
    wrong = await client.post(f"{USERS}/usr_slack/links", json={"code": "AAAAA-AAAAA"})
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (422, "invalid")
    linked = await client.post(f"{USERS}/usr_slack/links", json={"code": code.json()["code"]})
    assert linked.json() == {"user_id": "usr_ann", "merged_from": "usr_slack"}
    mine = (await client.get("/api/v1/me/identities", headers=ann)).json()["identities"]
    theirs = (await client.get(f"{USERS}/usr_slack/identities")).json()
    assert theirs["user_id"] == "usr_ann"
    assert mine == theirs["identities"]
    slack = next(one for one in mine if one["channel"] == "slack")
    assert (slack["origin_id"], slack["proof"]) == ("usr_slack", "code")
    parted = await client.delete(f"{USERS}/usr_ann/identities/{slack['identity_id']}")
    assert parted.json() == {"user_id": "usr_slack"}
    again = await client.delete(f"{USERS}/usr_ann/identities/{slack['identity_id']}")
    assert again.status_code == 404
    own = next(one for one in mine if one["channel"] == "id")
    assert (await client.delete(f"{USERS}/usr_ann/identities/{own['identity_id']}")).status_code == 422


async def test_what_a_person_wrote_with_their_token_goes_back_with_that_account(client: httpx2.AsyncClient) -> None:
    """Added and corrected: it says nothing to the one who stays. Proves: ID-3, UM-10."""
    ann, mine = bearing(site_token(time.time())), "/api/v1/me/memories"
    code = (await client.post(f"{USERS}/usr_slack/link-codes")).json()["code"]
    assert (await client.post(f"{USERS}/usr_ann/links", json={"code": code})).json()["user_id"] == "usr_slack"
    made = (await client.post(mine, json={"memory": "has diabetes"}, headers=ann)).json()
    await client.put(f"{mine}/{made['memory_id']}", json={"memory": "has diabetes type 2"}, headers=ann)
    accounts = (await client.get("/api/v1/me/identities", headers=ann)).json()["identities"]
    own = next(one for one in accounts if one["channel"] == "id")
    await client.delete(f"{USERS}/usr_slack/identities/{own['identity_id']}")
    kept = (await client.get(mine, headers=ann)).json()["memories"]
    assert [memory["memory"] for memory in kept] == ["has diabetes type 2"]
    assert (await client.get(f"{USERS}/usr_slack/memories")).json()["memories"] == []


async def test_who_asks_for_it_is_erased_and_unknown_from_then_on(
    client: httpx2.AsyncClient, database_url: str
) -> None:
    """By the person's own token or by the operator; a program that may read memories may not. Proves: UM-16."""
    crm, ann = bearing(CRM.secret), bearing(site_token(time.time()))
    details = {"id": "ann", "last_name": "Zebrafish"}
    given = await client.post(
        "/api/v1/tasks", json={"prompt": "I like zebrafish", "user_details": details, "wait": True}, headers=crm
    )
    assert given.json()["user_id"] == "usr_ann"
    assert (await client.delete(f"{USERS}/usr_ann", headers=crm)).status_code == 403
    report = (await client.post("/api/v1/me/forget", headers=ann)).json()
    assert report["erased"]["messages"] == 2
    assert not any(report["left"].values())
    assert await find_text(database_url, "zebrafish", "Zebrafish") == set()
    assert await find_text(database_url, "usr_ann") <= {"spend"}
    assert (await client.delete(f"{USERS}/usr_ann")).status_code == 404
    assert (await client.get(f"{USERS}/usr_ann/identities")).status_code == 404
    assert (await client.post("/api/v1/me/forget", headers=ann)).status_code == 401
    back = await client.post("/api/v1/tasks", json={"prompt": "hi", "user_details": {"id": "ann"}}, headers=crm)
    assert back.json()["user_id"] != "usr_ann"
    assert (await client.delete(f"{USERS}/usr_slack")).status_code == 200


async def test_too_many_codes_at_once_are_refused_with_the_time_to_wait(client: httpx2.AsyncClient) -> None:
    """Proves: ID-3."""
    answers = [await client.post(f"{USERS}/usr_ann/link-codes") for _ in range(6)]
    assert [answer.status_code for answer in answers] == [201] * 5 + [429]
    assert 0 < int(answers[-1].headers["retry-after"]) <= 600
    assert (await client.post(f"{USERS}/nobody/link-codes")).status_code == 404
