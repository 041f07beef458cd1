"""The task engine against a model of it that fits on a page: any steps of any workers, dead and paused ones too."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeVar

import asyncpg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from agent.errors import LeaseLostError
from agent.ids import SessionId, TaskId, WorkerId, run_id_of
from agent.records import Message, Run, RunState
from agent.tasks import TaskState
from memory.context import Sessions
from memory.database import Database
from memory.task_records import Claim, Outcome
from memory.tasks import Tasks
from memory.workers import Workers
from tests.support.make import ANN, BOB, inbound

T = TypeVar("T")
NAMES = (WorkerId("w0"), WorkerId("w1"))
THREADS = (SessionId("web:demo:t0"),)
"""One session and two workers: what one session suffers from another is tried elsewhere, and steps meet more often."""
USERS = (ANN, BOB, None)
OPEN = ("queued", "running")
LONG_S = 10_000.0


@dataclass(kw_only=True)
class Job:
    """A task as the model has it."""

    task_id: TaskId
    user: str | None
    text: str
    state: str
    into: "Job | None" = None


@dataclass(kw_only=True)
class Thread:
    """A session as the model has it: its tasks in order, and its lease."""

    jobs: list[Job] = field(default_factory=list)
    owner: WorkerId | None = None
    epoch: int = 0

    @property
    def open(self) -> list[Job]:
        """What is not over, in order."""
        return [job for job in self.jobs if job.state in OPEN]

    def free(self) -> None:
        """The lease is taken from its owner: what ran waits again."""
        self.owner, self.epoch = None, self.epoch + 1
        for job in self.jobs:
            job.state = "queued" if job.state == "running" else job.state


@dataclass(frozen=True, kw_only=True)
class Held:
    """A claim in a worker's hands; it may be stale by now."""

    worker: WorkerId
    claim: Claim
    job: Job


def done(task_id: TaskId) -> Outcome:
    """A run that says which task it answers."""
    run = Run(run_id=run_id_of(task_id), session_id=THREADS[0], state=RunState.DONE, text=task_id, model="m")
    return Outcome(state=TaskState.DONE, run_state=RunState.DONE, run=run, answer=task_id)


class Engine(RuleBasedStateMachine):
    """Each rule does a step in the database and in the model, and expects the same of both."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._runner = asyncio.Runner()
        self._database = self._do(lambda: Database.open(url, size=2, statement_s=LONG_S))
        self._do(lambda: _empty(url))
        self._tasks = {name: Tasks(self._database, name) for name in NAMES}
        self._workers = {name: Workers(self._database, name) for name in NAMES}
        for worker in self._workers.values():
            self._do(worker.beat)
        self._threads = {session_id: Thread() for session_id in THREADS}
        self._held: list[Held] = []
        self._accepted = 0

    def _do(self, step: Callable[[], Awaitable[T]]) -> T:
        async def run() -> T:
            async with asyncio.timeout(60):
                return await step()

        return self._runner.run(run())

    def _is_fresh(self, held: Held) -> bool:
        thread = self._threads[held.claim.session_id]
        return thread.owner == held.worker and thread.epoch == held.claim.epoch

    def _hold(self, worker: WorkerId, claim: Claim) -> None:
        thread = self._threads[claim.session_id]
        job = next(job for job in thread.jobs if job.task_id == claim.task_id)
        self._held.append(Held(worker=worker, claim=claim, job=job))

    @rule(
        worker=st.sampled_from(NAMES),
        session_id=st.sampled_from(THREADS),
        user=st.sampled_from(USERS),
        may_take=st.booleans(),
    )
    def accept(self, worker: WorkerId, session_id: SessionId, user: Any, may_take: bool) -> None:
        """A message comes; it is begun at once where its session is free and empty."""
        self._accepted += 1
        text = f"m{self._accepted}"
        message = inbound(text, user=user, session_id=session_id)
        intake = self._do(lambda: self._tasks[worker].accept(message, may_take=may_take))
        thread = self._threads[session_id]
        is_begun = may_take and thread.owner is None and not thread.open
        if not thread.jobs and not is_begun:
            thread.epoch = 1
        state = "running" if is_begun else "queued"
        thread.jobs.append(Job(task_id=intake.accepted.task_id, user=user.id if user else None, text=text, state=state))
        assert (intake.claim is not None) == is_begun
        if intake.claim is not None:
            thread.owner, thread.epoch = worker, thread.epoch + 1
            assert intake.claim.epoch == thread.epoch
            self._hold(worker, intake.claim)

    @precondition(lambda self: self._accepted > 0)
    @rule(data=st.data(), worker=st.sampled_from(NAMES))
    def accept_again(self, data: st.DataObject, worker: WorkerId) -> None:
        """A message that comes again is the same message."""
        known = [(session_id, job) for session_id, thread in self._threads.items() for job in thread.jobs]
        session_id, job = data.draw(st.sampled_from(known))
        user = next((user for user in (ANN, BOB) if user.id == job.user), None)
        message = inbound(job.text, user=user, session_id=session_id)
        intake = self._do(lambda: self._tasks[worker].accept(message, may_take=True))
        assert (intake.accepted.task_id, intake.accepted.is_duplicate, intake.claim) == (job.task_id, True, None)

    @rule(worker=st.sampled_from(NAMES))
    def claim(self, worker: WorkerId) -> None:
        """A worker takes all sessions that wait, each at its head."""
        claims = self._do(lambda: self._tasks[worker].claim(10))
        waiting = {name: t for name, t in self._threads.items() if t.owner is None and t.open}
        assert {c.session_id: c.task_id for c in claims} == {n: t.open[0].task_id for n, t in waiting.items()}
        for claim in claims:
            thread = self._threads[claim.session_id]
            thread.owner, thread.epoch = worker, thread.epoch + 1
            assert claim.epoch == thread.epoch
            self._hold(worker, claim)

    @precondition(lambda self: self._held)
    @rule(data=st.data())
    def start(self, data: st.DataObject) -> None:
        """A held task begins, and takes along what its person said meanwhile; a stale claim begins nothing."""
        held = data.draw(st.sampled_from(self._held))
        started = self._do(lambda: self._tasks[held.worker].start(held.claim))
        may_start = self._is_fresh(held) and held.job.state in OPEN
        assert (started is not None) == may_start
        if started is None:
            return
        thread, job = self._threads[held.claim.session_id], held.job
        job.state = "running"
        for other in thread.jobs[thread.jobs.index(job) + 1 :]:
            if other.state == "queued" and other.user is not None and other.user == job.user:
                other.state, other.into = "merged", job
        merged = [other.task_id for other in thread.jobs if other.into is job]
        assert set(started.merged) == {run_id_of(task_id) for task_id in merged}

    @precondition(lambda self: self._held)
    @rule(data=st.data(), may_keep=st.booleans())
    def finish(self, data: st.DataObject, may_keep: bool) -> None:
        """Only the lease's owner writes an end; the session goes on with its next task, or is let go."""
        held = data.draw(st.sampled_from(self._held))
        thread, tasks, outcome = self._threads[held.claim.session_id], self._tasks[held.worker], done(held.job.task_id)
        if not (self._is_fresh(held) and held.job.state == "running"):
            with pytest.raises(LeaseLostError):
                self._do(lambda: tasks.finish(held.claim, outcome, may_keep=may_keep))
            return
        finish = self._do(lambda: tasks.finish(held.claim, outcome, may_keep=may_keep))
        held.job.state = "done"
        following = next(iter(thread.open), None)
        assert (finish.next.task_id if finish.next else None) == (following.task_id if may_keep and following else None)
        if finish.next is not None:
            self._hold(held.worker, finish.next)
        else:
            thread.owner = None

    @precondition(lambda self: self._held)
    @rule(data=st.data(), counts=st.booleans())
    def put_back(self, data: st.DataObject, counts: bool) -> None:
        """A run that did not come to its end waits again, for whoever is free."""
        held = data.draw(st.sampled_from(self._held))
        tasks = self._tasks[held.worker]
        if self._is_fresh(held) and held.job.state == "running":
            self._do(lambda: tasks.put_back(held.claim, after_s=0.0, note=None, counts=counts))
            held.job.state, self._threads[held.claim.session_id].owner = "queued", None
        else:
            with pytest.raises(LeaseLostError):
                self._do(lambda: tasks.put_back(held.claim, after_s=0.0, note=None, counts=counts))

    @precondition(lambda self: self._accepted > 0)
    @rule(data=st.data())
    def stop_waiting(self, data: st.DataObject) -> None:
        """What waits can be stopped, under any of the messages that it answers."""
        known = [(session_id, job) for session_id, thread in self._threads.items() for job in thread.jobs]
        session_id, job = data.draw(st.sampled_from(known))
        notes = self._do(lambda: self._tasks[NAMES[0]].stop_waiting(session_id, job.task_id))
        thread, head = self._threads[session_id], job.into or job
        if head.state == "queued":
            head.state = "stopped"
            thread.owner = thread.owner if thread.open else None
            ended = [one for one in thread.jobs if one is head or one.into is head]
            assert {note.run_id for note in notes} == {run_id_of(one.task_id) for one in ended}
        else:
            assert notes == []

    @precondition(lambda self: self._held)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        """A claim whose task cannot begin goes back."""
        held = data.draw(st.sampled_from(self._held))
        if held.job.state == "running" and self._is_fresh(held):
            return  # a worker never lets go of what it runs in this way
        self._do(lambda: self._tasks[held.worker].release(held.claim))
        if self._is_fresh(held):
            self._threads[held.claim.session_id].owner = None

    @rule(dead=st.sampled_from(NAMES), finder=st.sampled_from(NAMES))
    def die(self, dead: WorkerId, finder: WorkerId) -> None:
        """What a dead worker held is freed by another; it may come back with its claims in its hands."""
        if dead == finder:
            self._do(self._workers[dead].leave)
        else:
            self._do(lambda: self._database.execute("DELETE FROM workers WHERE worker_id = $1", dead))
            self._do(lambda: self._workers[finder].recover(lease_s=LONG_S, grace_s=LONG_S))
        for thread in self._threads.values():
            if thread.owner == dead:
                thread.free()
        self._do(self._workers[dead].beat)

    @invariant()
    def agrees(self) -> None:
        """The rows are what the model says, and at most one task of a session runs."""
        for session_id, thread in self._threads.items():
            rows = self._do(partial(self._database.fetch, TASKS, session_id))
            assert [(row["task_id"], row["state"]) for row in rows] == [(j.task_id, j.state) for j in thread.jobs]
            assert sum(job.state == "running" for job in thread.jobs) <= 1
            assert thread.open or thread.owner is None
            if thread.jobs:
                lease = self._do(partial(self._database.fetchrow, LEASE, session_id))
                assert lease is not None
                assert tuple(lease) == (thread.owner, thread.epoch, len(thread.open))

    def teardown(self) -> None:
        """Everybody dies, one comes back and works: everything is answered once and in order."""
        try:
            for name in NAMES:
                self._do(self._workers[name].leave)
            self._do(self._work_off)
            for session_id in THREADS:
                self._do(partial(self._check_log, session_id))
        finally:
            self._do(self._database.close)
            self._runner.close()

    async def _work_off(self) -> None:
        tasks = self._tasks[NAMES[0]]
        await self._workers[NAMES[0]].beat()
        while claims := await tasks.claim(10):
            for claim in claims:
                start = await tasks.start(claim)
                assert start is not None
                outcome = replace(done(claim.task_id), merged=start.merged)
                await tasks.finish(claim, outcome, may_keep=False)

    async def _check_log(self, session_id: SessionId) -> None:
        log = await Sessions(self._database).load_log(session_id, 0, 10_000)
        assert [entry.seq for entry in log] == list(range(1, len(log) + 1))
        said = [entry for entry in log if isinstance(entry, Message)]
        thread = self._threads[session_id]
        assert [entry.text for entry in said if entry.role == "user"] == [job.text for job in thread.jobs]
        rows = await self._database.fetch(TASKS, session_id)
        answered = [row["task_id"] for row in rows if row["state"] == "done"]
        assert [entry.text for entry in said if entry.role == "assistant"] == answered
        assert {row["state"] for row in rows} <= {"done", "merged", "stopped"}


TASKS = "SELECT task_id, state FROM tasks WHERE session_id = $1 ORDER BY position"
LEASE = "SELECT owner, epoch, queued FROM session_leases WHERE session_id = $1"
TABLES = "tasks, session_leases, sessions, messages, run_notes, runs, turns, dedupe, participants, jobs, workers"


async def _empty(url: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(f"TRUNCATE {TABLES}")
    await connection.close()


def test_whatever_workers_do_the_engine_does_what_its_model_says(database_url: str) -> None:
    """Each message is answered once and in order, whoever dies, comes back or tries what is no longer theirs.

    Proves: RE-8, RE-15.
    """
    sized = settings(max_examples=20, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(lambda: Engine(database_url), settings=sized)  # type: ignore[arg-type]
