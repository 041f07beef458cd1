"""What the operators' part of the API asks of the gateway."""

from collections.abc import Collection, Sequence
from datetime import date
from typing import Protocol

from agent.agent_memories import AgentFile, Revision, RevisionState
from agent.budgets import Spent
from agent.handoffs import Handoff, SessionMode
from agent.ids import AgentId, SessionId
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


class AgentFiles(Protocol):
    """What agents know, in files. Every method raises `StoreUnavailableError`."""

    async def list_files(self, agent_ids: Collection[AgentId]) -> Sequence[AgentFile]:
        """The live files of these agents, by agent and name."""
        ...

    async def list_revisions(
        self, agent_id: AgentId, name: str | None = None, state: RevisionState | None = None, limit: int = 100
    ) -> Sequence[Revision]:
        """The newest first."""
        ...

    async def write_file(self, agent_id: AgentId, name: str, markdown: str | None, *, by: str, cause: str) -> Revision:
        """Make a text live at once; without one the file goes. Raises `InputError`."""
        ...

    async def approve(self, agent_id: AgentId, name: str, revision: int, *, by: str) -> Revision:
        """Make a proposed revision live. Raises `NotFoundError`, and `RevisionConflictError` where the file changed."""
        ...

    async def reject(self, agent_id: AgentId, name: str, revision: int, *, by: str) -> Revision:
        """Decline a proposed revision. Raises `NotFoundError`."""
        ...

    async def roll_back(self, agent_id: AgentId, name: str, revision: int, *, by: str) -> Revision:
        """Make an earlier revision's text live again. Raises `NotFoundError`, `InputError`."""
        ...
