"""Answers to post: stored with the end of their run, posted once."""

from dataclasses import dataclass
from typing import Literal

from agent.asks import Ask
from agent.handoffs import SessionMode, render_mode
from agent.ids import SessionId, WorkerId
from agent.records import JsonObject
from memory.database import Database
from memory.queries import query
from memory.rows import read_asks

VISIBLE_AGAIN_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """One answer to post. `may_stand` says that an earlier try may have reached the channel: look first."""

    session_id: SessionId
    seq: int
    post_key: str
    channel: str
    reply_to: JsonObject
    attempts: int
    may_stand: bool


class Outbox:
    """The outbox as one worker sees it."""

    def __init__(self, database: Database, worker_id: WorkerId) -> None:
        self._database = database
        self._worker_id = worker_id

    async def take(self, channels: list[str]) -> Post | None:
        """The answer that has waited longest on one of the channels; others do not see it for half a minute."""
        row = await self._database.fetchrow(query("take_post"), self._worker_id, VISIBLE_AGAIN_S, channels)
        return Post(**row) if row else None

    async def load_text(self, post: Post) -> tuple[str, tuple[Ask, ...]] | None:
        """What people are to read and what it asks approval for; none when it was erased meanwhile."""
        row = await self._database.fetchrow(query("load_post_text"), post.session_id, post.seq)
        if row is None:
            return None
        if row["mode"] is not None:
            return render_mode(SessionMode(row["mode"]), row["name"]), ()
        text: str = row["text"]
        return text if row["name"] is None else f"**{row['name']}:** {text}", read_asks(row["asks"])

    async def end(
        self,
        post: Post,
        state: Literal["sent", "unknown", "failed"],
        *,
        posted_as: str | None = None,
        note: str | None = None,
    ) -> None:
        """Nothing more is to be done for it."""
        await self._database.fetchrow(
            query("end_post"), post.session_id, post.seq, self._worker_id, state, posted_as, note
        )

    async def delay(self, post: Post, after_s: float, *, may_stand: bool, note: str) -> None:
        """Try again later."""
        await self._database.fetchrow(
            query("delay_post"), post.session_id, post.seq, self._worker_id, after_s, may_stand, note
        )

    async def put_off(self, post: Post, after_s: float, *, may_stand: bool, note: str) -> None:
        """Try again later, as if this try had not been; what has waited for a week has failed."""
        await self._database.fetchrow(
            query("put_off_post"), post.session_id, post.seq, self._worker_id, after_s, may_stand, note
        )

    async def next_in(self, channels: list[str]) -> float | None:
        """Seconds until a post on one of the channels can be taken; none when there is none."""
        row = await self._database.fetchrow(query("next_post_in"), channels)
        return None if row is None else row[0]
