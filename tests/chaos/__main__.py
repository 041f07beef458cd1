"""`python -m tests.chaos --seed 1`: the long form of the suite. Exit code 1 when a promise was broken."""

# ruff: noqa: T201  it talks to a person at a terminal
import argparse
import asyncio
import sys
import time
from pathlib import Path

from memory.embedded.owner import EmbeddedPostgres
from tests.chaos.arena import Verdict, run_plan
from tests.chaos.phases import Phase, build_phases
from tests.chaos.report import build_rows, render
from tests.support.postgres import make_open_directory

SHOWN = 20


def run_phase(phase: Phase) -> Verdict:
    """One phase, on a database server of its own."""
    postgres = EmbeddedPostgres(make_open_directory(is_on_disk=True))
    postgres.start()
    try:
        return asyncio.run(run_plan(phase.setting, postgres, phase.plan))
    finally:
        postgres.stop(is_immediate=True)


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="tests.chaos", description="Break things under load, and check every promise."
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--share", type=float, default=1.0, help="of the faults that the promises speak of")
    parser.add_argument("--phase", action="append", help="only this one: kills, pauses, database, stalls")
    parser.add_argument("--logs", type=Path, help="an existing directory for the gateways' logs")
    given = parser.parse_args(sys.argv[1:])
    verdicts: dict[str, Verdict] = {}
    for phase in build_phases(given.seed, given.share, given.logs):
        if given.phase and phase.name not in given.phase:
            continue
        started_s = time.monotonic()
        verdict = verdicts[phase.name] = run_phase(phase)
        print(f"{phase.name}: {time.monotonic() - started_s:.0f} s, {len(verdict.breaks)} breaks", flush=True)
        for found in verdict.breaks[:SHOWN]:
            print(f"  {found.kind}: {found.text}", flush=True)
    rows = build_rows(verdicts)
    print(f"\nseed {given.seed}\n{render(rows)}")
    return 0 if all(row.is_kept for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
