"""Keeps this process known to be alive, and takes over from those that are not."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence

import structlog

from agent.errors import StoreUnavailableError
from agent.ids import SessionId
from gateway import metrics
from gateway.dispatcher import Dispatcher
from gateway.relay import BusRelay
from memory.attachments import Attachments
from memory.workers import Workers

log = structlog.get_logger(__name__)
BEAT_S = 1.0
CLEAN_S = 60.0
ORPHAN_S = 2.0
"""Longer than any commit is waited for."""
Chore = Callable[[], Awaitable[None]]


class Housekeeping:
    """One beat a second; with it a look for dead workers, for sessions of ours that nobody works on, and `chores`."""

    def __init__(
        self,
        workers: Workers,
        dispatcher: Dispatcher,
        relay: BusRelay,
        attachments: Attachments,
        lease_s: float,
        chores: Sequence[Chore] = (),
    ) -> None:
        self._chores = chores
        self._workers = workers
        self._dispatcher = dispatcher
        self._relay = relay
        self._attachments = attachments
        self._clean_at_s = time.monotonic() + CLEAN_S
        self._lease_s = lease_s
        self._suspects: dict[tuple[SessionId, int], float] = {}
        self._beat_at_s = time.monotonic()

    @property
    def silence_s(self) -> float:
        """Seconds since the database last took a beat."""
        return time.monotonic() - self._beat_at_s

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            asked_at_s = time.monotonic()
            try:
                await self._workers.beat()
                self._beat_at_s = asked_at_s  # the database took it then or later, however late we hear of it
                await self.recover()
                await self._sweep()
                await self._clean()
                for chore in self._chores:
                    await chore()
            except StoreUnavailableError as error:
                log.warning("store_away", during="housekeeping", error=str(error))
            await asyncio.sleep(BEAT_S)

    async def recover(self) -> None:
        """Free what dead workers held, and go on with it."""
        found = await self._workers.recover(lease_s=self._lease_s)
        self._relay.set_others(found.others)
        if found.others:
            await self._relay.stop_asked()
        if found.workers or found.sessions:
            log.warning("recovered", workers=found.workers, sessions=found.sessions)
            metrics.recovered.inc(found.sessions)
            self._dispatcher.wake()

    async def _clean(self) -> None:
        """Files that nobody sent are deleted, some at a time."""
        if time.monotonic() >= self._clean_at_s:
            self._clean_at_s = time.monotonic() + CLEAN_S
            await self._attachments.delete_unsent()

    async def _sweep(self) -> None:
        """A commit whose answer was lost may have given us a lease we do not know of: it is given back after a while.

        It has to be the same lease all the while: that of a busy session may be between commit and begin at any time.
        """
        asked_at_s = time.monotonic()
        owned = await self._workers.list_owned()
        self._dispatcher.end_lost(owned, asked_at_s)
        active, now_s = set(self._dispatcher.active_sessions), time.monotonic()
        unknown = [lease for lease in owned if lease[0] not in active]
        self._suspects = {lease: self._suspects.get(lease, now_s) for lease in unknown}
        if orphans := [lease for lease, since_s in self._suspects.items() if now_s - since_s >= ORPHAN_S]:
            log.warning("orphans_freed", sessions=len(orphans))
            await self._workers.free(orphans)
            self._dispatcher.wake()
