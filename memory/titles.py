"""What sessions are called, for people who look on."""

from dataclasses import dataclass

from agent.ids import SessionId
from agent.titles import SessionTitle
from memory.database import Database
from memory.queries import query


@dataclass(frozen=True, slots=True, kw_only=True)
class TitleState:
    """A session's title and summary (none: not made yet), how far they were read, and how far there is to read."""

    title: str | None
    summary: str | None
    titled_seq: int
    title_epoch: int
    head: int


class Titles:
    """Titles by session. Every method raises `StoreUnavailableError`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self, session_id: SessionId) -> TitleState | None:
        """How a session stands."""
        row = await self._database.fetchrow(query("load_title"), session_id)
        return TitleState(**row) if row else None

    async def save(self, session_id: SessionId, state: TitleState, made: SessionTitle) -> None:
        """Write what was made of the session as it stood then; nothing where words were erased since."""
        topics = list(made.topics)
        await self._database.execute(
            query("save_title"), session_id, state.title_epoch, made.title, made.summary, topics, state.head
        )
