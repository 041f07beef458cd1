"""Tools that need the approval of the person who asked: nothing runs before, and exactly once after."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from agent.approvals import EXPIRED, HIDDEN, NOBODY_ASKED, REFUSED
from agent.asks import AWAITED, ApprovalState, Ask, Decision
from agent.calling import OUTCOME_UNKNOWN
from agent.errors import ApprovalClosedError, ApprovalNotYoursError, NotFoundError
from agent.ids import ApprovalId, SessionId
from agent.records import Message, RunState
from agent.tasks import TaskState
from agent.tools import build_tool
from gateway.approvals import ApprovalDesk
from memory.approvals import Approvals
from memory.database import Database
from tests.support.gateway import Core, build_agent, configure, open_core, run_sql
from tests.support.make import ANN, BOB, SESSION
from tests.support.model_steps import Step, calls, hangs, prompt_text, says
from tests.support.scripted_model import ScriptedModel, build_scripted_claude

APPROVED: Decision = "approved"
REFUSES: Decision = "refused"
OVERDUE = "UPDATE approvals SET expires_at = now() - interval '1 second'"


class Shop:
    """A tool that needs approval and one that does not, and what they did."""

    def __init__(self, *, hangs: bool = False) -> None:
        self.done: list[str] = []
        self.began = asyncio.Event()
        self._hangs = hangs

    async def refund(self, order: int, token: str = "") -> str:
        """Pay an order back."""
        self.done.append(f"refund {order}")
        self.began.set()
        if self._hangs:
            await asyncio.Event().wait()
        return f"paid {order}"

    async def look(self) -> str:
        """Look at something."""
        self.done.append("look")
        return "seen"

    def configure(self, **more: Any) -> Any:
        """A gateway whose agent has both."""
        refund = build_tool(self.refund, title="Refund", needs_approval=True)
        return configure(build_agent(refund, build_tool(self.look), **more))


@asynccontextmanager
async def opened(url: str, model: ScriptedModel, shop: Shop, **more: Any) -> AsyncIterator[Core]:
    """A gateway with the shop's tools."""
    async with open_core(url, model, shop.configure(**more)) as core:
        yield core


@asynccontextmanager
async def refund_asked(url: str, shop: Shop, model: ScriptedModel, *answers: Step) -> AsyncIterator[tuple[Core, Ask]]:
    """A gateway in which Ann asked for a refund, and the question whether it may be made; then the model answers so."""
    model.add(calls(("refund", {"order": 17})), *answers)
    async with opened(url, model, shop) as core:
        await core.ask("pay 17 back")
        [ask] = await asked(core)
        yield core, ask


async def asked(core: Core, session_id: SessionId = SESSION) -> list[Ask]:
    """What waits in the session."""
    log = await core.log(session_id)
    return [ask for entry in log if isinstance(entry, Message) for ask in entry.asks]


async def decide(core: Core, ask: Ask, decision: Decision = APPROVED, user: Any = ANN) -> Any:
    """The decision, and its run once that is over."""
    return await core.end_of(await core.gateway.service.decide(user, SESSION, ask.approval_id, decision))


async def test_a_call_that_needs_approval_runs_once_when_the_person_who_asked_approves_it(database_url: str) -> None:
    """The model may be talked into anything: money moves when the person says so. Proves: AG-7."""
    shop, model = Shop(), ScriptedModel()
    model.add(calls(("refund", {"order": 17, "token": "s3cr3t-value"}), text="I will pay it back."))
    model.add(says("Done, it is paid."))
    async with opened(database_url, model, shop) as core:
        status = await core.ask("pay 17 back")
        assert status.state is TaskState.DONE
        assert status.text is not None
        assert "I will pay it back.\n\n**Refund** waits for the approval of Ann." in status.text
        assert "order: 17" in status.text
        assert f"token: {HIDDEN}" in status.text, "a secret is nobody's business in the thread"
        assert shop.done == []
        [ask] = await asked(core)
        assert (ask.title, ask.user_id) == ("Refund", ANN.id)
        status = await decide(core, ask)
        assert (status.text, shop.done) == ("Done, it is paid.", ["refund 17"])
        assert (await core.talk())[-2:] == ["Ann: Approved: Refund", "Assistant: Done, it is paid."]
        assert await asked(core) == [], "what is decided is not asked any more"
        states = await core.states(status.run_id)
        assert states == [RunState.THINKING, RunState.TOOL, RunState.DONE]
    assert AWAITED in prompt_text(model.requests[-1])
    assert "paid 17" in prompt_text(model.requests[-1])


async def test_a_refused_call_is_not_made_and_the_model_is_told(database_url: str) -> None:
    """No means no; the agent goes on with what it can do. Proves: AG-7."""
    shop, model = Shop(), ScriptedModel()
    async with refund_asked(database_url, shop, model, says("Then I leave it.")) as (core, ask):
        status = await decide(core, ask, REFUSES)
        assert (status.text, shop.done) == ("Then I leave it.", [])
        assert "Ann: Refused: Refund" in await core.talk()
    assert REFUSED in prompt_text(model.requests[-1])


async def test_nobody_but_the_person_who_asked_decides_and_only_once(database_url: str) -> None:
    """A click of somebody else in a shared thread changes nothing. Proves: AG-8."""
    shop, model = Shop(), ScriptedModel()
    async with refund_asked(database_url, shop, model, says("Paid.")) as (core, ask):
        service = core.gateway.service
        with pytest.raises(ApprovalNotYoursError, match="Only Ann"):
            await service.decide(BOB, SESSION, ask.approval_id, APPROVED)
        with pytest.raises(NotFoundError):
            await service.decide(ANN, SESSION, ApprovalId("appr_other"), APPROVED)
        with pytest.raises(NotFoundError):
            await service.decide(ANN, SessionId("web:demo:other"), ask.approval_id, APPROVED)
        assert [one.state for one in await service.list_approvals(SESSION)] == [ApprovalState.WAITING]
        clicks = [service.decide(ANN, SESSION, ask.approval_id, APPROVED) for _ in range(5)]
        accepted = await asyncio.gather(*clicks)
        assert len({one.task_id for one in accepted}) == 1
        assert (await core.end_of(accepted[0])).text == "Paid."
        with pytest.raises(ApprovalClosedError, match="approved before"):
            await service.decide(ANN, SESSION, ask.approval_id, REFUSES)
        assert shop.done == ["refund 17"]


async def test_of_an_approval_and_a_refusal_at_the_same_time_one_counts(database_url: str) -> None:
    """Two windows of the same person: whatever comes first is the decision, and the other hears so. Proves: AG-8."""
    shop, model = Shop(), ScriptedModel()
    async with refund_asked(database_url, shop, model, says("All right.")) as (core, ask):
        decide = core.gateway.service.decide
        both = (decide(ANN, SESSION, ask.approval_id, APPROVED), decide(ANN, SESSION, ask.approval_id, REFUSES))
        first, second = await asyncio.gather(*both, return_exceptions=True)
        lost = [one for one in (first, second) if isinstance(one, BaseException)]
        assert [type(one) for one in lost] == [ApprovalClosedError]
        [won] = [one for one in (first, second) if not isinstance(one, BaseException)]
        await core.end_of(won)
        assert shop.done == (["refund 17"] if won is first else [])


async def test_what_is_not_approved_in_time_is_told_to_the_model(database_url: str) -> None:
    """A question is not open for ever, and the thread says how it ended. Proves: AG-9."""
    shop, model = Shop(), ScriptedModel()
    async with refund_asked(database_url, shop, model, says("It was not approved in time.")) as (core, ask):
        await run_sql(database_url, OVERDUE)
        await core.wait_for_note(RunState.THINKING, run_id=None)
        async with asyncio.timeout(10), core.gateway.service.follow(SESSION, 0) as events:
            async for event in events:
                if isinstance(event, Message) and event.text == "It was not approved in time.":
                    break
        with pytest.raises(ApprovalClosedError, match="not approved in time"):
            await core.gateway.service.decide(ANN, SESSION, ask.approval_id, APPROVED)
        assert "Parley: Not in time: Refund" in await core.talk()
        assert shop.done == []
    assert EXPIRED in prompt_text(model.requests[-1])


async def test_an_approval_given_just_as_its_time_runs_out_counts_and_disturbs_nothing(
    database_url: str, database: Database
) -> None:
    """Whoever commits first has decided; the look for what is overdue goes on with the next. Proves: AG-8."""
    shop, model = Shop(), ScriptedModel()
    async with refund_asked(database_url, shop, model, says("Paid.")) as (core, ask):
        decided: list[Any] = []

        class Late(Approvals):
            async def list_due(self, limit: int) -> list[tuple[SessionId, ApprovalId]]:
                return [(SESSION, ask.approval_id)]

            async def load(self, session_id: SessionId, approval_id: ApprovalId) -> Any:
                found = await super().load(session_id, approval_id)
                decided.append(await core.gateway.service.decide(ANN, session_id, approval_id, APPROVED))
                return found

        await ApprovalDesk(Late(database), core.gateway.dispatcher.accept, {}).expire()
        assert (await core.end_of(decided[0])).text == "Paid."
        assert shop.done == ["refund 17"]


async def test_the_thread_goes_on_while_a_call_waits(database_url: str) -> None:
    """A question that nobody answers must not silence a shared thread. Proves: AG-9."""
    shop, model = Shop(), ScriptedModel()
    model.add(calls(("refund", {"order": 17})))
    model.add(says("Hello Bob."))
    model.add(says("Paid."))
    async with opened(database_url, model, shop) as core:
        await core.ask("pay 17 back")
        [ask] = await asked(core)
        assert (await core.ask("hello", user=BOB)).text == "Hello Bob."
        leases = await run_sql(database_url, "SELECT owner, queued FROM session_leases")
        assert [(row["owner"], row["queued"]) for row in leases] == [(None, 0)], "a call that waits holds no worker"
        assert (await decide(core, ask)).text == "Paid."
        assert shop.done == ["refund 17"]


async def test_calls_side_by_side_run_or_wait_each_for_itself(database_url: str) -> None:
    """What needs no approval runs at once; each of the others has its own question. Proves: AG-7."""
    shop, model = Shop(), ScriptedModel()
    model.add(calls(("look", {}), ("refund", {"order": 1}), ("refund", {"order": 2}), ("refund", {"order": "x"})))
    model.add(says("One is paid."))
    model.add(says("The other is not."))
    async with opened(database_url, model, shop) as core:
        status = await core.ask("pay both back")
        assert shop.done == ["look"]
        first, second = await asked(core)
        assert status.text is not None
        assert status.text.count("waits for the approval") == 2, "a call that cannot be made is no question"
        assert (await decide(core, first)).text == "One is paid."
        assert (await decide(core, second, REFUSES)).text == "The other is not."
        [(approved, _), *_] = [
            (one.arguments, one)
            for one in await core.gateway.service.list_approvals(SESSION)
            if one.state is ApprovalState.APPROVED
        ]
        assert shop.done == ["look", f"refund {approved['order']}"]


async def test_decisions_that_come_while_another_run_is_on_are_made_together(database_url: str) -> None:
    """What a person says meanwhile is one turn, and so are their decisions: each call is made once. Proves: AG-7."""
    shop, model = Shop(), ScriptedModel()
    held = asyncio.Event()
    model.add(calls(("refund", {"order": 1}), ("refund", {"order": 2})))
    model.add(hangs(held, says("Hello Bob.")))
    model.add(says("Both are paid."))
    async with opened(database_url, model, shop) as core:
        await core.ask("pay both back")
        first, second = await asked(core)
        bob = await core.say("hello", user=BOB)
        await model.held.wait()
        decisions = [
            await core.gateway.service.decide(ANN, SESSION, one.approval_id, APPROVED) for one in (first, second)
        ]
        assert shop.done == []
        held.set()
        await core.end_of(bob)
        assert [(await core.end_of(one)).text for one in decisions] == ["Both are paid."] * 2
        assert sorted(shop.done) == ["refund 1", "refund 2"]


async def test_a_question_and_its_answer_survive_the_process(database_url: str) -> None:
    """People take a day to decide, and gateways are replaced meanwhile. Proves: AG-9, RE-5."""
    shop, model = Shop(), ScriptedModel()
    model.add(calls(("refund", {"order": 17})))
    claude = build_scripted_claude(model)
    async with open_core(database_url, claude, shop.configure()) as core:
        await core.ask("pay 17 back")
    await claude.aclose()
    model.add(says("Paid."))
    async with opened(database_url, model, shop) as core:
        [ask] = await asked(core)
        assert (await decide(core, ask)).text == "Paid."
        assert shop.done == ["refund 17"]


async def test_an_approved_call_that_a_crash_cut_off_is_not_made_again(database_url: str) -> None:
    """Approved once is done at most once. Proves: AG-9, RE-5."""
    shop, model = Shop(hangs=True), ScriptedModel()
    model.add(calls(("refund", {"order": 17})))
    claude = build_scripted_claude(model)
    async with open_core(database_url, claude, shop.configure()) as core:
        await core.ask("pay 17 back")
        [ask] = await asked(core)
        accepted = await core.gateway.service.decide(ANN, SESSION, ask.approval_id, APPROVED)
        async with asyncio.timeout(5):
            await shop.began.wait()
    await claude.aclose()
    model.add(says("I do not know whether it is paid."))
    async with opened(database_url, model, shop) as core:
        assert (await core.end_of(accepted)).text == "I do not know whether it is paid."
        assert shop.done == ["refund 17"]
    assert OUTCOME_UNKNOWN in prompt_text(model.requests[-1])


async def test_a_question_that_was_not_stored_in_time_is_asked_by_the_next_attempt(database_url: str) -> None:
    """A process that dies between the model's call and the question has run nothing, and asks after all.

    Proves: AG-9, RE-5.
    """
    shop, model = Shop(), ScriptedModel()
    model.add(calls(("refund", {"order": 17})))
    model.add(says("Paid."))
    async with opened(database_url, model, shop) as core:
        tasks = core.gateway.dispatcher._tasks
        finish, attempts = tasks.finish, []

        async def fail_once(*args: Any, **more: Any) -> Any:
            attempts.append(1)
            if len(attempts) == 1:
                raise RuntimeError("the process died here")
            return await finish(*args, **more)

        tasks.finish = fail_once  # type: ignore[method-assign]
        await core.ask("pay 17 back")
        assert len(model.requests) == 1, "the first model call is not paid twice"
        [ask] = await asked(core)
        assert (await decide(core, ask)).text == "Paid."
        assert shop.done == ["refund 17"]


async def test_a_run_that_waits_for_approval_can_be_stopped(database_url: str) -> None:
    """Stop means stop, also for what has not begun. Proves: AG-9."""
    shop, model = Shop(), ScriptedModel()
    model.add(calls(("refund", {"order": 17})))
    async with opened(database_url, model, shop) as core:
        status = await core.ask("pay 17 back")
        [ask] = await asked(core)
        assert await core.gateway.service.stop_run(SESSION, status.run_id)
        assert not await core.gateway.service.stop_run(SESSION, status.run_id)
        assert await asked(core) == []
        with pytest.raises(ApprovalClosedError, match="stopped"):
            await core.gateway.service.decide(ANN, SESSION, ask.approval_id, APPROVED)
        assert shop.done == []


async def test_where_nobody_in_particular_asks_a_tool_that_needs_approval_is_not_run(database_url: str) -> None:
    """There is nobody who could say yes. Proves: AG-8."""
    shop, model = Shop(), ScriptedModel(session_of=lambda _: "one")
    model.add(calls(("refund", {"order": 17})))
    model.add(says("I cannot do that here."))
    async with opened(database_url, model, shop) as core:
        assert (await core.ask("pay 17 back", user=None)).text == "I cannot do that here."
        assert (await asked(core), shop.done) == ([], [])
    assert NOBODY_ASKED in prompt_text(model.requests[-1])


async def test_while_a_person_of_the_team_answers_nothing_is_approved(database_url: str) -> None:
    """The agent is silent then, so that nobody would hear what became of the call. Proves: AG-8."""
    shop, model = Shop(), ScriptedModel()
    async with refund_asked(database_url, shop, model, says("Paid.")) as (core, ask):
        await run_sql(database_url, "UPDATE session_leases SET mode = 'human'")
        with pytest.raises(ApprovalClosedError, match="person of the team"):
            await core.gateway.service.decide(ANN, SESSION, ask.approval_id, APPROVED)
        await run_sql(database_url, "UPDATE session_leases SET mode = 'agent'")
        assert (await decide(core, ask)).text == "Paid."
        assert shop.done == ["refund 17"]
