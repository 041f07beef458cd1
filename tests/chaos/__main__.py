"""`python -m tests.chaos --seed 1`: the long form of the suite."""

# ruff: noqa: T201  it talks to a person at a terminal
import argparse
import asyncio
import sys
import time
from pathlib import Path

from memory.embedded.owner import EmbeddedPostgres
from tests.chaos.arena import Setting, run_plan
from tests.chaos.plan import FaultKind, draw_plan
from tests.support.postgres import make_open_directory


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="tests.chaos")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--logs", type=Path)
    given = parser.parse_args(sys.argv[1:])
    postgres = EmbeddedPostgres(make_open_directory())
    postgres.start()
    started = time.monotonic()
    try:
        plan = draw_plan(given.seed, {FaultKind.KILL: given.kills}, replicas=2, gap_s=2.0)
        verdict = asyncio.run(run_plan(Setting(seed=given.seed, logs=given.logs), postgres, plan))
    finally:
        postgres.stop(is_immediate=True)
    print(f"{time.monotonic() - started:.1f} s, {len(verdict.ledger.questions)} questions")
    print(verdict.timings, verdict.exits, dict(verdict.model.refusals), dict(verdict.platform.lost))
    for found in verdict.breaks:
        print(found.kind, found.text)
    return 1 if verdict.breaks else 0


if __name__ == "__main__":
    sys.exit(main())
