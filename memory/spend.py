"""The ledger of what the model costs. Every step is one statement over all accounts at once."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import NewType

import asyncpg

from agent.budgets import Amount, Cap, Payer, Spent
from agent.errors import BudgetHeldError, BudgetSpentError
from agent.ids import SessionId, UserId, WorkerId
from memory.database import Database
from memory.queries import query

ReservationId = NewType("ReservationId", str)

_SPENT, _HELD = "PB001", "PB002"
DEAD_AFTER_S = 10.0
"""A process is in the register before it calls a model; one that is not is gone, or was taken for dead."""
LONGEST_CALL_S = 3_600.0
KEEP_DAYS = 40
PRECISION = Decimal("0.000000001")


class Ledger:
    """The accounts, for one worker. Every method raises `StoreUnavailableError`."""

    def __init__(self, database: Database, worker_id: WorkerId) -> None:
        self._database = database
        self._worker_id = worker_id

    async def reserve(self, scopes: Mapping[str, Cap], most: Amount) -> ReservationId:
        """Hold the most that a call may cost, on all accounts or on none.

        Raises `BudgetSpentError` where a cap is reached, and `BudgetHeldError` where only calls that go on reach it.
        """
        reservation_id = ReservationId(f"rsv_{secrets.token_hex(16)}")
        capped = {scope: cap for scope, cap in scopes.items() if not cap.is_open}
        try:
            await self._database.execute(
                query("reserve_spending"),
                reservation_id,
                self._worker_id,
                list(capped),
                [cap.usd for cap in capped.values()],
                [cap.tokens for cap in capped.values()],
                most.usd.quantize(PRECISION),
                most.tokens,
                list(scopes),
            )
        except asyncpg.PostgresError as error:
            kind = _kind_of(str(error))
            if error.sqlstate == _SPENT:
                raise BudgetSpentError(kind) from None
            if error.sqlstate == _HELD:
                raise BudgetHeldError(kind) from None
            raise
        return reservation_id

    async def settle(self, reservation_id: ReservationId, cost: Amount) -> None:
        """The call is over. Harmless when it was settled before."""
        await self._database.execute(
            query("settle_spending"), reservation_id, cost.usd.quantize(PRECISION), cost.tokens
        )

    async def record(self, scopes: Sequence[str], cost: Amount) -> None:
        """A call is over for which nothing was held."""
        await self._database.execute(query("record_spending"), scopes, cost.usd.quantize(PRECISION), cost.tokens)

    async def charge_lost(self, *, dead_after_s: float = DEAD_AFTER_S, after_s: float = LONGEST_CALL_S) -> int:
        """Settle the calls of processes that are gone, at the most that they may have cost. How many there were."""
        row = await self._database.fetchrow(query("charge_lost_spending"), dead_after_s, after_s)
        return row[0] if row else 0

    async def delete_old(self, days: int = KEEP_DAYS) -> None:
        """Forget what single people and conversations cost longer ago than that."""
        await self._database.execute(query("delete_old_spending"), days)

    async def list_spent(self, day: date | None, prefix: str, limit: int) -> list[Spent]:
        """The accounts whose name begins like that, those that cost most first. No day: today."""
        return [Spent(**row) for row in await self._database.fetch(query("list_spending"), day, prefix, limit)]

    async def find_payer(self, user_id: UserId | None, session_id: SessionId | None) -> Payer:
        """On whose account what is done for a person in a session goes."""
        row = await self._database.fetchrow(query("load_payer"), session_id, user_id)
        assert row is not None, "the statement always gives one row"
        return Payer(
            user_id=user_id,
            is_visitor=bool(row["is_visitor"]),
            session_id=session_id,
            channel=row["channel"],
        )


def _kind_of(scope: str) -> str:
    """What kind of account it is; whose, is nobody's business in a log."""
    return scope.partition(":")[0]
