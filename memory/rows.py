"""Database rows as records."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from agent.approvals import Decided
from agent.asks import ApprovalState, Ask
from agent.handoffs import ModeNote, SessionMode
from agent.ids import AgentId, ApprovalId, AttachmentId, MemoryId, MessageId, RunId, SessionId, UserId
from agent.ranking import FoundMemory, rank_memories
from agent.records import (
    Attachment,
    Audience,
    Author,
    JsonValue,
    LogEntry,
    Message,
    PastRun,
    RunNote,
    RunState,
    Session,
    ToolCall,
    Turn,
    Usage,
    User,
    UserMemory,
)
from memory.database import Record

AGENT_AUTHOR = "Assistant"


def read_log_entry(session_id: SessionId, row: Record) -> LogEntry:
    """A message, a run's note or a change of who answers, by which of them the row has."""
    if row["mode"] is not None:
        return ModeNote(
            session_id=session_id,
            seq=row["seq"],
            mode=SessionMode(row["mode"]),
            at=row["at"],
            run_id=row["run_id"],
            name=row["label"],
        )
    if row["message_id"] is None:
        return RunNote(
            session_id=session_id,
            seq=row["seq"],
            run_id=RunId(row["run_id"]),
            state=RunState(row["state"]),
            label=row["label"],
            at=row["at"],
        )
    return read_message(session_id, row)


def read_message(session_id: SessionId, row: Record) -> Message:
    """A message of a session."""
    return Message(
        session_id=session_id,
        seq=row["seq"],
        message_id=MessageId(row["message_id"]),
        role=row["role"],
        author=Author(id=row["author_id"], name=row["author_name"], is_operator=row["role"] == "human"),
        text=row["text"],
        at=row["at"],
        run_id=row["run_id"],
        client_id=row["client_id"],
        attachments=_read_attachments(row.get("attachments")),
        asks=read_asks(row.get("asks")),
    )


def read_asks(rows: Sequence[Sequence[Any]] | None) -> tuple[Ask, ...]:
    """The calls that a message asks approval for: [approval id, call id, title, user id] each."""
    return tuple(
        Ask(approval_id=ApprovalId(approval_id), call_id=call_id, title=title, user_id=UserId(user_id))
        for approval_id, call_id, title, user_id in rows or ()
    )


def read_decided(rows: Sequence[Sequence[Any]] | None) -> tuple[Decided, ...]:
    """The calls about which a run's prompt decides: [approval id, tool, arguments, state] each."""
    return tuple(
        Decided(approval_id=ApprovalId(approval_id), name=name, arguments=arguments, state=ApprovalState(state))
        for approval_id, name, arguments, state in rows or ()
    )


def render_attachments(attachments: Sequence[Attachment]) -> list[JsonValue] | None:
    """The files of a message as its row holds them; none where it has none."""
    return [
        {"id": one.attachment_id, "name": one.name, "type": one.media_type, "size": one.size_bytes}
        for one in attachments
    ] or None


def _read_attachments(rows: Sequence[dict[str, Any]] | None) -> tuple[Attachment, ...]:
    return tuple(
        Attachment(
            attachment_id=AttachmentId(row["id"]), name=row["name"], media_type=row["type"], size_bytes=row["size"]
        )
        for row in rows or ()
    )


def read_session(row: Record) -> Session:
    """A session and whether the person who asked takes part."""
    return Session(
        session_id=SessionId(row["session_id"]),
        channel=row["channel"],
        tenant=row["tenant"],
        agent_id=AgentId(row["agent_id"]),
        audience=Audience(row["audience"]),
        head=row["head"],
        title=row["title"],
        summary=row["summary"],
        topics=tuple(row["topics"]),
        is_member=row["is_member"],
        mode=SessionMode(row["mode"]),
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


def read_user(row: Record | dict[str, Any]) -> User:
    """A stored person."""
    return User(
        id=UserId(row["user_id"]),
        email=row["email"],
        first_name=row["first_name"],
        last_name=row["last_name"],
        timezone=row["timezone"],
        additional_attributes=row["attributes"],
    )


def read_usage(row: Record) -> Usage:
    """The token columns of a run or turn."""
    return Usage(
        input_tokens=row["input_tokens"],
        output_tokens=row["output_tokens"],
        cache_read_tokens=row["cache_read_tokens"],
        cache_write_tokens=row["cache_write_tokens"],
        cost_usd=Decimal(row["cost_usd"]),
    )


def read_memories(user_id: UserId, row: Record) -> tuple[UserMemory, ...]:
    """The memories of `load_context`, those that answer the prompt first, then the newest."""
    found = [
        FoundMemory(memory=_read_memory(user_id, memory), found=tuple(memory["found"]), length=memory["length"] or 0)
        for memory in row["memories"] or ()
    ]
    ranked = rank_memories(found, round(row["memory_size"] or 0), row["memory_counts"] or {})
    return tuple(memory for memory, _ in ranked)


def _read_memory(user_id: UserId, row: dict[str, Any]) -> UserMemory:
    return UserMemory(
        memory_id=MemoryId(row["memory_id"]),
        user_id=user_id,
        memory=row["memory"],
        topics=tuple(row["topics"]),
        slot=row["slot"],
        visibility=row["visibility"],
        agent_id=row["agent_id"],
        is_pinned=row["is_pinned"],
        valid_from=datetime.fromisoformat(row["valid_from"]),
        created_at=datetime.fromisoformat(row["created_at"]),
        updated_at=datetime.fromisoformat(row["updated_at"]),
    )


def read_prompt(session_id: SessionId, rows: Sequence[Sequence[Any]] | None) -> tuple[Message, ...]:
    """What a run answers: [seq, message id, author id, author name, text, at, role] each."""
    return tuple(
        Message(
            session_id=session_id,
            seq=seq,
            message_id=message_id,
            role=role,
            author=Author(id=author_id, name=author_name, is_operator=role == "human"),
            text=text,
            at=datetime.fromisoformat(at),
        )
        for seq, message_id, author_id, author_name, text, at, role in rows or ()
    )


def read_history(session_id: SessionId, row: Record, position: int) -> tuple[tuple[PastRun, ...], tuple[Turn, ...]]:
    """The past runs of `load_context`, put together by position, and the turns of the run at `position` itself."""
    messages: dict[int, list[Sequence[Any]]] = {}
    for of, *message in row["messages"] or ():
        messages.setdefault(of, []).append(message)
    turns = _read_turns(row)
    past = (
        _past_run(session_id, RunId(run_id), of, messages.get(of, []), turns.get(of, []))
        for of, run_id, *_ in row["runs"] or ()
    )
    return tuple(past), tuple(turns.get(position, ()))


def _read_turns(row: Record) -> dict[int, list[Turn]]:
    calls: dict[tuple[int, int], list[ToolCall]] = {}
    for of, n, *call in row["calls"] or ():
        calls.setdefault((of, n), []).append(read_call(call))
    turns: dict[int, list[Turn]] = {}
    for of, n, content, stop_reason, *usage in row["turns"] or ():
        turn = Turn(
            content=tuple(content),
            tool_calls=tuple(calls.get((of, n), ())),
            stop_reason=stop_reason,
            usage=_usage(*usage),
        )
        turns.setdefault(of, []).append(turn)
    return turns


def read_call(row: Sequence[Any]) -> ToolCall:
    """A tool call: call id, name, arguments, result (none while it runs), whether it failed."""
    call_id, name, arguments, result, is_error = row
    return ToolCall(
        call_id=call_id,
        name=name,
        arguments=arguments,
        result=result or "",
        is_error=is_error,
        is_done=result is not None,
    )


def _usage(input_tokens: int, output_tokens: int, cache_read: int, cache_write: int, cost_usd: float) -> Usage:
    return Usage(
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        cache_read_tokens=cache_read,
        cache_write_tokens=cache_write,
        cost_usd=Decimal(str(cost_usd)),
    )


def _past_run(
    session_id: SessionId, run_id: RunId, position: int, rows: list[Sequence[Any]], turns: list[Turn]
) -> PastRun:
    spoken = [
        (seq, of, author, name, text, at, role)
        for seq, of, role, author, name, text, at in rows
        if role in {"user", "human"}
    ]
    answers = [row[5] for row in rows if row[2] == "assistant"]
    return PastRun(
        run_id=run_id,
        prompt=read_prompt(session_id, spoken),
        turns=tuple(turns),
        answer=answers[-1] if answers else None,
        position=position,
    )
