"""Goes through many interleavings of people, threads, channels, links and un-links, and looks for foreign memories.

    python -m tests.isolation [--count 10000] [--first 0] [--jobs 2]

Prints every fault it finds and a table, and ends with 1 if there are any. `--first` starts at another world; `--jobs`
says in how many processes, each with a database server of its own (one per core unless told).
"""

import argparse
import asyncio
import json
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field

from gateway import poller
from memory.embedded.owner import EmbeddedPostgres
from tests.isolation.running import live_through
from tests.support.database import new_database
from tests.support.postgres import SETTINGS, make_open_directory

BATCH = 100
"""Worlds in one database, before all of its rows are looked at."""
HEAD = f"{'':>7} {'worlds':>8} {'prompts':>9} {'blocks':>8} {'rows':>9} {'faults':>7} {'worlds/s':>9}"


@dataclass(slots=True, kw_only=True)
class Tally:
    """What one process went through so far. `blocks` of memories and `rows` are those that told of people."""

    worlds: int = 0
    prompts: int = 0
    blocks: int = 0
    rows: int = 0
    faults: list[str] = field(default_factory=list)

    def render(self, name: str, seconds: float) -> str:
        """A line of the table."""
        figures = f"{self.worlds:8,} {self.prompts:9,} {self.blocks:8,} {self.rows:9,} {len(self.faults):7,}"
        return f"{name:>7} {figures} {self.worlds / max(seconds, 0.001):9.2f}"


async def search(dsn: str, first: int, count: int) -> None:
    """Print a tally as JSON after each batch."""
    tally = Tally()
    for number in range(first, first + count, BATCH):
        numbers = range(number, min(number + BATCH, first + count))
        async with new_database(dsn) as url:
            witness, rows = await live_through(url, numbers)
        tally.worlds += len(numbers)
        tally.prompts += witness.prompts
        tally.blocks += witness.blocks
        tally.rows += rows
        tally.faults += sorted(set(witness.faults))
        sys.stdout.write(json.dumps(asdict(tally)) + "\n")
        sys.stdout.flush()


def run_job(first: int, count: int) -> None:
    """The work of one process."""
    poller.POLL_S = 0.05
    postgres = EmbeddedPostgres(make_open_directory(), settings=SETTINGS)
    postgres.start()
    try:
        asyncio.run(search(postgres.dsn, first, count))
    finally:
        postgres.stop(is_immediate=True)


async def watch_job(n: int, first: int, count: int) -> Tally:
    """Let a process go through its worlds, and print what it tells. Raises `RuntimeError` where it breaks down."""
    command = [sys.executable, "-m", "tests.isolation", "--first", str(first), "--count", str(count), "--jobs", "0"]
    child = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, limit=2**26)
    assert child.stdout is not None
    tally, started_s = Tally(), time.monotonic()
    try:
        async for line in child.stdout:
            told = Tally(**json.loads(line))
            _print(*told.faults[len(tally.faults) :], told.render(f"job {n}", time.monotonic() - started_s))
            tally = told
        if await child.wait() != 0:
            raise RuntimeError(f"job {n} broke down after {tally.worlds} worlds")
    finally:
        if child.returncode is None:
            child.terminate()
            await child.wait()
    return tally


async def run_jobs(first: int, count: int, jobs: int) -> int:
    """Share the worlds out. The number of faults."""
    started_s = time.monotonic()
    _print(HEAD)
    async with asyncio.TaskGroup() as group:
        parts = enumerate(_share(first, count, jobs), 1)
        tasks = [group.create_task(watch_job(n, *part)) for n, part in parts]
    done = [task.result() for task in tasks]
    total = Tally(
        worlds=sum(one.worlds for one in done),
        prompts=sum(one.prompts for one in done),
        blocks=sum(one.blocks for one in done),
        rows=sum(one.rows for one in done),
        faults=[fault for one in done for fault in one.faults],
    )
    _print(HEAD, total.render("all", time.monotonic() - started_s))
    return len(total.faults)


def _share(first: int, count: int, jobs: int) -> Iterator[tuple[int, int]]:
    for n in range(jobs):
        begin, end = first + count * n // jobs, first + count * (n + 1) // jobs
        if end > begin:
            yield begin, end - begin


def _print(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="tests.isolation")
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="0: in this process, figures as JSON")
    given = parser.parse_args()
    if given.jobs == 0:
        run_job(given.first, given.count)
    else:
        sys.exit(min(1, asyncio.run(run_jobs(given.first, given.count, given.jobs))))


if __name__ == "__main__":
    main()
