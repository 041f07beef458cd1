"""Runs the tasks of one session one after another, and of many sessions side by side.

accept ─► took the lease ─► run ─► finish ─► the session's next ─► …  after eight: give the session back
                              │
                              ├── the model is away: put back, and try again later
                              ├── stopped by a person: keep what was said
                              ├── always fails: dead letter, one sentence to the person, the thread goes on
                              └── the process leaves: hand back, no attempt burned
"""

import asyncio
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Protocol
from weakref import WeakValueDictionary

import structlog

from agent.errors import LeaseLostError, ModelError, StoreUnavailableError
from agent.ids import RunId, SessionId, TaskId
from agent.tasks import Inbound
from gateway import metrics
from gateway.active import Active
from gateway.endings import Endings, Limits
from gateway.faults import outlive_faults
from gateway.hub import Hub
from gateway.runner import Runner
from memory.task_records import Claim, Intake
from memory.tasks import Tasks

log = structlog.get_logger(__name__)
STORE_RETRY_S = 0.5
UNKNOWN_SEQ = 2**62
"""Beyond any number there is: read all there is."""


class Elsewhere(Protocol):
    """The other processes."""

    async def stop_elsewhere(self, session_id: SessionId, task_id: TaskId) -> bool:
        """Ask whichever process runs a task to stop it. False: none does."""
        ...


class Dispatcher:
    """The runs of this process."""

    def __init__(
        self,
        tasks: Tasks,
        runner: Runner,
        hub: Hub,
        limits: Limits,
        on_posted: Callable[[], None] | None = None,
        intake: Tasks | None = None,
    ) -> None:
        self._tasks = tasks
        self._intake = intake or tasks
        self._runner = runner
        self._hub = hub
        self._limits = limits
        self._active: dict[SessionId, Active] = {}
        self._workers: set[asyncio.Task[None]] = set()
        self._accepting: WeakValueDictionary[SessionId, asyncio.Lock] = WeakValueDictionary()
        self._wake = asyncio.Event()
        self._is_starved = False
        self._endings = Endings(tasks, runner, hub, limits, self.wake, on_posted)
        self.relay: Elsewhere | None = None

    @property
    def hub(self) -> Hub:
        """Where what happens here is told."""
        return self._hub

    @property
    def active_sessions(self) -> list[SessionId]:
        """The sessions that run here now."""
        return list(self._active)

    @property
    def _has_room(self) -> bool:
        return not self._endings.is_draining and len(self._active) < self._limits.capacity

    async def accept(self, inbound: Inbound) -> Intake:
        """Commit a message and start on it when its session is free. Accepts of one session follow one another.

        Raises `ConflictError`, `BusyError`, `StoreUnavailableError`.
        """
        async with self._accepting.setdefault(inbound.session_id, asyncio.Lock()):
            self._is_starved |= not self._has_room
            intake = await self._intake.accept(inbound, may_take=self._has_room)
            self._hub.publish(inbound.session_id, intake.entries)
            metrics.accepted.labels(inbound.channel).inc()
            if intake.claim is not None:
                self._begin(intake.claim)
        return intake

    async def stop_run(self, session_id: SessionId, run_id: RunId) -> bool:
        """Stop a run that goes on or waits, here or elsewhere. False when there is nothing to stop."""
        if self._is_here(session_id, run_id):
            return self.stop_here(session_id, run_id)
        task_id = TaskId("task_" + run_id.removeprefix("run_"))
        if notes := await self._intake.stop_waiting(session_id, task_id):
            self._hub.publish(session_id, notes)
            return True
        return self.relay is not None and await self.relay.stop_elsewhere(session_id, task_id)

    def _is_here(self, session_id: SessionId, run_id: RunId) -> bool:
        active = self._active.get(session_id)
        attempt = active.attempt if active else None
        return attempt is not None and run_id in (attempt.claim.run_id, *attempt.merged)

    def stop_here(self, session_id: SessionId, run_id: RunId) -> bool:
        """Stop a run of this process. False when it does not go on here, or is being stopped."""
        active = self._active.get(session_id)
        if active is None or active.run is None or active.is_stopped or not self._is_here(session_id, run_id):
            return False
        active.is_stopped = active.run.cancel()
        return active.is_stopped

    def wake(self) -> None:
        """Something may wait in the database: look now."""
        self._wake.set()

    async def poll(self) -> None:
        """Claim what waits, for ever: when woken, and every second."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._limits.poll_s):
                    await self._wake.wait()
            self._wake.clear()
            with outlive_faults("claim"):
                await self._claim()

    async def _claim(self) -> None:
        self._is_starved = True
        while self._has_room:
            claims = await self._tasks.claim(self._limits.capacity - len(self._active))
            if not claims:
                self._is_starved = False
                return
            for claim in claims:
                self._begin(claim)

    def end_lost(self, owned: Collection[tuple[SessionId, int]], asked_at_s: float) -> None:
        """End the runs whose lease is not among those that this process held at that time: nothing they do counts.

        A run that began since is left alone, and so is one whose end is being committed.
        """
        for active in self._active.values():
            attempt, run = active.attempt, active.run
            if attempt is None or run is None or run.done() or attempt.started_s >= asked_at_s:
                continue
            if (attempt.claim.session_id, attempt.claim.epoch) not in owned:
                active.is_stale = True
                run.cancel()

    async def drain(self, within_s: float) -> None:
        """Take nothing more; let running turns end within the time, then hand the rest back."""
        self._endings.is_draining = True
        if self._workers:
            await asyncio.wait(self._workers, timeout=within_s)
        for active in self._active.values():
            if active.run is not None:
                active.run.cancel()
        if self._workers:
            await asyncio.wait(self._workers, timeout=5.0)
        for worker in self._workers:
            worker.cancel()

    def _begin(self, claim: Claim) -> None:
        former = self._active.get(claim.session_id)
        active = self._active[claim.session_id] = Active()
        worker = asyncio.create_task(self._work(claim, active, former), name=f"session {claim.session_id}")
        active.worker = worker
        self._workers.add(worker)
        metrics.active.set(len(self._active))
        worker.add_done_callback(self._workers.discard)

    async def _work(self, claim: Claim, active: Active, former: Active | None) -> None:
        """The tasks of a session, from this one on, until none waits or others have waited long enough."""
        session_id = claim.session_id
        try:
            if former is not None:
                await former.evict()
            following: Claim | None = claim
            for done in range(1, self._limits.yield_after + 1):
                if following is None:
                    break
                following = await self._run_task(following, active, may_keep=done < self._limits.yield_after)
        except LeaseLostError:
            log.warning("lease_lost", session_id=session_id)
            self._hub.put_head(session_id, UNKNOWN_SEQ)  # our own commit, not heard of, or another's: who watches reads
        except StoreUnavailableError as error:
            log.warning("store_away", during="run", session_id=session_id, error=str(error))
        finally:
            if self._active.get(session_id) is active:
                del self._active[session_id]
            metrics.active.set(len(self._active))
            self._hub.end_run(session_id)
            if self._is_starved:
                self._wake.set()

    async def _run_task(self, claim: Claim, active: Active, *, may_keep: bool) -> Claim | None:
        """One task to its end; the session's next claim when there is one."""
        attempt = await self._endings.start(claim)
        if attempt is None:
            return None
        active.attempt, active.is_stopped = attempt, False
        active.run = asyncio.create_task(self._runner.run(attempt), name=f"run {claim.run_id}")
        try:
            outcome = await active.run
            return await self._endings.finish(attempt, outcome, may_keep=may_keep)
        except asyncio.CancelledError as error:
            if active.is_stale:
                raise LeaseLostError(claim.session_id) from None
            if active.is_stopped:
                return await self._endings.finish(attempt, self._runner.stopped(attempt), may_keep=may_keep)
            if not self._is_leaving():
                return await self._endings.handle_bug(attempt, error, may_keep=may_keep)
            await self._endings.put_back(attempt, 0.0, None, counts=False)
            return None
        except ModelError as error:
            return await self._endings.handle_fault(attempt, error, may_keep=may_keep)
        except LeaseLostError:
            raise
        except StoreUnavailableError:
            await self._endings.put_back(attempt, STORE_RETRY_S, None, counts=False)
            return None
        except Exception as error:  # noqa: BLE001  a fault of ours must not cost the task: it is tried again
            return await self._endings.handle_bug(attempt, error, may_keep=may_keep)

    def _is_leaving(self) -> bool:
        """Whether runs are cancelled because the process leaves; else somebody's code cancelled itself."""
        task = asyncio.current_task()
        return self._endings.is_draining or (task is not None and task.cancelling() > 0)
