"""Keeps this process known to be alive, and takes over from those that are not."""

import asyncio
import time

import structlog

from agent.errors import StoreUnavailableError
from agent.ids import SessionId
from gateway import metrics
from gateway.dispatcher import Dispatcher
from gateway.relay import BusRelay
from memory.workers import Workers

log = structlog.get_logger(__name__)
BEAT_S = 1.0
SWEEP_EVERY = 5


class Housekeeping:
    """One beat a second; with it a look for dead workers, and now and then for sessions that nobody works on."""

    def __init__(self, workers: Workers, dispatcher: Dispatcher, relay: BusRelay, lease_s: float) -> None:
        self._workers = workers
        self._dispatcher = dispatcher
        self._relay = relay
        self._lease_s = lease_s
        self._suspects: set[SessionId] = set()
        self._beat_at_s = time.monotonic()

    @property
    def silence_s(self) -> float:
        """Seconds since the database last took a beat."""
        return time.monotonic() - self._beat_at_s

    async def run(self) -> None:
        """Until cancelled."""
        beats = 0
        while True:
            try:
                await self._workers.beat()
                self._beat_at_s = time.monotonic()
                await self.recover()
                if beats % SWEEP_EVERY == 0:
                    await self._sweep()
            except StoreUnavailableError as error:
                log.warning("store_away", during="housekeeping", error=str(error))
            beats += 1
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

    async def _sweep(self) -> None:
        """A commit whose answer was lost may have given us a lease we do not know of: seen twice, it is given back."""
        unknown = await self._workers.list_owned() - set(self._dispatcher.active_sessions)
        if orphans := unknown & self._suspects:
            log.warning("orphans_freed", sessions=len(orphans))
            await self._workers.free(orphans)
            self._dispatcher.wake()
        self._suspects = unknown
