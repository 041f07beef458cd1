"""Memories as a JSON file: what is exported can be imported again, here or elsewhere."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agent.errors import MemoryInvalidError
from agent.ids import AgentId, MemoryId, UserId, new_memory_id
from agent.memories import MemoryDraft, check_draft, check_note
from agent.records import JsonObject, JsonValue, UserMemory
from agent.times import UtcTime

MAX_MEMORIES = 50_000
"""With the older versions: more than anybody has."""
Id = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[!-~]+$")]


class _Memory(BaseModel):
    model_config = ConfigDict(extra="forbid", from_attributes=True)

    memory_id: Id
    memory: str
    topics: list[str] = Field(default_factory=list)
    slot: str | None = None
    visibility: Literal["private", "thread"] = "private"
    is_pinned: bool = False
    agent_id: str | None = None
    team_id: str | None = None
    input: str | None = None
    feedback: str | None = None
    source_session_id: str | None = None
    source_seq: Annotated[int, Field(ge=0, lt=2**63)] | None = None
    supersedes: Id | None = None
    replaced_by: Id | None = None
    model: Annotated[str, Field(max_length=200)] | None = None
    last_used_at: UtcTime | None = None
    valid_from: UtcTime
    valid_to: UtcTime | None = None
    created_at: UtcTime
    updated_at: UtcTime


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    version: Literal[1]
    user_id: str
    memories: list[_Memory]


def render_memories(user_id: UserId, memories: Sequence[UserMemory]) -> JsonObject:
    """The file's content: `version`, `user_id` and `memories`, each with all of its fields; times are ISO 8601."""
    rows = [_Memory.model_validate(memory) for memory in memories]
    return _File(version=1, user_id=user_id, memories=rows).model_dump(mode="json")


def parse_memories(
    user_id: UserId, value: JsonValue, most: int = MAX_MEMORIES, *, must_be_plain: bool = False
) -> tuple[UserMemory, ...]:
    """The memories of a file, as this person's. Raises `MemoryInvalidError` that names the place of what is wrong.

    `must_be_plain`: as in `agent.memories.check_draft`.
    """
    try:
        file = _File.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise MemoryInvalidError(".".join(map(str, first["loc"])) or "file", first["msg"]) from error
    if len(file.memories) > most:
        raise MemoryInvalidError("memories", f"expected at most {most:,}; found {len(file.memories):,}")
    ids = [row.memory_id for row in file.memories]
    if len(ids) != len(set(ids)):
        raise MemoryInvalidError("memories", "expected each memory_id once")
    _check_slots(file.memories)
    return tuple(
        _memory_of(user_id, row, f"memories.{n}", must_be_plain=must_be_plain) for n, row in enumerate(file.memories)
    )


def renew_ids(memories: Sequence[UserMemory]) -> tuple[UserMemory, ...]:
    """The same memories under fresh ids, with what points from one to another; the rest points nowhere."""
    fresh = {memory.memory_id: new_memory_id() for memory in memories}
    return tuple(
        replace(
            memory,
            memory_id=fresh[memory.memory_id],
            supersedes=fresh.get(memory.supersedes) if memory.supersedes else None,
            replaced_by=fresh.get(memory.replaced_by) if memory.replaced_by else None,
        )
        for memory in memories
    )


def _check_slots(rows: Sequence[_Memory]) -> None:
    held: set[str] = set()
    for n, row in enumerate(rows):
        if row.slot is not None and row.valid_to is None:
            if row.slot in held:
                raise MemoryInvalidError(f"memories.{n}.slot", "expected one live memory in a slot")
            held.add(row.slot)


def _memory_of(user_id: UserId, row: _Memory, place: str, *, must_be_plain: bool) -> UserMemory:
    told = {name: getattr(row, name) for name in MemoryDraft.__dataclass_fields__}
    try:
        draft = check_draft(MemoryDraft(**{**told, "topics": tuple(row.topics)}), must_be_plain=must_be_plain)
        for name in ("memory_id", "supersedes", "replaced_by", "model"):
            check_note(name, getattr(row, name))
    except MemoryInvalidError as error:
        raise type(error)(f"{place}.{error.field}", str(error).partition(": ")[2]) from error
    return UserMemory(
        memory_id=MemoryId(row.memory_id),
        user_id=user_id,
        memory=draft.memory,
        topics=draft.topics,
        slot=draft.slot,
        visibility=row.visibility,
        is_pinned=row.is_pinned,
        agent_id=AgentId(row.agent_id) if row.agent_id else None,
        team_id=row.team_id,
        input=row.input,
        feedback=row.feedback,
        source_session_id=draft.source_session_id or None,
        source_seq=row.source_seq if draft.source_session_id else None,
        supersedes=MemoryId(row.supersedes) if row.supersedes else None,
        replaced_by=MemoryId(row.replaced_by) if row.replaced_by else None,
        model=row.model,
        last_used_at=row.last_used_at,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
