"""What the operators' part of the API asks of the gateway."""

from collections.abc import Sequence
from datetime import date
from typing import Protocol

from agent.budgets import Spent
from agent.handoffs import Handoff, SessionMode
from agent.ids import SessionId
from agent.records import Message


class SpendReader(Protocol):
    """The accounts of the model's cost."""

    async def list_spent(self, day: date | None, prefix: str, limit: int) -> Sequence[Spent]:
        """Accounts whose name begins like that, on a day (none: today), the dearest first.

        Raises `StoreUnavailableError`.
        """
        ...


class Handoffs(Protocol):
    """Conversations with people of the team. All raise `StoreUnavailableError`, and `NotFoundError` for no session."""

    async def list_open(self, mode: SessionMode | None, limit: int) -> Sequence[Handoff]:
        """What waits for a person or is with one (none: both), that which goes back to the agent first."""
        ...

    async def take(self, session_id: SessionId, name: str) -> bool:
        """A person answers from now on. False: one does already."""
        ...

    async def give_back(self, session_id: SessionId, name: str | None) -> bool:
        """The agent answers from now on. False: it does already."""
        ...

    async def say(self, session_id: SessionId, name: str, text: str, key: str) -> tuple[Message, bool]:
        """What a person says, who takes the conversation by it; and whether the same was there already.

        Raises `ConflictError` where the key came with another text.
        """
        ...
