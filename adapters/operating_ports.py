"""What the operators' part of the API asks of the gateway."""

from collections.abc import Sequence
from datetime import date
from typing import Protocol

from agent.budgets import Spent


class SpendReader(Protocol):
    """The accounts of the model's cost."""

    async def list_spent(self, day: date | None, prefix: str, limit: int) -> Sequence[Spent]:
        """Accounts whose name begins like that, on a day (none: today), the dearest first.

        Raises `StoreUnavailableError`.
        """
        ...
