"""What the API shows of memories."""

from collections.abc import Mapping
from datetime import datetime

from pydantic import JsonValue

from adapters.api.views import View


class MemoryView(View):
    """One thing remembered about one person. `valid_to` is null while it is live."""

    memory_id: str
    user_id: str
    memory: str
    topics: tuple[str, ...]
    slot: str | None
    visibility: str
    is_pinned: bool
    agent_id: str | None
    team_id: str | None
    input: str | None
    feedback: str | None
    source_session_id: str | None
    source_seq: int | None
    supersedes: str | None
    replaced_by: str | None
    model: str | None
    last_used_at: datetime | None
    valid_from: datetime
    valid_to: datetime | None
    created_at: datetime
    updated_at: datetime


class MemoryPageView(View):
    """A page of memories; `total` counts those of all `pages`."""

    memories: tuple[MemoryView, ...]
    page: int
    pages: int
    limit: int
    total: int


class FoundView(View):
    """Memories that were found, the best first."""

    memories: tuple[MemoryView, ...]


class ForgottenView(View):
    """What was deleted, and how many older versions went along."""

    memory_ids: tuple[str, ...]
    versions: int


class TopicView(View):
    """A topic, and how many memories have it."""

    topic: str
    total: int


class TopicsView(View):
    """Topics, the commonest first."""

    topics: tuple[TopicView, ...]


class StatsView(View):
    """Figures about a person's live memories; `replaced` counts what is kept as history, `tokens` is an estimate."""

    user_id: str
    total: int
    pinned: int
    replaced: int
    tokens: int
    by_visibility: Mapping[str, int]
    by_agent: Mapping[str, int]
    first_at: datetime | None
    last_at: datetime | None


class MemoryFileView(View):
    """All memories of a person, as they can be imported again."""

    version: int
    user_id: str
    memories: tuple[dict[str, JsonValue], ...]


class ImportedView(View):
    """What became of the memories. `skipped`: known already, or something newer stands in their slot."""

    added: int
    replaced: int
    skipped: int


class MergeView(View):
    """A text that takes the place of some memories."""

    memory: str
    sources: tuple[str, ...]


class OptimizationView(View):
    """What making the memories fewer came to. `optimization_id` is null where nothing was written."""

    optimization_id: str | None
    strategy: str
    merges: tuple[MergeView, ...]
    count_before: int
    count_after: int
    tokens_before: int
    tokens_after: int


class RevivedView(View):
    """The memories that are as they were before."""

    memory_ids: tuple[str, ...]
