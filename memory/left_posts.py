"""Answers that did not reach their channel, or nobody knows: for operators to see and to decide on."""

from dataclasses import dataclass
from datetime import datetime

from agent.ids import SessionId
from memory.database import Database
from memory.queries import query


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftPost:
    """An answer whose `state` is `unknown` (it may stand, and nobody may look) or `failed`. `note` says why."""

    post_key: str
    session_id: SessionId
    channel: str
    state: str
    attempts: int
    note: str | None
    created_at: datetime


class LeftPosts:
    """The answers that were left."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list_newest(self, limit: int | None = None) -> list[LeftPost]:
        """The newest first, all of them without a limit."""
        return [LeftPost(**row) for row in await self._database.fetch(query("list_left_posts"), limit)]

    async def repost(self, post_key: str) -> bool:
        """Let it be posted again, once. False: it is none of those that were left."""
        return await self._database.fetchrow(query("repost"), post_key) is not None

    async def dismiss(self, post_key: str) -> bool:
        """Take it off the list. False: it is none of those that were left."""
        return await self._database.fetchrow(query("dismiss_post"), post_key) is not None
