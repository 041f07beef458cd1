"""A call that waits for a person, while that person is linked, parted or erased, or the thread grows old."""

import pytest

from agent.errors import ApprovalNotYoursError, NotFoundError
from agent.records import Identity
from memory.database import Database
from memory.retention import Expiry
from tests.gateway.test_approvals import APPROVED, Shop, asked, decide, opened
from tests.support.gateway import run_sql
from tests.support.make import ANN, BOB, SESSION
from tests.support.model_steps import calls, says
from tests.support.scripted_model import ScriptedModel

COUNT = "SELECT count(*) FROM approvals"


def account_of(name: str, channel: str) -> Identity:
    """An account on a channel."""
    return Identity(tenant="t", channel=channel, external_id=name)


async def test_whoever_the_person_has_become_decides_and_gives_it_back_when_parted(database_url: str) -> None:
    """Who asks as a visitor and then signs in is still the one who asked. Proves: AG-8, ID-3."""
    shop, model = Shop(), ScriptedModel()
    model.add(calls(("refund", {"order": 1}), ("refund", {"order": 2})))
    model.add(says("One is paid."), says("Both are paid."))
    async with opened(database_url, model, shop) as core:
        service, people = core.gateway.service, core.gateway.people
        ann = await service.ensure_user(account_of("ann", "slack"), ANN)
        bob = await service.ensure_user(account_of("bob", "id"), BOB)
        await core.ask("pay both back", user=ann)
        first, second = await asked(core)
        code = await people.issue_code(bob.id)
        await people.redeem_link_code(ann, account_of("ann", "slack"), code.code)
        assert await people.require(ann.id) == bob.id
        assert {one.user_id for one in await service.list_approvals(SESSION)} == {bob.id}
        with pytest.raises(ApprovalNotYoursError):
            await service.decide(ann, SESSION, first.approval_id, APPROVED)
        assert (await decide(core, first, APPROVED, bob)).text == "One is paid."
        [account] = [one for one in await people.list_accounts(bob.id) if one.channel == "slack"]
        assert await people.unlink(bob.id, account.identity_id) == ann.id
        with pytest.raises(ApprovalNotYoursError):
            await service.decide(bob, SESSION, second.approval_id, APPROVED)
        assert (await decide(core, second, APPROVED, ann)).text == "Both are paid."
        assert len(shop.done) == 2


async def test_nothing_waits_for_somebody_who_was_erased(database_url: str) -> None:
    """Nor is anything told to a model about it when the time is over. Proves: AG-9, UM-16."""
    shop, model = Shop(), ScriptedModel()
    model.add(calls(("refund", {"order": 17})))
    async with opened(database_url, model, shop) as core:
        await core.ask("pay 17 back")
        [ask] = await asked(core)
        report = await core.gateway.people.erase(ANN.id)
        assert (report.erased["approvals"], report.left["approvals"]) == (1, 0)
        assert await asked(core) == []
        with pytest.raises(NotFoundError):
            await core.gateway.service.decide(ANN, SESSION, ask.approval_id, APPROVED)
        assert (await run_sql(database_url, COUNT))[0][0] == 0


async def test_an_old_thread_stays_while_a_call_waits_in_it_and_goes_with_its_approvals(
    database_url: str, database: Database
) -> None:
    """What somebody may still decide about must be there, and nothing of it afterwards. Proves: AG-9."""
    shop, model = Shop(), ScriptedModel()
    model.add(calls(("refund", {"order": 17})))
    async with opened(database_url, model, shop) as core:
        status = await core.ask("pay 17 back")
        await run_sql(database_url, "DELETE FROM jobs")
        await run_sql(database_url, "UPDATE sessions SET updated_at = now() - interval '9 days'")
        assert await Expiry(database).expire_sessions(7, 10) == 0
        assert await core.gateway.service.stop_run(SESSION, status.run_id)
        assert await Expiry(database).expire_sessions(7, 10) == 1
        assert (await run_sql(database_url, COUNT))[0][0] == 0
