"""What operators ask for, in memory."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal

from adapters.api.context import Operating
from agent.agent_memories import AgentFile, Revision, RevisionState
from agent.budgets import Spent
from agent.errors import ConflictError, NotFoundError, RevisionConflictError
from agent.handoffs import Handoff, SessionMode
from agent.ids import AgentId, SessionId, new_message_id
from agent.records import Author, Message

TODAY = date(2026, 5, 4)
NOW = datetime(2026, 5, 4, tzinfo=UTC)


@dataclass(slots=True)
class FakeHandoffs:
    """`adapters.operating_ports.Handoffs` in memory: who has which session, and what was said there by key."""

    known: set[SessionId] = field(default_factory=lambda: {SessionId("ticket-7")})
    held: dict[SessionId, str] = field(default_factory=dict)
    said: dict[str, Message] = field(default_factory=dict)

    async def list_open(self, mode: SessionMode | None, limit: int) -> Sequence[Handoff]:
        """What somebody has."""
        found = [_handoff(session_id, name) for session_id, name in self.held.items()]
        return [one for one in found if mode in {None, one.mode}][:limit]

    async def take(self, session_id: SessionId, name: str) -> bool:
        """Whoever comes first."""
        self._require(session_id)
        is_new = session_id not in self.held
        self.held.setdefault(session_id, name)
        return is_new

    async def give_back(self, session_id: SessionId, name: str | None) -> bool:
        """Nobody has it any more."""
        self._require(session_id)
        return self.held.pop(session_id, None) is not None

    async def say(self, session_id: SessionId, name: str, text: str, key: str) -> tuple[Message, bool]:
        """Once for each key."""
        await self.take(session_id, name)
        if (known := self.said.get(key)) is not None:
            if known.text != text:
                raise ConflictError("this key was used before for another text")
            return known, True
        author = Author(name=name, is_operator=True)
        message = Message(
            session_id=session_id,
            seq=len(self.said) + 1,
            message_id=new_message_id(),
            role="human",
            author=author,
            text=text,
            at=NOW,
        )
        self.said[key] = message
        return message, False

    def _require(self, session_id: SessionId) -> None:
        if session_id not in self.known:
            raise NotFoundError("there is no such session here")


def _handoff(session_id: SessionId, name: str) -> Handoff:
    return Handoff(
        session_id=session_id,
        channel="widget",
        agent_id=AgentId("assistant"),
        title=None,
        mode=SessionMode.HUMAN,
        name=name,
        reason=None,
        summary=None,
        since_at=NOW,
        until_at=NOW,
    )


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


class FakeFiles:
    """One file of one agent; `calls` are what was asked."""

    def __init__(self) -> None:
        self.calls: list[tuple[object, ...]] = []

    async def list_files(self, agent_ids: Collection[AgentId]) -> Sequence[AgentFile]:
        """The one."""
        return [AgentFile(agent_id=one, name="hours.md", revision=3, markdown="9-5") for one in agent_ids]

    async def list_revisions(
        self, agent_id: AgentId, name: str | None = None, state: RevisionState | None = None, limit: int = 100
    ) -> Sequence[Revision]:
        """One."""
        self.calls.append(("list", name, state, limit))
        return [_revision(agent_id, name or "hours.md", 4, "10-6", RevisionState.PROPOSED)]

    async def write_file(self, agent_id: AgentId, name: str, markdown: str | None, *, by: str, cause: str) -> Revision:
        """As if."""
        self.calls.append(("write", name, markdown, by, cause))
        return _revision(agent_id, name, 4, markdown, RevisionState.LIVE)

    async def approve(self, agent_id: AgentId, name: str, revision: int, *, by: str) -> Revision:
        """Only the fourth waits."""
        if revision != 4:
            raise RevisionConflictError("the revision was decided on")
        return await self._decide("approve", agent_id, name, revision, by, RevisionState.LIVE)

    async def reject(self, agent_id: AgentId, name: str, revision: int, *, by: str) -> Revision:
        """As if."""
        return await self._decide("reject", agent_id, name, revision, by, RevisionState.REJECTED)

    async def roll_back(self, agent_id: AgentId, name: str, revision: int, *, by: str) -> Revision:
        """As if."""
        return await self._decide("roll back", agent_id, name, revision, by, RevisionState.LIVE)

    async def _decide(
        self, what: str, agent_id: AgentId, name: str, revision: int, by: str, state: RevisionState
    ) -> Revision:
        self.calls.append((what, name, revision, by))
        return _revision(agent_id, name, revision, "10-6", state)


def _revision(agent_id: AgentId, name: str, number: int, markdown: str | None, state: RevisionState) -> Revision:
    return Revision(
        agent_id=agent_id,
        name=name,
        revision=number,
        markdown=markdown,
        state=state,
        author="agent",
        cause="new hours",
        based_on=3,
        made_at=NOW,
        decided_by=None,
        decided_at=None,
    )


def fake_operating(files: FakeFiles | None = None) -> Operating:
    """All of it."""
    return Operating(spend=FakeSpend(), files=files or FakeFiles(), handoffs=FakeHandoffs())
