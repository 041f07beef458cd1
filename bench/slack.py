"""How fast Slack's events are acked while Slack's own Web API is slow, and what an event costs beside the bare check.

    python -m bench.slack [--rate 200] [--seconds 20] [--delay-s 2] [--in-memory]

People in a fake Slack write to many conversations, some of them to the bot; each event is posted at its time, signed,
whether or not those before it were answered. PostgreSQL, the stand-in for the model, and in turn the floor
(`bench.slack_floor`) and the gateway (`parley serve`) are processes of their own.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import asyncpg
import uvloop

from adapters.slack.signature import is_genuine, sign
from adapters.slack_fake.fake import FakeSlack
from adapters.slack_fake.posts import Draft, post
from adapters.slack_fake.records import Channel, User
from adapters.slack_fake.world import Outgoing
from bench.processes import Child, run_child
from memory.embedded.owner import EmbeddedPostgres
from memory.migrate import migrate
from tests.support.postgres import make_open_directory

CONVERSATIONS = 200
PEOPLE = 60
MENTION_EVERY = 25
CONFIG = """
[[agents]]
id = "assistant"
model = "bench-model"
instructions = "Answer briefly."

[prices."bench-model"]
input = 1
output = 1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Of a run: how long each ack took, in seconds, the answers by status, and the server's processor time an event."""

    acks_s: tuple[float, ...]
    statuses: Counter[int]
    cpu_ms: float
    late_s: float

    def ack_ms(self, quantile: float) -> float:
        """A quantile of the acks."""
        return 1000 * sorted(self.acks_s)[min(len(self.acks_s) - 1, int(quantile * len(self.acks_s)))]


class Crowd:
    """Writes in turn everywhere, and holds what Slack would send of it."""

    def __init__(self, slack: FakeSlack) -> None:
        self._slack = slack
        self._team = slack.add_team("Bench")
        self._people: list[User] = [self._team.add_user(f"Person {n}") for n in range(PEOPLE)]
        self._rooms: list[Channel] = [
            self._team.add_channel(f"room-{n}", members=self._people) for n in range(CONVERSATIONS)
        ]
        self._told: list[Outgoing] = []
        self._count = 0
        slack.world.on_event = self._told.append

    @property
    def token(self) -> str:
        """The bot's."""
        return self._team.bot_token

    def write(self) -> list[bytes]:
        """One more message; the bodies that tell of it."""
        self._count += 1
        who, where = self._people[self._count % PEOPLE], self._rooms[self._count % CONVERSATIONS]
        is_mention = self._count % MENTION_EVERY == 0
        text = f"<@{self._team.bot.user_id}> a question" if is_mention else "what people say to each other " * 5
        post(self._slack.world, Draft(channel=where, user=who, text=f"{text} {self._count}"))
        told = [json.dumps(outgoing.payload).encode() for outgoing in self._told]
        self._told.clear()
        return told


async def send(client: aiohttp.ClientSession, url: str, secret: str, body: bytes) -> tuple[float, int]:
    """One signed event: the seconds until its ack, and the ack's status."""
    stamp = str(int(time.time()))
    headers = {
        "Content-Type": "application/json",
        "X-Slack-Request-Timestamp": stamp,
        "X-Slack-Signature": sign(secret, stamp, body),
    }
    started_s = time.perf_counter()
    async with client.post(url, data=body, headers=headers) as response:
        await response.read()
    return time.perf_counter() - started_s, response.status


async def measure(
    child: Child, secret: str, write: Callable[[], list[bytes]], *, rate: float, seconds: float
) -> Figures:
    """Post at a steady rate; a late event is sent at once, and how late the latest was is told."""
    url = f"{child.url.rstrip('/')}/slack/events"
    tasks: list[asyncio.Task[tuple[float, int]]] = []
    late_s = 0.0
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as client:
        for _ in range(20):  # the connections and the caches of both sides
            await send(client, url, secret, b'{"type": "url_verification", "challenge": "x"}')
        cpu_s, started_s = child.cpu_s, time.perf_counter()
        while (due_s := len(tasks) / rate) < seconds:
            wait_s = started_s + due_s - time.perf_counter()
            late_s = max(late_s, -wait_s)
            if wait_s > 0:
                await asyncio.sleep(wait_s)
            tasks += [asyncio.create_task(send(client, url, secret, body)) for body in write()]
        done = await asyncio.gather(*tasks)
        cpu_s = child.cpu_s - cpu_s
    statuses = Counter(status for _, status in done)
    acks_s = tuple(ack_s for ack_s, _ in done)
    return Figures(acks_s=acks_s, statuses=statuses, cpu_ms=1000 * cpu_s / len(done), late_s=late_s)


def measure_check(secret: str, body: bytes, count: int = 5_000) -> float:
    """Processor milliseconds of one check of the signature alone."""
    stamp = str(int(time.time()))
    signature, now_s = sign(secret, stamp, body), time.time()
    cpu_s = time.process_time()
    for _ in range(count):
        is_genuine(secret, stamp, signature, body, now_s)
    return 1000 * (time.process_time() - cpu_s) / count


async def count_answers(dsn: str) -> tuple[int, int]:
    """How many deliveries are decided, and how many wait."""
    connection = await asyncpg.connect(dsn)
    try:
        row = await connection.fetchrow("SELECT count(verdict), count(*) - count(verdict) FROM slack_inbox")
    finally:
        await connection.close()
    assert row is not None
    return row[0], row[1]


def report(name: str, figures: Figures, base_ms: float) -> None:
    """One row."""
    print(
        f"{name:<12} {len(figures.acks_s):7d} {figures.ack_ms(0.5):9.1f} {figures.ack_ms(0.99):8.1f} "
        f"{figures.ack_ms(1):8.1f} {figures.cpu_ms:8.3f} {figures.cpu_ms / base_ms:7.1f} x  "
        f"{dict(figures.statuses)} latest start {1000 * figures.late_s:.0f} ms",
        flush=True,
    )


async def run(given: argparse.Namespace, stack: ExitStack, dsn: str) -> None:
    """The measurement."""
    await migrate(dsn)
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    config = folder / "parley.toml"
    config.write_text(CONFIG, encoding="utf-8")
    model = stack.enter_context(run_child("bench.model_server", "--deltas", "20", "--delay-ms", "20"))
    print(f"{'':<12} {'events':>7} {'ack p50':>9} {'p99 ms':>8} {'max':>8} {'cpu ms':>8}")
    async with FakeSlack() as slack:
        crowd, secret = Crowd(slack), slack.app.signing_secret
        with run_child("bench.slack_floor", "--secret", secret) as child:
            floor = await measure(child, secret, crowd.write, rate=given.rate, seconds=given.seconds / 2)
        report("floor", floor, floor.cpu_ms)
        slack.faults.delay("*", given.delay_s)
        environment = {
            "DATABASE_URL": dsn,
            "PARLEY_CONFIG": str(config),
            "PARLEY_PORT": "0",
            "PARLEY_LOG_FORMAT": "json",
            "ANTHROPIC_API_KEY": "bench-key-for-the-local-stand-in-0001",
            "ANTHROPIC_BASE_URL": model.url,
            "SLACK_API_URL": slack.api_url,
            "SLACK_BOT_TOKEN": crowd.token,
            "SLACK_SIGNING_SECRET": secret,
        }
        with run_child("gateway.cli", "serve", environment=environment) as child:
            figures = await measure(child, secret, crowd.write, rate=given.rate, seconds=given.seconds)
            report("gateway", figures, floor.cpu_ms)
            decided, waiting = await count_answers(dsn)
            check_ms = measure_check(secret, crowd.write()[0])
    print(f"the check of a signature alone: {check_ms:.4f} ms of processor time")
    print(f"taken in by then: {decided} of {decided + waiting}; the Web API took {given.delay_s:g} s a call")


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="bench.slack", description="How fast Slack's events are acked.")
    parser.add_argument("--rate", type=float, default=200)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--delay-s", type=float, default=2.0)
    parser.add_argument(
        "--in-memory", action="store_true", help="the database in memory: what the disk costs is left out"
    )
    given = parser.parse_args(sys.argv[1:])
    postgres = EmbeddedPostgres(make_open_directory(is_on_disk=not given.in_memory))
    postgres.start()
    try:
        with ExitStack() as stack:
            uvloop.run(run(given, stack, postgres.dsn))
    finally:
        postgres.stop(is_immediate=True)


if __name__ == "__main__":
    main()
