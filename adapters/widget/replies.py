"""What a client is sent in `gw.v1`, as compact JSON. (What it may send: `frames.py`.)

Texts must be storable (`agent.text`), as everything out of the store is.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from types import MappingProxyType
from typing import TypeAlias

from agent.approvals import list_choices
from agent.handoffs import ModeNote
from agent.ids import MessageId, UserId
from agent.records import Attachment, Audience, JsonObject, JsonValue, LogEntry, Message, Session, UserMemory
from agent.signals import Delta, Presence

Link: TypeAlias = Callable[[Attachment], str]
"""Where a reader finds a file."""
HISTORY_BYTES = 256 * 1024

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def render_welcome(fields: JsonObject) -> str:
    """The answer to `hello`; `fields` are those of the protocol."""
    return _encode({"type": "welcome", **fields})


def render_reset(reason: str) -> str:
    """What the client holds is of another log."""
    return _encode({"type": "reset", "reason": reason})


def render_ack(frame_id: str, seq: int, message_id: str) -> str:
    """The message is committed."""
    return _encode({"type": "ack", "id": frame_id, "seq": seq, "message_id": message_id})


def render_nack(frame_id: str, code: str, message: str, retry_after_s: float | None = None) -> str:
    """Refused: for good, or to be tried again after so many seconds."""
    frame: JsonObject = {"type": "nack", "id": frame_id, "code": code, "message": message}
    if retry_after_s is not None:
        frame["retry_after"] = round(retry_after_s, 2)
    return _encode(frame)


def render_error(code: str, message: str, *, is_fatal: bool = False) -> str:
    """Something went wrong that belongs to no message."""
    return _encode({"type": "error", "code": code, "message": message, "fatal": is_fatal})


def render_identified(user_id: UserId, merged_from: UserId | None) -> str:
    """Who the person is now; `merged_from` is who they were."""
    frame: JsonObject = {"type": "identified", "user_id": user_id}
    if merged_from is not None:
        frame["merged_from"] = merged_from
    return _encode(frame)


def render_link_code(frame_id: str, code: str, expires_at: datetime) -> str:
    """A code to be said on another channel."""
    return _encode({"type": "link_code", "id": frame_id, "code": code, "expires_at": render_time(expires_at)})


def render_memories(frame_id: str, memories: Sequence[UserMemory]) -> str:
    """What is remembered of the person who asks, the newest first."""
    rows: list[JsonValue] = [
        {
            "memory_id": memory.memory_id,
            "memory": memory.memory,
            "topics": [*memory.topics],
            "updated_at": render_time(memory.updated_at),
        }
        for memory in memories
    ]
    return _encode({"type": "memories", "id": frame_id, "memories": rows})


def render_forgotten(frame_id: str, erased: int, left: int) -> str:
    """How many rows of the person were erased, and how many are left; the connection is closed after it."""
    return _encode({"type": "forgotten", "id": frame_id, "erased": erased, "left": left})


def render_pong(n: int) -> str:
    """The answer to `ping`."""
    return _encode({"type": "pong", "n": n})


def render_heartbeat(n: int) -> str:
    """The n-th heartbeat of a connection."""
    return f'{{"type":"hb","n":{n}}}'


def render_bye(reason: str, reconnect_after_ms: int) -> str:
    """The gateway goes down; the close code follows."""
    return _encode({"type": "bye", "reason": reason, "reconnect_after_ms": reconnect_after_ms})


def render_attachment(attachment: Attachment) -> JsonObject:
    """A file as its owner and the readers of its message know it."""
    one = attachment
    return {"id": one.attachment_id, "name": one.name, "type": one.media_type, "size": one.size_bytes}


def render_presence(presence: Presence) -> str:
    """What somebody else in the thread does right now."""
    who: JsonObject = {"id": presence.user_id, "name": presence.name}
    return _encode({"type": "presence", "who": who, "state": presence.state, "role": presence.role})


def _actions(message: Message, reader_id: UserId | None) -> list[JsonValue]:
    """The buttons of a question, for the person who is asked alone."""
    choices = list_choices(message.asks)
    own = {ask.approval_id for ask in message.asks if ask.user_id == reader_id}
    return [
        {"name": one.name, "value": one.approval_id, "label": one.label} for one in choices if one.approval_id in own
    ]


def _message(message: Message, reader_id: UserId | None, *, is_own: bool, link: Link) -> JsonObject:
    frame: JsonObject = {"type": "message", "seq": message.seq, "id": message.message_id}
    if is_own and message.client_id is not None:
        frame["client_id"] = message.client_id
    frame["role"] = message.role
    frame["author"] = {"id": message.author.id or "", "name": message.author.name}
    frame["text"] = message.text
    if message.attachments:
        frame["attachments"] = [{**render_attachment(one), "url": link(one)} for one in message.attachments]
    if actions := _actions(message, reader_id):
        frame["actions"] = actions
    if message.run_id is not None:
        frame["run_id"] = message.run_id
    frame["at"] = render_time(message.at)
    return frame


def is_own(entry: LogEntry, user_id: UserId) -> bool:
    """Whether the user wrote this. Others are not told the key of a message: whoever knew it could use it up."""
    return isinstance(entry, Message) and entry.author.id == user_id


def _no_link(_: Attachment) -> str:
    return ""


@lru_cache(maxsize=128)
def _render_entry(entry: LogEntry, is_own: bool) -> str:  # noqa: FBT001 -- the cache takes positions only
    if isinstance(entry, Message):
        return _encode(_message(entry, None, is_own=is_own, link=_no_link))
    if isinstance(entry, ModeNote):
        return _encode({"type": "handoff", "seq": entry.seq, "mode": entry.mode})
    frame: JsonObject = {"type": "run", "seq": entry.seq, "run_id": entry.run_id, "state": entry.state}
    if entry.label is not None:
        frame["label"] = entry.label
    return _encode(frame)


def render_event(event: LogEntry | Delta, reader_id: UserId, link: Link = _no_link) -> str:
    """A durable event or a delta, as this reader gets it. Encoded once for all who watch the same event.

    One with files or with buttons is encoded for each, since these are the reader's own.
    """
    if isinstance(event, Message) and (event.attachments or event.asks):
        return _encode(_message(event, reader_id, is_own=is_own(event, reader_id), link=link))
    if isinstance(event, Delta):
        return _encode({"type": "d", "r": event.run_id, "o": event.offset, "x": event.text})
    return _render_entry(event, is_own(event, reader_id))


def render_history(
    messages: Sequence[Message],
    reader_id: UserId,
    limit: int,
    link: Link = _no_link,
    opinions: Mapping[MessageId, str] = MappingProxyType({}),
) -> str:
    """The newest `limit` of these messages, oldest first, as far as 256 KiB hold them; one at least.

    `opinions`: what the reader thinks of answers among them.
    """
    kept: list[str] = []
    room = HISTORY_BYTES
    for message in reversed(messages[-limit:]):
        frame = _message(message, reader_id, is_own=is_own(message, reader_id), link=link)
        if opinion := opinions.get(message.message_id):
            frame["feedback"] = opinion
        text = _encode(frame)
        room -= len(text.encode(errors="replace"))
        if kept and room < 0:
            break
        kept.append(text)
    has_more = "true" if len(kept) < len(messages) else "false"
    return f'{{"type":"history","messages":[{",".join(reversed(kept))}],"has_more":{has_more}}}'


def render_sessions(sessions: Sequence[Session]) -> str:
    """A person's conversations, the one that changed last first."""
    rows: list[JsonValue] = [
        {
            "session_id": session.session_id,
            "title": session.title,
            "is_shared": session.audience is Audience.SHARED,
            "head": session.head,
            "created_at": render_time(session.created_at),
            "updated_at": render_time(session.updated_at),
        }
        for session in sessions
    ]
    return _encode({"type": "sessions", "sessions": rows})


def render_time(at: datetime) -> str:
    """ISO 8601 in UTC, to the millisecond: `2026-05-04T12:00:00.000Z`."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
