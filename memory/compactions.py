"""Summaries of older runs: kept beside the runs they stand for, which stay as they were."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from agent.errors import LeaseLostError
from agent.ids import RunId, SessionId, WorkerId
from agent.prompt import Earlier
from agent.records import PastRun
from agent.sizes import BilledSize
from agent.summary import Summary, dump_summary, load_summary
from memory.database import Database, Record
from memory.queries import query
from memory.rows import read_prompt

BEFORE_ALL = -(2**63)


@dataclass(frozen=True, slots=True, kw_only=True)
class Compaction:
    """A summary to keep. `base` is how far the newest one reached when this one was made, of the runs `cut`."""

    base: int | None
    cut: Sequence[PastRun]
    opening: int | None
    strategy: str
    summary: Summary
    model: str
    tokens_before: int
    tokens_after: int
    cost_usd: Decimal

    @property
    def upto(self) -> int:
        """The newest run it stands for."""
        return self.cut[-1].position


@dataclass(frozen=True, slots=True, kw_only=True)
class Fence:
    """The lease under which a run compacts its own session."""

    owner: WorkerId
    epoch: int


class Compactions:
    """Keeps summaries of sessions."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def save(self, session_id: SessionId, compaction: Compaction, fence: Fence | None) -> bool:
        """Put a summary in its place, from the next read on. False: the thread is no longer what was summarised.

        Without a fence it is made between runs. Raises `LeaseLostError` and `StoreUnavailableError`.
        """
        async with self._database.scope(session_id=session_id) as connection:
            owner, epoch = (fence.owner, fence.epoch) if fence else (None, None)
            if await connection.fetchrow(query("lock_lease"), session_id, owner, epoch) is None:
                raise LeaseLostError(session_id)
            base = BEFORE_ALL if compaction.base is None else compaction.base
            rows = await connection.fetch(query("load_words_of_runs"), session_id, base, compaction.upto)
            if not _is_as_it_was(rows, compaction.cut):
                return False
            saved = await connection.fetchrow(
                query("save_compaction"),
                session_id,
                compaction.base,
                compaction.upto,
                compaction.opening,
                compaction.strategy,
                dump_summary(compaction.summary),
                compaction.model,
                compaction.tokens_before,
                compaction.tokens_after,
                compaction.cost_usd,
            )
            return saved is not None


def _is_as_it_was(rows: Sequence[Record], cut: Sequence[PastRun]) -> bool:
    """Whether all that was summarised still stands there: somebody may have been erased meanwhile."""
    now = {(row["seq"], row["author_id"], row["text"]) for row in rows}
    return all((said.seq, said.author.id, said.text) in now for run in cut for said in run.prompt)


def read_earlier(session_id: SessionId, row: Record) -> Earlier | None:
    """What stands for the runs that were summarised; none where none were."""
    if row["upto"] is None:
        return None
    words = read_prompt(session_id, row["opening_words"])
    opening = PastRun(run_id=RunId(""), prompt=words, turns=(), answer=None, position=row["opening"]) if words else None
    return Earlier(upto=row["upto"], summary=load_summary(row["summary"]), opening=opening)


def read_billed(runs: Sequence[Sequence[Any]] | None) -> BilledSize | None:
    """The size of the newest run's prompt that is known, out of [position, run id, model, tokens, bytes] each."""
    for _, _, model, tokens, size_bytes in reversed(runs or ()):
        if tokens and size_bytes:
            return BilledSize(model=model, tokens=tokens, size_bytes=size_bytes)
    return None
