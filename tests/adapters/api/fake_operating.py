"""What operators ask for, in memory."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from adapters.api.context import Operating
from agent.budgets import Spent

TODAY = date(2026, 5, 4)


class FakeSpend:
    """Two accounts, every day the same."""

    async def list_spent(self, day: date | None, prefix: str, limit: int) -> Sequence[Spent]:
        """Those that begin like that."""
        found = [_spent("total", "1.5", day), _spent("site:shop", "0.25", day)]
        return [spent for spent in found if spent.scope.startswith(prefix)][:limit]


def _spent(scope: str, usd: str, day: date | None) -> Spent:
    return Spent(
        scope=scope,
        day=day or TODAY,
        spent_usd=Decimal(usd),
        spent_tokens=100,
        reserved_usd=Decimal(0),
        reserved_tokens=0,
    )


def fake_operating() -> Operating:
    """All of it."""
    return Operating(spend=FakeSpend())
