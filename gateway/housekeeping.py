"""Keeps this process known to be alive, and takes over from those that are not."""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Sequence

import structlog

from agent.ids import SessionId
from gateway import metrics
from gateway.dispatcher import Dispatcher
from gateway.faults import outlive_bugs, outlive_faults
from gateway.relay import BusRelay
from memory.attachments import Attachments
from memory.workers import Workers

log = structlog.get_logger(__name__)
BEAT_S = 1.0
SILENT_BEATS = 3
"""So many missing beats of our own, or those of half a lease, are a silence: others may have been kept by the same."""
CLEAN_S = 60.0
ORPHAN_S = 2.0
"""Longer than any commit is waited for."""
Chore = Callable[[], Awaitable[None]]


class Heartbeat:
    """Says once a second that this process is alive, and looks for others that are not. Nothing else may delay it.

    `on_known_anew`: the process had been declared dead, so that what others knew of it is gone.
    """

    def __init__(
        self,
        workers: Workers,
        dispatcher: Dispatcher,
        relay: BusRelay,
        lease_s: float,
        on_known_anew: Callable[[], None],
    ) -> None:
        self._on_known_anew = on_known_anew
        self._workers = workers
        self._dispatcher = dispatcher
        self._relay = relay
        self._lease_s = lease_s
        self._beat_at_s = time.monotonic()
        self._awake_at_s = -math.inf

    @property
    def silence_s(self) -> float:
        """Seconds since the database last took a beat."""
        return time.monotonic() - self._beat_at_s

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            asked_at_s = time.monotonic()
            with outlive_faults("heartbeat"):
                is_known_anew = await self._workers.beat()
                if self.silence_s >= max(self._lease_s / 2, SILENT_BEATS * BEAT_S):
                    self._awake_at_s = time.monotonic()
                self._beat_at_s = asked_at_s  # the database took it then or later, however late we hear of it
                if is_known_anew:
                    self._on_known_anew()
                await self.recover()
            await asyncio.sleep(BEAT_S)

    async def recover(self) -> None:
        """Free what dead workers held, and go on with it."""
        awake_s = time.monotonic() - self._awake_at_s
        found = await self._workers.recover(lease_s=self._lease_s, awake_s=awake_s)
        self._relay.set_others(found.others)
        if found.others:
            await self._relay.stop_asked()
        if found.workers or found.sessions:
            log.warning("recovered", workers=found.workers, sessions=found.sessions)
            metrics.recovered.inc(found.sessions)
            self._dispatcher.wake()


class Housekeeping:
    """Once a second: a look for sessions of ours that nobody works on, and `chores`."""

    def __init__(
        self, workers: Workers, dispatcher: Dispatcher, attachments: Attachments, chores: Sequence[Chore] = ()
    ) -> None:
        self._workers = workers
        self._dispatcher = dispatcher
        self._attachments = attachments
        self._chores = (self._sweep, self._clean, *chores)
        self._clean_at_s = time.monotonic() + CLEAN_S
        self._suspects: dict[tuple[SessionId, int], float] = {}

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            with outlive_faults("housekeeping"):
                for chore in self._chores:
                    with outlive_bugs("housekeeping"):  # the others are to be done all the same
                        await chore()
            await asyncio.sleep(BEAT_S)

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
