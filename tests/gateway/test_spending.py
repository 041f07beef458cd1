"""Budgets as people meet them: a friendly sentence, and no call that is not paid."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace
from decimal import Decimal

import pytest

from agent.budgets import Amount, Budgets, Cap, Payer
from agent.errors import BudgetHeldError, BudgetSpentError, ModelError, ModelUnavailableError, StoreUnavailableError
from agent.ids import SessionId, UserId, WorkerId
from agent.ports import ModelReply, ModelRequest
from agent.pricing import Prices, build_prices, price_of
from agent.records import JsonObject, JsonValue, Message, Usage
from agent.tasks import TaskState
from gateway.extractor import ATTEMPTS, Extractor
from gateway.model_faults import fault_of_status
from gateway.reading_desk import ReadingDesk
from gateway.spending import Spending
from memory.context import Sessions
from memory.database import Database
from memory.jobs import Jobs
from memory.memories import Memories
from memory.spend import Ledger
from tests.support.gateway import build_agent, configure, open_core, run_sql
from tests.support.model_calls import ask
from tests.support.model_steps import says
from tests.support.scripted_model import ScriptedModel

CALL_USD = Decimal("0.01")
BILL = Usage(input_tokens=10, output_tokens=10, cost_usd=CALL_USD)
PRICES: Prices = build_prices({"cheap": price_of("0", "10")})


class CheapModel:
    """A model that takes a moment and a cent, and counts. With a fault it fails, after a word where it `speaks`."""

    def __init__(self, fault: Exception | None = None, *, speaks: bool = True) -> None:
        self.calls = 0
        self.fault = fault
        self.speaks = speaks

    async def stream(self, request: ModelRequest) -> AsyncGenerator[str | ModelReply]:
        """One word."""
        self.calls += 1
        await asyncio.sleep(0)
        if self.speaks:
            yield "hello"
        if self.fault is not None:
            raise self.fault
        yield ModelReply(content=(), stop_reason="end_turn", usage=BILL, model=request.model)

    async def complete_json(self, request: ModelRequest, schema: JsonObject) -> tuple[JsonValue, Usage]:
        """Nothing."""
        self.calls += 1
        if self.fault is not None:
            raise self.fault
        return None, BILL


def build(database: Database, model: CheapModel, **caps: Cap) -> Spending:
    """The till before that model."""
    return Spending(model, Ledger(database, WorkerId("w")), Budgets(**caps), PRICES)  # type: ignore[arg-type]


async def pay(spending: Spending, payer: Payer) -> None:
    """One streamed call to its end."""
    request = ask(model="cheap", max_tokens=2_000)
    async for _ in spending.model_of(payer).stream(request):
        pass


async def test_many_visitors_at_once_cost_no_more_than_the_day_allows_and_one_call(database: Database) -> None:
    """A site must not be made to pay without end by visitors who cost nothing to invent. Proves: AG-5."""
    model = CheapModel()
    spending = build(database, model, total=Cap(usd=Decimal("0.5")), visitor=Cap(usd=Decimal("0.1")))

    async def visit(n: int) -> None:
        payer = Payer(user_id=UserId(f"u{n}"), is_visitor=True, session_id=SessionId(f"web:shop:{n}"), channel="widget")
        try:
            await pay(spending, payer)
        except (BudgetSpentError, BudgetHeldError):
            return

    async with asyncio.timeout(30):
        for batch in range(4):
            await asyncio.gather(*(visit(batch * 100 + n) for n in range(100)))
    assert Decimal("0.4") <= model.calls * CALL_USD <= Decimal("0.5") + CALL_USD
    [total] = await Ledger(database, WorkerId("w")).list_spent(None, "total", 10)
    assert (total.spent_usd, total.reserved_usd) == (model.calls * CALL_USD, Decimal(0))


async def test_no_call_is_made_while_the_ledger_is_away(database: Database) -> None:
    """Money that nobody counts is not spent. Proves: AG-5."""
    model = CheapModel()
    spending = build(database, model, total=Cap(usd=Decimal(1)))
    await database.close()
    with pytest.raises(StoreUnavailableError):
        await pay(spending, Payer())
    assert model.calls == 0


REFUSED = fault_of_status(529, "overloaded_error", "busy", {})
BROKEN = ModelUnavailableError("the stream broke")


@pytest.mark.parametrize(
    ("fault", "speaks", "costs"), [(BROKEN, True, True), (BROKEN, False, True), (REFUSED, False, False)]
)
async def test_a_call_that_broke_is_paid_also_before_its_first_words_and_one_that_was_refused_is_not(
    database: Database, fault: ModelError, *, speaks: bool, costs: bool
) -> None:
    """A cut call is billed by the vendor, which has read and thought; an error status is not. Proves: AG-5."""
    spending = build(database, CheapModel(fault, speaks=speaks), total=Cap(usd=Decimal(1)))
    ledger, paid = Ledger(database, WorkerId("w")), [0]
    for call in (pay(spending, Payer()), spending.model_of(Payer()).complete_json(ask(model="cheap"), {})):
        with pytest.raises(ModelUnavailableError):
            await call
        await spending.close()
        [total] = await ledger.list_spent(None, "total", 10)
        assert (total.spent_tokens > paid[-1], total.reserved_tokens) == (costs, 0)
        paid.append(total.spent_tokens)


async def test_a_call_that_its_caller_left_is_paid_by_what_had_been_said(database: Database) -> None:
    """Stop must not be a way to answers that cost nothing. Proves: AG-5."""
    spending = build(database, CheapModel(), total=Cap(usd=Decimal(1)))
    stream = spending.model_of(Payer()).stream(ask(model="cheap"))
    assert await anext(stream) == "hello"
    await stream.aclose()
    await spending.close()
    [total] = await Ledger(database, WorkerId("w")).list_spent(None, "total", 10)
    assert total.spent_tokens > 2
    assert total.reserved_usd == 0


async def test_readings_and_summaries_are_paid_as_well(database: Database) -> None:
    """A budget that half of the calls pass by is none. Proves: AG-5."""
    spending = build(database, CheapModel(), total=Cap(usd=Decimal(1)))
    model = await spending.model_for(UserId("u"), None)
    await model.complete_json(ask(model="cheap"), {})
    rows = await Ledger(database, WorkerId("w")).list_spent(None, "", 10)
    assert {row.scope: row.spent_usd for row in rows} == {"total": CALL_USD, "user:u": CALL_USD}


async def test_a_person_whose_budget_is_spent_reads_one_friendly_sentence_and_it_is_no_dead_letter(
    database_url: str,
) -> None:
    """The thread goes on, and nobody sees an exception's text. Proves: AG-5."""
    model = ScriptedModel()
    model.add(says("Hello Ann."))
    configuration = replace(configure(), budgets=Budgets(user=Cap(tokens=10)))
    async with open_core(database_url, model, configuration) as core:
        await core.ask("hello")
        status = await core.ask("hello again")
        assert (status.state, status.note) == (TaskState.DONE, BudgetSpentError("").sentence)
        [last] = [entry for entry in await core.log() if isinstance(entry, Message)][-1:]
    assert (last.role, last.text) == ("system", BudgetSpentError("").sentence)
    rows = await run_sql(database_url, "SELECT scope, spent_tokens > 10 AS is_spent FROM spend ORDER BY scope")
    scopes = {row["scope"].partition(":")[0]: row["is_spent"] for row in rows}
    assert scopes == dict.fromkeys(["channel", "session", "site", "total", "user"], True)


async def test_words_are_not_left_unread_because_a_budget_was_spent(database: Database, database_url: str) -> None:
    """Tomorrow there is a new budget, and the words are still there. Proves: AG-5."""
    model = ScriptedModel()
    model.add(says("Noted."))
    agent = build_agent(memory_mode="agentic", extract_after_s=3_600.0)
    configuration = replace(configure(agent), budgets=Budgets(total=Cap(tokens=10)))
    async with open_core(database_url, model, configuration) as core:
        await core.ask("I live in Paris")
    jobs, memories, spending = Jobs(database), Memories(database), build(database, CheapModel(), total=Cap(tokens=10))
    desk = ReadingDesk(jobs=jobs, sessions=Sessions(database), spending=spending, agents=configuration.agents)
    extractor = Extractor(desk, memories)
    for _ in range(ATTEMPTS + 2):
        await database.execute("UPDATE jobs SET run_at = now(), locked_until = '-infinity'")
        assert await extractor.work()
    [row] = await run_sql(database_url, "SELECT note FROM jobs WHERE kind = 'extract'")
    assert row["note"] == "BudgetSpentError"


async def test_a_reservation_says_what_it_holds_and_for_whom(database: Database) -> None:
    """What holds money has to be found by its worker."""
    ledger = Ledger(database, WorkerId("w"))
    await ledger.reserve({"total": Cap(usd=Decimal(1))}, Amount(usd=Decimal("0.1"), tokens=3))
    row = await database.fetchrow("SELECT worker_id, scopes, tokens FROM reservations")
    assert row is not None
    assert tuple(row) == ("w", ["total"], 3)


async def test_where_no_cap_applies_a_call_is_written_down_and_nobody_waits_for_it(database: Database) -> None:
    """Operators read what was spent, and people do not wait longer for it. Proves: AG-5."""
    spending = build(database, CheapModel())
    await pay(spending, Payer(user_id=UserId("u")))
    await spending.close()
    [user] = await Ledger(database, WorkerId("w")).list_spent(None, "user:", 10)
    assert (user.spent_usd, user.reserved_usd) == (CALL_USD, Decimal(0))
