"""Goes through many interleavings of people, threads, channels, links and un-links, and looks for foreign memories.

    python -m tests.isolation [--count 10000] [--first 0]

Prints every fault it finds, and ends with 1 if there are any. `--first` starts at another world.
"""

import argparse
import asyncio
import sys
import time

from gateway import poller
from memory.embedded.owner import EmbeddedPostgres
from tests.isolation.running import live_through
from tests.support.database import new_database
from tests.support.postgres import SETTINGS, make_open_directory

BATCH = 100
"""Worlds in one database, before all of its rows are looked at."""


async def search(dsn: str, first: int, count: int) -> int:
    """The number of faults."""
    faults = blocks = rows = 0
    started = time.monotonic()
    for number in range(first, first + count, BATCH):
        async with new_database(dsn) as url:
            witness, seen = await live_through(url, range(number, min(number + BATCH, first + count)))
        faults, blocks, rows = faults + len(witness.faults), blocks + witness.blocks, rows + seen
        done = min(number + BATCH, first + count) - first
        sys.stdout.write("".join(f"{fault}\n" for fault in sorted(set(witness.faults))))
        sys.stdout.write(
            f"{done} interleavings, {blocks} memory blocks, {rows} rows that tell of somebody, {faults} faults,"
            f" {time.monotonic() - started:.0f} s\n"
        )
        sys.stdout.flush()
    return faults


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="tests.isolation")
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0)
    given = parser.parse_args()
    poller.POLL_S = 0.05
    postgres = EmbeddedPostgres(make_open_directory(), settings=SETTINGS)
    postgres.start()
    try:
        sys.exit(min(1, asyncio.run(search(postgres.dsn, given.first, given.count))))
    finally:
        postgres.stop(is_immediate=True)


if __name__ == "__main__":
    main()
