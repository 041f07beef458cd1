"""Whether a cap of the day holds when ten thousand visitors come at once, and what it costs to ask for money.

    python -m bench.budgets [--visitors 10000] [--workers 4] [--cap 20]

Several ledgers, each with connections of its own as separate processes have them, over one PostgreSQL with the settings
it is shipped with. The model is a stand-in whose calls cost a cent and take a moment.
"""

import argparse
import asyncio
import shutil
import statistics
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from decimal import Decimal

from agent.budgets import Budgets, Cap, Payer
from agent.errors import BudgetHeldError, BudgetSpentError
from agent.ids import SessionId, UserId, WorkerId
from agent.ports import ModelMessage, ModelReply, ModelRequest, Text
from agent.pricing import build_prices, price_of
from agent.records import JsonObject, JsonValue, Usage
from gateway.spending import Spending
from memory.database import Database
from memory.embedded.owner import EmbeddedPostgres
from memory.migrate import migrate
from memory.spend import Ledger
from tests.support.postgres import make_open_directory

CALL = Usage(input_tokens=10, output_tokens=990, cost_usd=Decimal("0.01"))
PRICES = build_prices({"bench": price_of("0", "10")})
REQUEST = ModelRequest(
    model="bench",
    max_tokens=2_000,
    system=(),
    tools=(),
    messages=(ModelMessage(role="user", blocks=(Text(text="hello"),)),),
)
AT_ONCE = 500


class Model:
    """Takes a moment and a cent."""

    def __init__(self) -> None:
        self.calls = 0

    async def stream(self, request: ModelRequest) -> AsyncGenerator[str | ModelReply]:
        """One word."""
        self.calls += 1
        yield "hello"
        await asyncio.sleep(0.02)
        yield ModelReply(content=(), stop_reason="end_turn", usage=CALL, model=request.model)

    async def complete_json(self, request: ModelRequest, schema: JsonObject) -> tuple[JsonValue, Usage]:
        """Nothing."""
        raise NotImplementedError


async def measure(dsn: str, visitors: int, workers: int, cap: Decimal) -> bool:
    """Prints the figures; whether the cap held."""
    model, waits_ms = Model(), list[float]()
    gate = asyncio.Semaphore(AT_ONCE)
    async with AsyncExitStack() as stack:
        tills = []
        for n in range(workers):
            database = await Database.open(dsn, size=8, statement_s=60)
            stack.push_async_callback(database.close)
            budgets = Budgets(total=Cap(usd=cap), visitor=Cap(usd=Decimal("0.1")))
            tills.append(Spending(model, Ledger(database, WorkerId(f"w{n}")), budgets, PRICES))

        async def visit(n: int) -> str:
            payer = Payer(
                user_id=UserId(f"u{n}"), is_visitor=True, session_id=SessionId(f"web:b:{n}"), channel="widget"
            )
            async with gate:
                began = time.perf_counter()
                try:
                    async for item in tills[n % workers].model_of(payer).stream(REQUEST):
                        if isinstance(item, str):
                            waits_ms.append(1_000 * (time.perf_counter() - began))
                except BudgetSpentError:
                    return "spent"
                except BudgetHeldError:
                    return "held"
                return "answered"

        began = time.perf_counter()
        ends = await asyncio.gather(*(visit(n) for n in range(visitors)))
        took_s = time.perf_counter() - began
        [total] = await tills[0].ledger.list_spent(None, "total", 1)
    cost = model.calls * CALL.cost_usd
    print(f"{visitors:,} visitors, {workers} ledgers, {AT_ONCE} at once: {took_s:.1f} s")
    print(", ".join(f"{ends.count(kind):,} {kind}" for kind in ("answered", "held", "spent")))
    print(f"cap {cap} $, at the model {cost} $, in the ledger {total.spent_usd} $, held {total.reserved_usd} $")
    print(f"first word of those answered: median {statistics.median(waits_ms):.1f} ms")
    return cost <= cap + CALL.cost_usd and total.spent_usd == cost and total.reserved_usd == 0


def main() -> int:
    """Exit code 1 when the cap did not hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--visitors", type=int, default=10_000)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--cap", type=Decimal, default=Decimal(20))
    options = parser.parse_args()
    directory = make_open_directory(is_on_disk=True)
    postgres = EmbeddedPostgres(directory)
    postgres.start()
    try:
        asyncio.run(migrate(postgres.dsn))
        is_held = asyncio.run(measure(postgres.dsn, options.visitors, options.workers, options.cap))
    finally:
        postgres.stop()
        shutil.rmtree(directory, ignore_errors=True)
    return 0 if is_held else 1


if __name__ == "__main__":
    sys.exit(main())
