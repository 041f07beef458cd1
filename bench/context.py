"""What a turn costs in a thread of 10 and of 100,000 messages: nothing may grow with the thread.

    python -m bench.context [--rounds 15] [--lengths 10,100000]

A stand-in for the model answers at once. Both lengths are measured in one run, by turns, so that what else the machine
does meets both. Processor time is the gateway's own process and PostgreSQL's is seen in the wait.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import uvloop

from adapters.widget.limits import FrameMeter
from bench.processes import Child, run_child
from bench.turn import Figures, GatewayTalk, grow, report, write_environment
from memory.embedded.owner import EmbeddedPostgres
from memory.migrate import migrate
from tests.support.postgres import make_open_directory

MOST = 1.3
"""How much more a turn in the longest thread may cost."""
AT_ONCE = 20
PAUSE_S = FrameMeter.SPAN_S * AT_ONCE / FrameMeter.COUNT
"""After so many turns: one that sends on without a pause is cut off as a flood."""


async def open_thread(child: Child, dsn: str, length: int) -> GatewayTalk:
    """A conversation that already holds so many messages."""
    talk = await GatewayTalk.open(child.url, None)
    await talk.turn("the first message")
    if length > 2:
        await grow(dsn, talk.welcome["session_id"], length - 2)
    token = talk.welcome["token"]
    await talk.close()
    return await GatewayTalk.open(child.url, token)


async def measure(child: Child, talks: list[GatewayTalk], rounds: int) -> list[Figures]:
    """The threads by turns, some messages at a time."""
    waits: list[list[float]] = [[] for _ in talks]
    cpu_s = [0.0] * len(talks)
    for _ in range(rounds):
        for index, talk in enumerate(talks):
            before = child.cpu_s
            for _ in range(AT_ONCE):
                started = time.perf_counter()
                await talk.turn("what about my order?")
                waits[index].append(1000 * (time.perf_counter() - started))
            cpu_s[index] += child.cpu_s - before
            await asyncio.sleep(PAUSE_S)
    return [Figures(cpu_ms=1000 * cpu_s[n] / len(waits[n]), waits_ms=tuple(waits[n])) for n in range(len(talks))]


async def run(given: argparse.Namespace, stack: ExitStack, dsn: str) -> bool:
    """The measurement. Whether it stays within what is allowed."""
    await migrate(dsn)
    model = stack.enter_context(run_child("bench.model_server", "--deltas", "5"))
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    child = stack.enter_context(
        run_child("gateway.cli", "serve", environment=write_environment(folder, dsn, model.url, memory="off"))
    )
    lengths = [int(text) for text in given.lengths.split(",")]
    talks = [await open_thread(child, dsn, length) for length in lengths]
    await measure(child, talks, 1)
    figures = await measure(child, talks, given.rounds)
    print(f"{'':<22} {'cpu ms':>8} {'':>9} {'median ms':>10} {'':>9} {'p99 ms':>10}")
    for length, one in zip(lengths, figures, strict=True):
        report(f"thread of {length:,}", one, figures[0])
    for talk in talks:
        await talk.close()
    last, first = figures[-1], figures[0]
    ratios = (last.cpu_ms / first.cpu_ms, last.wait_ms(0.5) / first.wait_ms(0.5))
    print(f"longest against shortest: cpu {ratios[0]:.2f} x, median {ratios[1]:.2f} x (at most {MOST} x)")
    return max(ratios) <= MOST


def main() -> None:
    """The command. Its status is 1 when the longest thread costs too much more."""
    parser = argparse.ArgumentParser(prog="bench.context", description="What a turn costs in long threads.")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--lengths", default="10,100000")
    given = parser.parse_args(sys.argv[1:])
    postgres = EmbeddedPostgres(make_open_directory())
    postgres.start()
    try:
        with ExitStack() as stack:
            is_flat = uvloop.run(run(given, stack, postgres.dsn))
    finally:
        postgres.stop(is_immediate=True)
    raise SystemExit(0 if is_flat else 1)


if __name__ == "__main__":
    main()
