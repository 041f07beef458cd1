"""Files that people attach to messages, and what they think of answers."""

from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

from agent.errors import BusyError
from agent.files import read_excerpt
from agent.ids import AttachmentId, MessageId, SessionId, UserId, new_attachment_id
from agent.records import Attachment
from memory.database import Database, Record
from memory.queries import query

UNSENT_S = 3_600.0
RETRY_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """How much is kept: files of one person that are not sent yet, bytes of all such files, bytes of one session."""

    unsent_count: int = 10
    unsent_bytes: int = 256 * 1024 * 1024
    session_bytes: int = 64 * 1024 * 1024


class Attachments:
    """Every file belongs to the session it was put into. What is not sent within an hour is deleted."""

    def __init__(self, database: Database, room: Room | None = None) -> None:
        self._database = database
        self._room = room or Room()

    async def save(
        self, user_id: UserId, session_id: SessionId, *, name: str, media_type: str, content: bytes
    ) -> Attachment:
        """Keep a file that is to be sent. Raises `BusyError` when there is no room, `StoreUnavailableError`."""
        excerpt = read_excerpt(content, media_type)
        row = await self._database.fetchrow(
            query("save_attachment"),
            session_id,
            new_attachment_id(),
            user_id,
            name,
            media_type,
            len(content),
            content,
            excerpt,
            self._room.unsent_count,
            self._room.unsent_bytes,
            self._room.session_bytes,
        )
        if row is None:
            raise BusyError("There is no room for more files here.", retry_after_s=RETRY_S)
        return Attachment(
            attachment_id=AttachmentId(row["attachment_id"]),
            name=name,
            media_type=media_type,
            size_bytes=len(content),
            excerpt=excerpt,
        )

    async def find(self, user_id: UserId, session_id: SessionId, ids: Sequence[str]) -> tuple[Attachment, ...]:
        """Those of the ids that the person put into this session, in the order of the ids."""
        rows = await self._database.fetch(query("find_attachments"), session_id, user_id, list(ids))
        found = {row["attachment_id"]: _read(row) for row in rows}
        return tuple(found[one] for one in dict.fromkeys(ids) if one in found)

    async def load(
        self, user_id: UserId, session_id: SessionId, attachment_id: AttachmentId
    ) -> tuple[Attachment, bytes] | None:
        """A file that was sent in a session that is the person's or shared; none for any other.

        Who may enter a shared session is the caller's to know.
        """
        row = await self._database.fetchrow(query("load_attachment"), session_id, user_id, attachment_id)
        return (_read(row), row["content"]) if row else None

    async def delete_unsent(self, older_than_s: float = UNSENT_S) -> int:
        """Delete some of what was never sent. Gives how many."""
        return len(await self._database.fetch(query("delete_unsent_attachments"), older_than_s))

    async def save_feedback(
        self, user_id: UserId, session_id: SessionId, message_id: MessageId, value: str, comment: str | None
    ) -> int | None:
        """Keep what a person thinks of an answer, in place of what they thought before. Gives the answer's seq.

        None where the session has no such answer, and for a person who was erased.
        """
        arguments = (session_id, user_id, message_id, value, comment)
        try:
            row = await self._database.fetchrow(query("save_feedback"), *arguments)
        except asyncpg.NoDataFoundError:
            return None
        return row["seq"] if row else None

    async def list_opinions(
        self, user_id: UserId, session_id: SessionId, message_ids: Sequence[MessageId]
    ) -> dict[MessageId, str]:
        """What a person thinks of these answers, as far as they said so."""
        rows = await self._database.fetch(query("list_opinions"), session_id, user_id, list(message_ids))
        return {MessageId(row["message_id"]): row["value"] for row in rows}


def _read(row: Record) -> Attachment:
    return Attachment(
        attachment_id=AttachmentId(row["attachment_id"]),
        name=row["name"],
        media_type=row["media_type"],
        size_bytes=row["size_bytes"],
        excerpt=row["excerpt"],
    )
