"""How long each kind of data is kept, and the deletion of what is older, little by little."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass

import structlog

from agent.ids import AgentId
from gateway import metrics
from gateway.faults import outlive_faults
from memory.retention import Expiry

log = structlog.get_logger(__name__)
LOOK_S = 60.0
AT_ONCE = 200
UNSTORED_DAYS = 1 / 24
"""So long the silent sessions of an agent without storage are kept: a client may ask for its answer, or send again."""
LOOK_BACK_DAYS = 2.0
Expire = Callable[[float, int], Awaitable[int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Periods:
    """How many days each kind of data is kept; none: for ever."""

    sessions_days: float | None = None
    attachments_days: float | None = None
    memories_days: float | None = None
    memory_history_days: float | None = None


FOR_EVER = Periods()


class Retention:
    """Deletes what is older than its period."""

    def __init__(self, expiry: Expiry, periods: Periods, unstored: Sequence[AgentId] = ()) -> None:
        self._expiry = expiry
        self._periods = periods
        self._unstored = unstored
        self._is_caught_up = False

    async def _expire_unstored(self, days: float, limit: int) -> int:
        """All there are at first, since nothing may have been deleted for long; then only what fell silent lately."""
        since_days = LOOK_BACK_DAYS if self._is_caught_up else None
        found = await self._expiry.expire_sessions_of(self._unstored, days, since_days, limit)
        self._is_caught_up = self._is_caught_up or found < limit
        return found

    def _kinds(self) -> Iterator[tuple[str, Expire, float]]:
        kinds: tuple[tuple[str, Expire, float | None], ...] = (
            ("sessions", self._expiry.expire_sessions, self._periods.sessions_days),
            ("unstored", self._expire_unstored, UNSTORED_DAYS if self._unstored else None),
            ("attachments", self._expiry.expire_files, self._periods.attachments_days),
            ("memories", self._expiry.expire_memories, self._periods.memories_days),
            ("memory_history", self._expiry.expire_memory_history, self._periods.memory_history_days),
        )
        for kind, expire, days in kinds:
            if days is not None:
                yield kind, expire, days

    async def work(self) -> bool:
        """Delete some of each kind. True: there may be more. Raises `StoreUnavailableError`."""
        has_more = False
        for kind, expire, days in self._kinds():
            found = await expire(days, AT_ONCE)
            if found:
                metrics.expired.labels(kind).inc(found)
                log.info("data_expired", kind=kind, count=found)
            has_more |= found >= AT_ONCE
        return has_more

    async def run(self) -> None:
        """Every minute, until cancelled."""
        while True:
            has_more = False
            with outlive_faults("retention"):
                has_more = await self.work()
            await asyncio.sleep(1.0 if has_more else LOOK_S)
