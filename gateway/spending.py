"""Every call of the model is paid here: the most it may cost is reserved before it, what it did cost is settled after.

One `PaidModel` for each payer stands before the model, so that nobody calls it unpaid: runs, summaries, readings for
facts. While the database is away nothing is reserved, and so nothing is called.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

import structlog

from agent.budgets import (
    Amount,
    Budgets,
    Payer,
    count_tokens,
    estimate_cut,
    estimate_most,
    list_scopes,
)
from agent.errors import BudgetHeldError, BudgetSpentError, ModelError, StoreUnavailableError
from agent.ids import SessionId, UserId
from agent.ports import Model, ModelReply, ModelRequest
from agent.pricing import Prices, find_price
from agent.records import JsonObject, JsonValue, Usage
from gateway import metrics
from memory.spend import Ledger, ReservationId

log = structlog.get_logger(__name__)
KNOWN_PAYERS = 10_000
CHARGE_EVERY_S = 10.0
DELETE_EVERY_S = 3_600.0
SETTLE_S = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A call that goes on: who pays, and what is held for it (none where no cap applies)."""

    scopes: tuple[str, ...]
    reservation_id: ReservationId | None


class Spending:
    """Models by payer, over one model and one ledger."""

    def __init__(self, model: Model, ledger: Ledger, budgets: Budgets, prices: Prices) -> None:
        self.model = model
        self.prices = prices
        self.ledger = ledger
        self._budgets = budgets
        self._payers: OrderedDict[tuple[UserId | None, SessionId | None], Payer] = OrderedDict()
        self._settling: set[asyncio.Task[None]] = set()
        self._charge_at_s = self._delete_at_s = time.monotonic()

    async def model_for(self, user_id: UserId | None, session_id: SessionId | None) -> Model:
        """The model, on the account of this person in this session. Raises `StoreUnavailableError`."""
        key = (user_id, session_id)
        if (payer := self._payers.get(key)) is None:
            payer = self._payers[key] = await self.ledger.find_payer(user_id, session_id)
            if len(self._payers) > KNOWN_PAYERS:
                self._payers.popitem(last=False)
        return PaidModel(self, payer)

    def model_of(self, payer: Payer) -> Model:
        """The model, on this account."""
        return PaidModel(self, payer)

    async def begin(self, payer: Payer, request: ModelRequest) -> Hold:
        """Reserve, before the model is called.

        Raises `BudgetSpentError`, `BudgetHeldError`, `StoreUnavailableError`: then nothing may be called.
        """
        scopes = list_scopes(self._budgets, payer)
        if all(cap.is_open for cap in scopes.values()):
            return Hold(scopes=tuple(scopes), reservation_id=None)
        most = estimate_most(request, find_price(self.prices, request.model))
        try:
            reservation_id = await self.ledger.reserve(scopes, most)
        except (BudgetSpentError, BudgetHeldError) as error:
            metrics.budget_refusals.labels(str(error), "spent" if isinstance(error, BudgetSpentError) else "held").inc()
            raise
        return Hold(scopes=tuple(scopes), reservation_id=reservation_id)

    async def settle(self, hold: Hold, usage: Usage) -> None:
        """Pay what the call did cost. Who is cancelled meanwhile has paid all the same.

        Where no cap applies nobody waits for it: it only is written down.
        """
        task = self.settle_soon(hold, usage)
        if hold.reservation_id is not None:
            await asyncio.shield(task)

    async def _settle(self, hold: Hold, usage: Usage) -> None:
        """What the database does not take now is charged later, at the most that the call may have cost."""
        cost = Amount(usd=usage.cost_usd, tokens=count_tokens(usage))
        metrics.spent_usd.inc(float(cost.usd))
        try:
            if hold.reservation_id is None:
                await self.ledger.record(hold.scopes, cost)
            else:
                await self.ledger.settle(hold.reservation_id, cost)
        except StoreUnavailableError as error:
            log.warning("spending_not_settled", error=str(error), usd=str(cost.usd))

    def settle_soon(self, hold: Hold, usage: Usage) -> asyncio.Task[None]:
        """The same, for one who cannot wait: their call was ended."""
        task = asyncio.create_task(self._settle(hold, usage))
        self._settling.add(task)
        task.add_done_callback(self._settling.discard)
        return task

    async def close(self) -> None:
        """Wait a while for what is still to be settled."""
        if self._settling:
            await asyncio.wait(self._settling, timeout=SETTLE_S)

    async def charge_lost(self) -> None:
        """A chore: every ten seconds settle what dead processes left, every hour forget what is old."""
        if time.monotonic() >= self._charge_at_s:
            self._charge_at_s = time.monotonic() + CHARGE_EVERY_S
            if lost := await self.ledger.charge_lost():
                log.warning("lost_calls_charged", calls=lost)
        if time.monotonic() >= self._delete_at_s:
            self._delete_at_s = time.monotonic() + DELETE_EVERY_S
            await self.ledger.delete_old()


class PaidModel:
    """`agent.ports.Model` on somebody's account. Raises `BudgetSpentError` and `BudgetHeldError` before any call."""

    def __init__(self, spending: Spending, payer: Payer) -> None:
        self._spending = spending
        self._payer = payer

    async def stream(self, request: ModelRequest) -> AsyncGenerator[str | ModelReply]:
        """Pieces of text, then the reply, which comes once it is settled. A call that is cut is paid by estimate."""
        hold = await self._spending.begin(self._payer, request)
        said: list[str] = []
        is_settled = False
        try:
            async with aclosing(self._spending.model.stream(request)) as stream:
                async for item in stream:
                    if isinstance(item, ModelReply):
                        is_settled = True
                        await self._spending.settle(hold, item.usage)
                    else:
                        said.append(item)
                    yield item
        except ModelError as error:
            if error.is_unbilled:
                is_settled = True
                self._spending.settle_soon(hold, Usage())
            raise
        finally:
            if not is_settled:
                self._spending.settle_soon(hold, self._estimate(request, "".join(said)))

    async def complete_json(self, request: ModelRequest, schema: JsonObject) -> tuple[JsonValue, Usage]:
        """One call whose answer should be JSON of `schema`."""
        hold = await self._spending.begin(self._payer, request)
        try:
            answer, usage = await self._spending.model.complete_json(request, schema)
        except BaseException as error:
            is_unbilled = isinstance(error, ModelError) and error.is_unbilled
            self._spending.settle_soon(hold, Usage() if is_unbilled else self._estimate(request, ""))
            raise
        await self._spending.settle(hold, usage)
        return answer, usage

    def _estimate(self, request: ModelRequest, text: str) -> Usage:
        return estimate_cut(request, find_price(self._spending.prices, request.model), text)
