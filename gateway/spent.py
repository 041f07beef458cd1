"""`parley budgets`: what the model cost, by account."""

import asyncio
from dataclasses import asdict
from datetime import date

from agent.budgets import Spent
from agent.ids import WorkerId
from gateway.address import StoreAddress
from gateway.chat_screen import plain
from gateway.dead_letters import render_json
from gateway.reach import open_database, reach_store
from gateway.settings import Settings
from memory.spend import Ledger

NOTHING = "Nothing was spent."


def list_spent(settings: Settings, day: date | None, account: str, limit: int, *, as_json: bool) -> str:
    """The accounts of a day, the dearest first, one a line. No day: today."""
    with reach_store(settings) as address:
        found = asyncio.run(_list(address, day, account, limit))
    if as_json:
        return render_json([asdict(one) for one in found])
    return "\n".join(render_line(one) for one in found) or NOTHING


def render_line(spent: Spent) -> str:
    """An account in a list."""
    held = f"  ({spent.reserved_usd:.4f} $ held)" if spent.reserved_usd else ""
    return f"{spent.spent_usd:>12.4f} $  {spent.spent_tokens:>14,} tokens  {plain(spent.scope)}{held}"


async def _list(address: StoreAddress, day: date | None, account: str, limit: int) -> list[Spent]:
    async with open_database(address) as database:
        return await Ledger(database, WorkerId("")).list_spent(day, account, limit)
