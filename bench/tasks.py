"""What the task engine can do alone: accept, start, finish and claim over PostgreSQL, with per-session order, no model.

    python -m bench.tasks [--tasks 6000] [--repeats 3] [--seconds 8] [--backlog 100000] [--deep 20000] [--in-memory]

Worker processes of their own share one embedded server with the settings it is shipped with (`fsync` is on), or one
with its files in memory (`--in-memory`), which leaves the disk's own waits out. Every figure stands beside the one it
is to be compared with, measured in turns with it, since other work on the machine moves both; the floor is a row that
is committed, and changed, and committed again. Order is checked at the end of each measurement: a fast engine that
mixes up a session is not measured.
"""

import argparse
import asyncio
import json
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import asyncpg

from bench.task_worker import Order
from memory.embedded.owner import EmbeddedPostgres
from memory.migrate import migrate
from tests.support.postgres import make_open_directory

DEEP = "bench:deep"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """Of all worker processes together: tasks finished per second, and milliseconds until a run began and ended."""

    rate: float
    began_ms: list[float]
    ended_ms: list[float]


def measure(orders: Sequence[Order]) -> Result:
    """One process per order, all begun at once."""
    command = [sys.executable, "-m", "bench.task_worker"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    children = [subprocess.Popen([*command, json.dumps(asdict(order))], **pipes) for order in orders]  # type: ignore[call-overload]
    for child in children:
        assert child.stdout.readline() == "ready\n"
    started_s = time.perf_counter()
    for child in children:
        child.stdin.write("go\n")
        child.stdin.flush()
    reports = [json.loads(child.stdout.readline()) for child in children]
    took_s = time.perf_counter() - started_s
    for child in children:
        child.communicate(timeout=30)
    return Result(
        rate=sum(report["finished"] for report in reports) / took_s,
        began_ms=[wait for report in reports for wait in report["began"]],
        ended_ms=[wait for report in reports for wait in report["ended"]],
    )


SEED = """
WITH named AS (SELECT $1::text || CASE WHEN $3::boolean THEN '' ELSE n::text END AS session_id, n
               FROM generate_series(1, $2::int) n
), leases AS (
    INSERT INTO session_leases (session_id, owner, epoch, queued, ready_at)
    SELECT session_id, NULL, 1, count(*), now() + $4::float8 * interval '1 second' FROM named GROUP BY session_id
), sessions AS (
    INSERT INTO sessions (session_id, channel, tenant, agent_id, audience)
    SELECT DISTINCT session_id, 'bench', 'bench', 'bench', 'shared' FROM named
)
INSERT INTO tasks (session_id, task_id, agent_id, state, run_at)
SELECT session_id, 'task_' || md5($1 || n), 'bench', 'queued', now() FROM named ORDER BY n
"""
WIPE = "TRUNCATE tasks, session_leases, sessions, messages, run_notes, runs, turns, dedupe"
FLOOR = """
DROP TABLE IF EXISTS bench_floor;
CREATE TABLE bench_floor (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, text text NOT NULL);
GRANT ALL ON bench_floor TO parley_app
"""
MIXED_UP = """
SELECT count(*) FROM (
    SELECT finished_at, lag(finished_at) OVER (PARTITION BY session_id ORDER BY position) AS before
    FROM tasks WHERE state = 'done') t
WHERE finished_at < before
"""


class Server:
    """The database of the measurement, as its owner."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn

    def reset(self, *, backlog: int = 0, prefix: str = "bench:b", is_one: bool = False, wait_s: float = 0.0) -> None:
        """Empty, then with `backlog` queued tasks: each in a session of its own, or all in one; due in `wait_s`."""

        async def fill() -> None:
            connection = await asyncpg.connect(self.dsn, timeout=10, command_timeout=300)
            await connection.execute(WIPE)
            await connection.execute(FLOOR)
            if backlog:
                await connection.execute(SEED, prefix, backlog, is_one, wait_s)
            await connection.execute("VACUUM ANALYZE")
            await connection.execute("CHECKPOINT")
            await connection.close()

        asyncio.run(fill())

    def check_order(self) -> None:
        """Raises `SystemExit` when a session's tasks did not end in its order."""

        async def look() -> int:
            connection = await asyncpg.connect(self.dsn)
            try:
                return int(await connection.fetchval(MIXED_UP))
            finally:
                await connection.close()

        if mixed := asyncio.run(look()):
            raise SystemExit(f"{mixed} tasks ended before one that stood before them in their session")


def quantile(values: Sequence[float], share: float) -> float:
    """A quantile of measured values."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


class Bench:
    """The measurements, each printed as it is done."""

    def __init__(self, server: Server, given: argparse.Namespace) -> None:
        self._server = server
        self._given = given
        self._runs = 0

    def _orders(self, processes: int, count: int, **more: object) -> list[Order]:
        self._runs += 1
        return [
            Order(dsn=self._server.dsn, count=count // processes, name=f"{self._runs}.{n}", sessions=500, **more)  # type: ignore[arg-type]
            for n in range(processes)
        ]

    def _measure(
        self, processes: int, count: int, *, backlog: dict[str, object] | None = None, **more: object
    ) -> Result:
        self._server.reset(**(backlog or {}))  # type: ignore[arg-type]
        result = measure(self._orders(processes, count, **more))
        self._server.check_order()
        return result

    def throughput(self) -> None:
        """(a) As fast as it goes."""
        for processes in (2, 4):
            rates, shares = [], []
            for _ in range(self._given.repeats):
                floor = self._measure(processes, self._given.tasks, is_floor=True).rate
                rates.append(self._measure(processes, self._given.tasks).rate)
                shares.append(rates[-1] / floor)
            figure = f"{statistics.median(rates):7.0f} tasks/s ({statistics.median(shares):.2f} x the floor)"
            say(f"a  {processes} processes", figure, "aim 1,500", rates)

    def latency(self) -> None:
        """(b) At a hundred tasks a second, (d) beside one session that is very deep."""
        count = int(100 * self._given.seconds)
        deep = {"backlog": self._given.deep, "prefix": DEEP, "is_one": True}
        floor, alone, beside = [], [], []
        for _ in range(self._given.repeats):
            floor.append(self._measure(4, count, rate=25.0, is_floor=True))
            alone.append(self._measure(4, count, rate=25.0, is_polling=True))
            beside.append(self._measure(4, count, rate=25.0, is_polling=True, backlog=deep))
        for name, results in (
            ("b  the floor at 100/s", floor),
            ("b  100 tasks/s, 4 processes", alone),
            (f"d  beside {self._given.deep:,} in one", beside),
        ):
            p99s = [quantile(result.ended_ms, 0.99) for result in results]
            began = statistics.median(quantile(result.began_ms, 0.99) for result in results)
            median = statistics.median(quantile(result.ended_ms, 0.5) for result in results)
            text = f"{statistics.median(p99s):7.1f} ms p99 ({median:.1f} median; begins {began:.1f} p99)"
            say(name, text, "" if results is floor else "aim 20 ms" if name[0] == "b" else "aim: as (b)", p99s)

    def backlog(self) -> None:
        """(c) With many tasks that wait: giving new ones, and taking those."""
        size = self._given.backlog
        for name, few, many, more in (
            ("given", {}, {"backlog": size, "wait_s": 3600.0}, {}),
            ("taken", {"backlog": self._given.tasks}, {"backlog": size}, {"is_claiming": True}),
        ):
            ratios = []
            for _ in range(self._given.repeats):
                base = self._measure(2, self._given.tasks, backlog=few, **more).rate
                ratios.append(self._measure(2, self._given.tasks, backlog=many, **more).rate / base)
            say(f"c  {name} with {size:,} waiting", f"{statistics.median(ratios):7.2f} x", "aim 0.90 x", ratios)


def say(name: str, figure: str, aim: str, each: Sequence[float]) -> None:
    """One row, with every repeat behind it."""
    print(f"{name:<34} {figure:<52} {aim:<12} [{', '.join(f'{value:.4g}' for value in each)}]", flush=True)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="bench.tasks", description="What the task engine can do alone.")
    parser.add_argument("--tasks", type=int, default=6_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--backlog", type=int, default=100_000)
    parser.add_argument("--deep", type=int, default=20_000)
    parser.add_argument("--in-memory", action="store_true")
    given = parser.parse_args()
    postgres = EmbeddedPostgres(make_open_directory(is_on_disk=not given.in_memory))
    postgres.start()
    try:
        asyncio.run(migrate(postgres.dsn))
        bench = Bench(Server(postgres.dsn), given)
        bench.throughput()
        bench.latency()
        bench.backlog()
    finally:
        postgres.stop(is_immediate=True)
        shutil.rmtree(postgres.data_dir, ignore_errors=True)


if __name__ == "__main__":
    main()
