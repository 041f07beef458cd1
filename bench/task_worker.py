"""A worker process of `bench.tasks`: the task engine's steps as the dispatcher takes them, without an agent between.

It says `ready`, waits for a line, works, and reports in one line of JSON.
"""

import asyncio
import json
import random
import sys
import time
from dataclasses import dataclass

import uvloop

from agent.ids import AgentId, SessionId, TaskId, WorkerId, new_worker_id, run_id_of
from agent.records import Audience, Run, RunState
from agent.tasks import Inbound, TaskState
from memory.database import Database
from memory.task_records import Claim, Outcome
from memory.tasks import Tasks

POOL = 16
AT_ONCE = 24
WARM_ROUNDS = 8
YIELD_AFTER = 8
CLAIM_LIMIT = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a worker process is to do: `count` tasks as fast as it can, or at `rate` per second, over `sessions`.

    `is_claiming`: it gives itself no tasks but takes `count` that wait. `is_polling`: it also looks for what waits.
    `is_floor`: instead of a task it commits one row, and then a change of it, which is the least that a task can be.
    """

    dsn: str
    count: int
    sessions: int
    name: str
    rate: float = 0.0
    is_claiming: bool = False
    is_polling: bool = False
    is_floor: bool = False


def _done(task_id: TaskId, session_id: SessionId) -> Outcome:
    run = Run(run_id=run_id_of(task_id), session_id=session_id, state=RunState.DONE, text="An answer.", model="none")
    return Outcome(state=TaskState.DONE, run_state=RunState.DONE, run=run, answer=run.text)


async def _finish(tasks: Tasks, claim: Claim) -> None:
    await tasks.finish(claim, _done(claim.task_id, claim.session_id), may_keep=False)


class Worker:
    """The engine's steps as the dispatcher takes them, without an agent between."""

    def __init__(self, order: Order, database: Database) -> None:
        self._order = order
        self._database = database
        self._tasks = Tasks(database, WorkerId(new_worker_id()))
        self._random = random.Random(order.name)
        self._keys = 0
        self.finished = 0
        self.began_ms: list[float] = []
        self.ended_ms: list[float] = []

    async def warm_up(self) -> None:
        """Let every connection plan its statements, as those of a gateway that has served for a while have done.

        A round is as many calls at once as there are connections, none of them together with another, so that each
        connection has one of them.
        """
        alone = [Tasks(self._database, self._tasks.worker_id) for _ in range(POOL)]
        for _ in range(WARM_ROUNDS):
            if self._order.is_floor:
                rows = await asyncio.gather(*(self._commit() for _ in range(POOL)))
                await asyncio.gather(*(self._commit_again(row) for row in rows))
            else:
                given = [self._inbound(f"bench:warm.{self._order.name}.{n}") for n in range(POOL)]
                pairs = list(zip(alone, given, strict=True))
                intakes = await asyncio.gather(*(tasks.accept(inbound, may_take=True) for tasks, inbound in pairs))
                claims = [intake.claim for intake in intakes if intake.claim is not None]
                await asyncio.gather(*map(_finish, alone, claims))

    async def run(self) -> None:
        """All of the order."""
        polling = asyncio.create_task(self._poll()) if self._order.is_polling else None
        if self._order.is_claiming:
            await asyncio.gather(*(self._claim_until_done() for _ in range(2)))
        elif self._order.rate:
            await self._give_at_rate()
        else:
            await asyncio.gather(*(self._give(self._order.count // AT_ONCE) for _ in range(AT_ONCE)))
            while claims := await self._tasks.claim(CLAIM_LIMIT):  # what was let go of with something in it
                await asyncio.gather(*(self._work(claim) for claim in claims))
        if polling is not None:
            polling.cancel()

    async def _give(self, count: int) -> None:
        for _ in range(count):
            await self._give_one()

    async def _give_at_rate(self) -> None:
        async with asyncio.TaskGroup() as group:
            due_s = time.monotonic()
            for _ in range(self._order.count):
                due_s += self._random.expovariate(self._order.rate)
                await asyncio.sleep(max(0.0, due_s - time.monotonic()))
                group.create_task(self._give_one())

    async def _give_one(self) -> None:
        started_s = time.perf_counter()
        if self._order.is_floor:
            return await self._commit_twice(started_s)
        intake = await self._tasks.accept(self._inbound(self._pick()), may_take=True)
        if intake.claim is None:
            return None  # whoever holds the session goes on with it
        self.began_ms.append(1000 * (time.perf_counter() - started_s))
        await self._work(intake.claim, started_s)
        return None

    async def _commit(self) -> int:
        row = await self._database.fetchrow("INSERT INTO bench_floor (text) VALUES ('A question.') RETURNING id")
        assert row is not None
        return int(row["id"])

    async def _commit_again(self, row_id: int) -> None:
        await self._database.fetchrow("UPDATE bench_floor SET text = 'An answer.' WHERE id = $1", row_id)

    async def _commit_twice(self, started_s: float) -> None:
        row_id = await self._commit()
        self.began_ms.append(1000 * (time.perf_counter() - started_s))
        await self._commit_again(row_id)
        self.finished += 1
        self.ended_ms.append(1000 * (time.perf_counter() - started_s))

    async def _work(self, claim: Claim, started_s: float | None = None) -> None:
        """A claimed session, until nothing waits in it or others have waited long enough."""
        following: Claim | None = claim
        for done in range(1, YIELD_AFTER + 1):
            if following is None or (not following.attempt and await self._tasks.start(following) is None):
                return
            outcome = _done(following.task_id, following.session_id)
            following = (await self._tasks.finish(following, outcome, may_keep=done < YIELD_AFTER)).next
            self.finished += 1
            if started_s is not None:
                self.ended_ms.append(1000 * (time.perf_counter() - started_s))
                started_s = None

    async def _poll(self) -> None:
        while True:
            await asyncio.gather(*(self._work(claim) for claim in await self._tasks.claim(CLAIM_LIMIT)))
            await asyncio.sleep(0.01)

    async def _claim_until_done(self) -> None:
        while self.finished < self._order.count:
            claims = await self._tasks.claim(min(CLAIM_LIMIT, self._order.count - self.finished))
            if not claims:
                return
            await asyncio.gather(*(self._work(claim) for claim in claims))

    def _pick(self) -> str:
        return f"bench:s{self._random.randrange(self._order.sessions)}"

    def _inbound(self, session_id: str) -> Inbound:
        self._keys += 1
        return Inbound(
            channel="bench",
            tenant="bench",
            session_id=SessionId(session_id),
            audience=Audience.SHARED,
            agent_id=AgentId("bench"),
            user=None,
            author_name="Bench",
            text="A question.",
            dedupe_key=f"{self._order.name}:{self._keys}",
        )


async def serve_order(order: Order) -> None:
    """A worker process: ready, wait for the word, work, report."""
    database = await Database.open(order.dsn, size=POOL)
    worker = Worker(order, database)
    await worker.warm_up()
    print("ready", flush=True)
    sys.stdin.readline()
    await worker.run()
    print(json.dumps({"finished": worker.finished, "began": worker.began_ms, "ended": worker.ended_ms}), flush=True)
    await database.close()


if __name__ == "__main__":
    uvloop.run(serve_order(Order(**json.loads(sys.argv[1]))))
