"""`parley budgets`: what operators read of the model's cost."""

import asyncio
import json
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import SecretStr

from agent.budgets import Amount
from agent.ids import WorkerId
from gateway.settings import Settings
from gateway.spent import NOTHING, list_spent
from memory.database import Database
from memory.spend import Ledger
from tests.gateway.configuring import go_to_bare_place


async def test_an_operator_reads_the_dearest_accounts_first(
    database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Who spends the money is the first question when it is gone. Proves: AG-5."""
    go_to_bare_place(monkeypatch, tmp_path)
    settings = Settings(database_url=SecretStr(database_url))
    ledger = Ledger(database, WorkerId("w"))
    await ledger.record(["total", "site:shop"], Amount(usd=Decimal("1.25"), tokens=1_000))
    await ledger.record(["total", "site:blog"], Amount(usd=Decimal("0.25"), tokens=200))
    lines = (await asyncio.to_thread(list_spent, settings, None, "", 10, as_json=False)).splitlines()
    assert [line.split() for line in lines] == [
        ["1.5000", "$", "1,200", "tokens", "total"],
        ["1.2500", "$", "1,000", "tokens", "site:shop"],
        ["0.2500", "$", "200", "tokens", "site:blog"],
    ]
    listed = json.loads(await asyncio.to_thread(list_spent, settings, None, "site:", 1, as_json=True))
    assert [one["scope"] for one in listed] == ["site:shop"]
    assert await asyncio.to_thread(list_spent, settings, date(2020, 1, 1), "", 10, as_json=False) == NOTHING
