"""What callers send about memories. What a memory may hold is checked by the gateway, on every way in."""

from typing import Annotated, Literal

from pydantic import Field, JsonValue

from adapters.api.bodies import NoQuery, Sent
from agent.memories import FACT_LIMIT, MAX_TOPICS

MAX_DELETED = 1_000
MAX_FOUND = 200
MAX_OWN_IMPORT = 1_000
Topic = Annotated[str, Field(max_length=200)]


class WriteOwnMemory(Sent):
    """Something to remember about oneself."""

    memory: str = Field(
        description=f"One sentence, 1 to {FACT_LIMIT} characters, without secrets.", examples=["likes green tea"]
    )
    topics: Annotated[list[Topic], Field(max_length=100)] = Field(default_factory=list, description="At most 8.")
    slot: str | None = Field(default=None, description="What a person has one of: it replaces what stands there.")
    visibility: str = Field(default="private", description="`private`, or `thread`: may be used where others read.")


class WriteMemory(WriteOwnMemory):
    """Something to remember about a person."""

    is_pinned: bool = False
    agent_id: str | None = None
    team_id: str | None = None
    input: str | None = Field(default=None, description="What it was made of.")
    feedback: str | None = None


class DeleteMemories(Sent):
    """The memories to delete."""

    memory_ids: Annotated[list[str], Field(min_length=1, max_length=MAX_DELETED)]


class ImportMemories(Sent):
    """What the export gave."""

    file: JsonValue
    with_new_ids: bool = Field(default=False, description="Give them fresh ids, to copy them to another person.")


class OptimizeMemories(Sent):
    """How to make the memories fewer."""

    strategy: Literal["summarize"] = "summarize"
    apply: bool = Field(default=True, description="`false`: only say what would be done.")


class MemoryQuery(NoQuery):
    """Which page of the memories, and in which order."""

    page: int = Field(default=1, ge=1, le=1_000_000, description="Counts from 1.")
    limit: int = Field(default=50, ge=1, le=200, description="How many at most.")
    sort: Literal["updated_at", "created_at", "memory"] = "updated_at"
    order: Literal["desc", "asc"] = "desc"
    topic: Annotated[list[Topic], Field(max_length=MAX_TOPICS)] = Field(
        default_factory=list,
        description="Only those with this topic; of several, with all of them.",
    )


class SearchQuery(NoQuery):
    """What to look for."""

    query: str = Field(default="", max_length=2_000)
    method: Literal["relevance", "last_n", "first_n", "agentic"] = "relevance"
    limit: int = Field(default=10, ge=1, le=MAX_FOUND, description="How many at most.")
    audience: Literal["private", "shared"] = Field(
        default="private", description="`shared`: only those that may be used where others read."
    )


class ExportQuery(NoQuery):
    """How much of it."""

    with_replaced: bool = Field(default=True, description="Also what newer memories have replaced.")
