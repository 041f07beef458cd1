"""The ledger: every cap holds, whoever asks at the same time, and what dead processes held comes to an end."""

import asyncio
from decimal import Decimal

import pytest

from agent.budgets import Amount, Cap
from agent.errors import BudgetHeldError, BudgetSpentError
from agent.ids import SessionId, UserId, WorkerId
from memory.database import Database
from memory.spend import Ledger

OPEN = Cap()


def usd(amount: str, tokens: int = 0) -> Amount:
    """An amount of money."""
    return Amount(usd=Decimal(amount), tokens=tokens)


@pytest.fixture
async def ledger(database: Database) -> Ledger:
    """The ledger of a worker that lives."""
    await database.execute("INSERT INTO workers (worker_id) VALUES ('w')")
    return Ledger(database, WorkerId("w"))


async def spent(ledger: Ledger, prefix: str = "") -> dict[str, tuple[float, int, float, int]]:
    """Every account: spent and reserved, in dollars and tokens."""
    rows = await ledger.list_spent(None, prefix, 100)
    return {r.scope: (float(r.spent_usd), r.spent_tokens, float(r.reserved_usd), r.reserved_tokens) for r in rows}


async def test_what_is_reserved_is_held_and_what_was_spent_takes_its_place(ledger: Ledger) -> None:
    """Two calls at once must not both count on the same money. Proves: AG-5."""
    scopes = {"total": Cap(usd=Decimal(10)), "user:u": Cap(tokens=100), "session:s": OPEN}
    held = await ledger.reserve(scopes, usd("2", 50))
    assert await spent(ledger) == {"total": (0, 0, 2, 50), "user:u": (0, 0, 2, 50)}
    await ledger.settle(held, usd("0.5", 20))
    await ledger.settle(held, usd("0.5", 20))
    assert await spent(ledger) == {
        "total": (0.5, 20, 0, 0),
        "user:u": (0.5, 20, 0, 0),
        "session:s": (0.5, 20, 0, 0),
    }


async def test_a_cap_that_is_reached_refuses_and_leaves_every_other_account_as_it_was(ledger: Ledger) -> None:
    """All accounts or none: else refused calls would eat up the sites' budget. Proves: AG-5."""
    await ledger.record(["user:u"], usd("1"))
    with pytest.raises(BudgetSpentError, match=r"^user$"):
        await ledger.reserve({"total": Cap(usd=Decimal(10)), "user:u": Cap(usd=Decimal(1))}, usd("2"))
    assert list(await spent(ledger)) == ["user:u"]
    with pytest.raises(BudgetSpentError):
        await ledger.reserve({"user:v": Cap(tokens=0)}, usd("1", 1))


async def test_money_that_others_only_hold_makes_one_wait_and_not_give_up(ledger: Ledger) -> None:
    """What goes on next door may cost less than is held for it. Proves: AG-5."""
    cap = {"user:u": Cap(usd=Decimal(1))}
    held = await ledger.reserve(cap, usd("5"))
    with pytest.raises(BudgetHeldError):
        await ledger.reserve(cap, usd("5"))
    await ledger.settle(held, usd("0.1"))
    await ledger.reserve(cap, usd("5"))


async def test_a_hundred_at_once_get_no_more_than_the_cap_and_one_call(ledger: Ledger) -> None:
    """However many come at the same moment, the sum stays under the cap and one call. Proves: AG-5."""

    async def call(n: int) -> Decimal:
        scopes = {"total": Cap(usd=Decimal(1)), f"visitor:{n}": Cap(usd=Decimal("0.2")), f"session:{n}": OPEN}
        try:
            held = await ledger.reserve(scopes, usd("0.1"))
        except (BudgetSpentError, BudgetHeldError):
            return Decimal(0)
        await asyncio.sleep(0)
        await ledger.settle(held, usd("0.08"))
        return Decimal("0.08")

    async with asyncio.timeout(20):
        costs = await asyncio.gather(*(call(n) for n in range(100)))
    assert sum(costs) <= Decimal("1.1")
    assert (await spent(ledger, "total"))["total"][0] == float(sum(costs))
    assert (await spent(ledger, "total"))["total"][2] == 0


async def test_what_a_dead_process_held_is_charged_once_and_what_a_living_one_holds_is_not(
    ledger: Ledger, database: Database
) -> None:
    """A crash must neither hold money for ever nor call for free. Proves: AG-5."""
    cap = {"total": Cap(usd=Decimal(10))}
    dead = Ledger(database, WorkerId("gone"))
    lost, kept = await dead.reserve(cap, usd("2", 7)), await ledger.reserve(cap, usd("3", 8))
    assert await ledger.charge_lost(dead_after_s=0) == 1
    assert await ledger.charge_lost(dead_after_s=0) == 0
    await dead.settle(lost, usd("9"))
    assert await spent(ledger) == {"total": (2, 7, 3, 8)}
    await ledger.settle(kept, usd("1", 1))
    assert await spent(ledger) == {"total": (3, 8, 0, 0)}


async def test_a_payer_is_a_visitor_while_nothing_but_a_visitors_token_stands_for_them(database: Database) -> None:
    """A visitor who signs in has a person's budget. Proves: AG-5."""
    ledger = Ledger(database, WorkerId("w"))
    async with database.scope(user_id="u") as connection:
        await connection.execute("INSERT INTO identities VALUES ('default', 'visitor', 'u', 'u')")
    async with database.scope(session_id="web:shop:1") as connection:
        await connection.execute(
            "INSERT INTO sessions (session_id, channel, tenant, agent_id, audience)"
            " VALUES ('web:shop:1', 'widget', 'default', 'a', 'private')"
        )
    payer = await ledger.find_payer(UserId("u"), SessionId("web:shop:1"))
    assert (payer.is_visitor, payer.channel, payer.site) == (True, "widget", "shop")
    async with database.scope(user_id="u") as connection:
        await connection.execute("INSERT INTO identities VALUES ('default', 'id', 'customer', 'u')")
    assert not (await ledger.find_payer(UserId("u"), None)).is_visitor
    assert not (await ledger.find_payer(None, None)).is_visitor


async def test_old_days_of_single_people_are_forgotten_and_the_sums_are_kept(
    ledger: Ledger, database: Database
) -> None:
    """A table that grows with every visitor for ever is no ledger."""
    await database.execute(
        "INSERT INTO spend (scope, day) VALUES ('visitor:u', '2020-01-01'), ('total', '2020-01-01'),"
        " ('user:v', now()::date)"
    )
    await ledger.delete_old()
    async with database.connection() as connection:
        kept = [row["scope"] for row in await connection.fetch("SELECT scope FROM spend ORDER BY 1")]
    assert kept == ["total", "user:v"]
