"""Writes deliveries of Slack down: one statement is in flight, and what comes meanwhile goes into the next.

So an ack waits for the disk twice at most, however many deliveries come at once.
"""

import asyncio
from dataclasses import dataclass

import asyncpg

from agent.errors import StoreUnavailableError
from agent.ids import WorkerId
from agent.records import JsonObject
from memory.database import Database
from memory.queries import query

BATCH = 64
_ENDED = "what was to be written down was given up"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A delivery as it is written down: `verdict` and `reason` where they are known at once."""

    event_id: str
    twin_key: str | None
    lane: str
    kind: str
    payload: JsonObject | None
    verdict: str | None
    reason: str | None


Received = tuple[int, bool] | None
"""Its number, and whether to take it in now; none when it was here before."""


class Receiving:
    """Of one process. `twin_reason` stands under a delivery whose twin was here before."""

    def __init__(self, database: Database, worker_id: WorkerId) -> None:
        self._database = database
        self._worker_id = worker_id
        self._waiting: list[tuple[Told, bool, asyncio.Future[Received]]] = []
        self._task: asyncio.Task[None] | None = None

    async def receive(self, told: Told, twin_reason: str, *, may_take: bool) -> Received:
        """Write a delivery down. Raises `StoreUnavailableError`: then it may stand there, and comes again."""
        future: asyncio.Future[Received] = asyncio.get_running_loop().create_future()
        self._waiting.append((told, may_take, future))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._write(twin_reason), name="slack receiving")
        return await future

    async def _write(self, twin_reason: str) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:BATCH], self._waiting[BATCH:]
            try:
                await self._write_batch(batch, twin_reason)
            except (StoreUnavailableError, asyncpg.PostgresError) as error:
                _fail(batch, error)
            finally:
                _fail(batch, StoreUnavailableError(_ENDED))

    async def _write_batch(self, batch: list[tuple[Told, bool, "asyncio.Future[Received]"]], twin_reason: str) -> None:
        rows = [{name: getattr(told, name) for name in Told.__slots__} for told, _, _ in batch]
        room = sum(may_take for _, may_take, _ in batch)
        found = await self._database.fetch(query("slack_receive"), rows, twin_reason, self._worker_id, room)
        numbers: dict[str, Received] = {row["event_id"]: (row["inbox_id"], row["is_mine"]) for row in found}
        for told, _, future in batch:
            number = numbers.pop(told.event_id, None)  # the same event twice at once: the first has it
            if not future.done():
                future.set_result(number)


def _fail(batch: list[tuple[Told, bool, "asyncio.Future[Received]"]], error: Exception) -> None:
    for _, _, future in batch:
        if not future.done():
            future.set_exception(error)
