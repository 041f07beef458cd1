"""Carries out a plan: hits, waits, and measures how long the gateways take to be well again."""

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import asyncpg

from tests.chaos.plan import Fault, FaultKind
from tests.chaos.replica import Replica
from tests.chaos.wire import Wire

READY_S = 60.0


@dataclass(slots=True, kw_only=True)
class Timings:
    """What was measured, in seconds: until a paused process's threads were free, until one that was asked to leave was
    gone, until messages were acked again after a restart of the database. `leftovers` are leases that a process took
    with it although it was asked to leave; `burned` attempts that this cost.
    """

    freed_s: list[float] = field(default_factory=list)
    left_s: list[float] = field(default_factory=list)
    ready_s: list[float] = field(default_factory=list)
    leftovers: int = 0
    burned: int = 0
    done: dict[FaultKind, int] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Injector:
    """Hits the replicas, the wire and the database. `probe` returns once every replica has acked a message again."""

    replicas: Sequence[Replica]
    wire: Wire
    dsn: str
    restart_database: Callable[[], Awaitable[None]]
    probe: Callable[[], Awaitable[None]]
    lease_s: float
    stall_s: float = 5.0
    timings: Timings = field(default_factory=Timings)

    async def run(self, plan: Sequence[Fault]) -> None:
        """One fault after another."""
        for fault in plan:
            replica = self.replicas[fault.replica]
            async with asyncio.timeout(READY_S):
                await replica.ready.wait()
            await asyncio.sleep(fault.after_s)
            await self._hit(fault, replica)
            self.timings.done[fault.kind] = self.timings.done.get(fault.kind, 0) + 1

    async def _hit(self, fault: Fault, replica: Replica) -> None:
        match fault.kind:
            case FaultKind.KILL:
                await replica.kill()
            case FaultKind.TERMINATE:
                await self._terminate(replica)
            case FaultKind.PAUSE:
                await self._pause(replica)
            case FaultKind.RESTART_DATABASE:
                started_s = time.monotonic()
                await self.restart_database()
                await self.probe()
                self.timings.ready_s.append(time.monotonic() - started_s)
            case FaultKind.CUT:
                self.wire.cut()
            case FaultKind.STALL:
                self.wire.stall()
                await asyncio.sleep(self.stall_s)
                self.wire.flow()
            case FaultKind.HALF_OPEN:
                self.wire.half_open()
            case FaultKind.CLOCK:
                is_ahead = self.timings.done.get(FaultKind.CLOCK, 0) % 2 == 0
                replica.signal(signal.SIGUSR1 if is_ahead else signal.SIGUSR2)

    async def _terminate(self, replica: Replica) -> None:
        """Ask it to leave, and look that it took no lease and no attempt with it."""
        worker_id = replica.worker_id
        before = await self._running(worker_id)
        replica.ready.clear()
        replica.signal(signal.SIGTERM)
        started_s = time.monotonic()
        await replica.wait_ended()
        self.timings.left_s.append(time.monotonic() - started_s)
        self.timings.leftovers += len(await self._running(worker_id))
        self.timings.burned += await self._count_burned(before)

    async def _pause(self, replica: Replica) -> None:
        worker_id = replica.worker_id
        replica.signal(signal.SIGSTOP)
        started_s = time.monotonic()
        try:
            while await self._running(worker_id):
                if time.monotonic() - started_s > 10 * self.lease_s:
                    break
                await asyncio.sleep(0.05)
            self.timings.freed_s.append(time.monotonic() - started_s)
            await asyncio.sleep(max(0.0, started_s + 3 * self.lease_s - time.monotonic()))
        finally:
            replica.signal(signal.SIGCONT)

    async def _running(self, worker_id: str) -> dict[str, int]:
        """The attempts of the tasks in the sessions that a worker owns."""
        sql = """
            SELECT t.task_id, t.attempts FROM session_leases l JOIN tasks t ON t.session_id = l.session_id
            WHERE l.owner = $1 AND t.state = 'running'
        """
        return {row[0]: row[1] for row in await self._fetch(sql, worker_id)}

    async def _count_burned(self, before: dict[str, int]) -> int:
        """How many tasks are at a later attempt than before, without their run having failed or begun anew since."""
        sql = """
            SELECT t.task_id, t.attempts FROM tasks t
            WHERE t.task_id = ANY($1) AND NOT EXISTS (
                SELECT FROM run_notes n WHERE n.session_id = t.session_id AND n.state = 'queued' AND n.label IS NOT NULL
                AND n.run_id = 'run_' || substr(t.task_id, 6))
        """
        rows = await self._fetch(sql, list(before))
        return sum(row[1] > before[row[0]] for row in rows)

    async def _fetch(self, sql: str, *arguments: object) -> list[asyncpg.Record]:
        connection = await asyncpg.connect(self.dsn)
        try:
            return await connection.fetch(sql, *arguments)
        finally:
            await connection.close()
