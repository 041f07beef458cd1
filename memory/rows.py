"""Database rows as records."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from agent.ids import AgentId, MemoryId, MessageId, RunId, SessionId, UserId
from agent.records import (
    Audience,
    Author,
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
    """A message or a run's note, by which of the two the row has."""
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
        author=Author(id=row["author_id"], name=row["author_name"]),
        text=row["text"],
        at=row["at"],
        run_id=row["run_id"],
        client_id=row["client_id"],
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
        is_member=row["is_member"],
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


def read_memory(user_id: UserId, row: dict[str, Any]) -> UserMemory:
    """A memory out of the columns that a prompt or a search needs, as JSON gives them."""
    return UserMemory(
        memory_id=MemoryId(row["memory_id"]),
        user_id=user_id,
        memory=row["memory"],
        topics=tuple(row["topics"]),
        slot=row["slot"],
        visibility=row["visibility"],
        agent_id=row["agent_id"],
        valid_from=datetime.fromisoformat(row["valid_from"]),
        created_at=datetime.fromisoformat(row["created_at"]),
        updated_at=datetime.fromisoformat(row["updated_at"]),
    )


def read_prompt(session_id: SessionId, rows: Sequence[Sequence[Any]] | None) -> tuple[Message, ...]:
    """What a run answers: [seq, message id, author id, author name, text, at] each."""
    return tuple(
        Message(
            session_id=session_id,
            seq=seq,
            message_id=message_id,
            role="user",
            author=Author(id=author_id, name=author_name),
            text=text,
            at=datetime.fromisoformat(at),
        )
        for seq, message_id, author_id, author_name, text, at in rows or ()
    )


def read_history(session_id: SessionId, row: Record) -> tuple[PastRun, ...]:
    """The past runs of `load_context`: its messages, turns and calls, put together by position."""
    messages: dict[int, list[Sequence[Any]]] = {}
    for position, *message in row["messages"] or ():
        messages.setdefault(position, []).append(message)
    calls: dict[tuple[int, int], list[ToolCall]] = {}
    for position, n, call_id, name, arguments, result, is_error in row["calls"] or ():
        call = ToolCall(call_id=call_id, name=name, arguments=arguments, result=result, is_error=is_error)
        calls.setdefault((position, n), []).append(call)
    turns: dict[int, list[Turn]] = {}
    for position, n, content, stop_reason in row["turns"] or ():
        turn = Turn(
            content=tuple(content),
            tool_calls=tuple(calls.get((position, n), ())),
            stop_reason=stop_reason,
            usage=Usage(),
        )
        turns.setdefault(position, []).append(turn)
    return tuple(
        _past_run(session_id, RunId(run_id), messages.get(position, []), turns.get(position, []))
        for position, run_id in row["runs"] or ()
    )


def _past_run(session_id: SessionId, run_id: RunId, rows: list[Sequence[Any]], turns: list[Turn]) -> PastRun:
    spoken = [
        [seq, message_id, author_id, name, text, at]
        for seq, message_id, role, author_id, name, text, at in rows
        if role == "user"
    ]
    answers = [row[5] for row in rows if row[2] == "assistant"]
    return PastRun(
        run_id=run_id,
        prompt=read_prompt(session_id, spoken),
        turns=tuple(turns),
        answer=answers[-1] if answers else None,
    )
