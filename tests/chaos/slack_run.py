"""Two gateways in Slack are killed at random under load: nothing may be lost, nothing doubled.

    python -m tests.chaos.slack_run [--seed 1] [--seconds 120] [--rate 50] [--kill-every 4] [--over http|socket]

Several workspaces install the app, so that Slack's limits of rate leave room. Events come as Slack sends them: signed,
again when nobody acked, a mention twice.
"""

import argparse
import asyncio
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import aiohttp
import asyncpg

from adapters.slack_fake.fake import FakeSlack
from memory.embedded.owner import EmbeddedPostgres
from memory.migrate import migrate
from tests.chaos.checker import Break
from tests.chaos.model import ModelFaults, StandInModel
from tests.chaos.replica import Replica
from tests.chaos.slack_talk import Talk, check_kept, check_slack
from tests.chaos.speech import find_tokens
from tests.support.model_socket import serve_model
from tests.support.postgres import make_open_directory

KEY = "chaos-key-for-the-run-in-slack-0001"
RETRY_AFTER_S = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 60.0, 60.0)
"""Slack waits for minutes; so long nobody waits here."""
CONFIG = """
[[agents]]
titles = false
id = "assistant"
model = "chaos-model"
instructions = "Answer."
history_runs = 2

[runs]
retry_s = [0.3, 0.5, 1, 1, 2, 2, 3, 3, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5]

[prices."chaos-model"]
input = 1
output = 1
"""
QUIET_LOOKS = 10
_OPEN = """
SELECT (SELECT count(*) FROM slack_inbox WHERE verdict IS NULL)
     + (SELECT count(*) FROM tasks WHERE state IN ('queued', 'running'))
     + (SELECT count(*) FROM outbox WHERE state IN ('pending', 'posting'))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """How hard it is. `kill_every_s` is the mean pause between two kills."""

    seed: int = 1
    seconds: float = 120.0
    events_per_s: float = 50.0
    workspaces: int = 10
    over: Literal["http", "socket"] = "http"
    kill_every_s: float = 4.0
    quiet_s: float = 180.0
    logs: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of it. `undelivered` are events that Slack gave up."""

    breaks: Sequence[Break]
    events: int
    questions: int
    kills: int
    undelivered: Counter[str]
    quiet_s: float


@asynccontextmanager
async def open_replicas(
    setting: Setting, dsn: str, slack: FakeSlack, stack: AsyncExitStack
) -> AsyncIterator[list[Replica]]:
    """Two gateways that are started again whenever they end."""
    await migrate(dsn)
    folder = setting.logs or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="parley-slack-")))
    config = folder / "parley.toml"
    config.write_text(CONFIG)
    model = StandInModel(seed=setting.seed, faults=ModelFaults(busy=0, overloaded=0, broken=0, cut=0, slowest_s=1.0))
    app = slack.app
    way = {"http": ("SLACK_SIGNING_SECRET", app.signing_secret), "socket": ("SLACK_APP_TOKEN", app.app_token)}
    environment = {
        "PATH": "/usr/bin:/bin",
        "DATABASE_URL": dsn,
        "PARLEY_CONFIG": str(config),
        "PARLEY_LEASE_S": "2",
        "PARLEY_LOG_FORMAT": "json",
        "PARLEY_SECRET_KEY": KEY,
        "ANTHROPIC_API_KEY": KEY,
        "ANTHROPIC_BASE_URL": await stack.enter_async_context(serve_model(model.respond)),
        "PARLEY_CHAOS_PLATFORM_URL": "http://127.0.0.1:1",
        "SLACK_API_URL": slack.api_url,
        "SLACK_CLIENT_ID": app.client_id,
        "SLACK_CLIENT_SECRET": app.client_secret,
        way[setting.over][0]: way[setting.over][1],
    }
    replicas = [Replica(f"replica{n}", environment, folder) for n in range(2)]
    tasks = [asyncio.create_task(replica.keep_up()) for replica in replicas]
    try:
        async with asyncio.timeout(150):
            for replica in replicas:
                await replica.ready.wait()
        yield replicas
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def install(slack: FakeSlack, talk: Talk, url: str, count: int) -> None:
    """Workspaces, each of which installs the app as somebody in a browser does."""
    slack.app.redirect_uris = (f"{url}/slack/oauth_redirect",)
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser:
        for number in range(count):
            team = slack.add_team(f"Company {number}", is_installed=False)
            async with browser.get(f"{url}/slack/install", allow_redirects=False) as start:
                consent = f"{start.headers['location']}&team={team.team_id}"
            async with browser.get(consent) as done:
                assert done.status == 200, await done.text()
            talk.furnish(team)


async def hit(replicas: Sequence[Replica], setting: Setting) -> int:
    """Kill one after another, at any moment, for as long as the talk goes on. How often.

    One that starts is hit too, but not while nobody serves: where starting takes longer than a life, Slack would give
    up on a gateway that never was there.
    """
    chance, ends_at_s, kills = random.Random(setting.seed), time.monotonic() + setting.seconds, 0
    while True:
        await asyncio.sleep(chance.expovariate(1 / setting.kill_every_s))
        if time.monotonic() >= ends_at_s:
            return kills
        replica = chance.choice(replicas)
        if replica.is_up and any(each.ready.is_set() for each in replicas):
            replica.signal(signal.SIGKILL)
            kills += 1


async def wait_quiet(slack: FakeSlack, dsn: str, within_s: float) -> float:
    """Until nothing goes on any more. Seconds."""
    started_s, quiet = time.monotonic(), 0
    connection = await asyncpg.connect(dsn)
    try:
        while time.monotonic() - started_s < within_s:
            is_busy = not slack.courier.is_idle or bool(await connection.fetchval(_OPEN))
            quiet = 0 if is_busy else quiet + 1
            if quiet == QUIET_LOOKS:  # what is shown twice is shown by now
                break
            await asyncio.sleep(0.2)
    finally:
        await connection.close()
    return time.monotonic() - started_s


async def list_kept(dsn: str) -> list[str]:
    """The tokens in what is stored without a task of its own."""
    connection = await asyncpg.connect(dsn)
    try:
        rows = await connection.fetch("SELECT text FROM messages WHERE role = 'user' AND text LIKE 'Nothing but %'")
    finally:
        await connection.close()
    return [token for row in rows for token in find_tokens(row["text"])]


async def run_slack(setting: Setting, postgres: EmbeddedPostgres) -> Outcome:
    """Talk and kills, quiet, and the verdict."""
    async with AsyncExitStack() as stack:
        slack = await stack.enter_async_context(FakeSlack(seed=setting.seed, retry_after_s=RETRY_AFTER_S))
        talk = Talk(slack=slack, seed=setting.seed)
        replicas = await stack.enter_async_context(open_replicas(setting, postgres.dsn, slack, stack))
        await install(slack, talk, replicas[0].url, setting.workspaces)
        if setting.over == "http":
            await slack.set_request_url(*(f"{replica.url}/slack/events" for replica in replicas))
        hitting = asyncio.create_task(hit(replicas, setting))
        await talk.run(events_per_s=setting.events_per_s, seconds=setting.seconds)
        kills = await hitting
        for replica in replicas:
            await replica.ready.wait()
        quiet_s = await wait_quiet(slack, postgres.dsn, setting.quiet_s)
        breaks = [*check_slack(slack, talk.asked), *check_kept(talk.said, await list_kept(postgres.dsn))]
        return Outcome(
            breaks=breaks,
            events=talk.event_count,
            questions=len(talk.asked),
            kills=kills,
            undelivered=Counter(outgoing.name for outgoing in slack.courier.lost),
            quiet_s=quiet_s,
        )


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="tests.chaos.slack_run", description="Kill gateways that are in Slack.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--rate", type=float, default=50.0, help="events a second")
    parser.add_argument("--kill-every", type=float, default=4.0, help="seconds between two kills, on average")
    parser.add_argument("--over", choices=["http", "socket"], default="http")
    parser.add_argument("--logs", type=Path, help="an existing directory for the gateways' logs")
    given = parser.parse_args(sys.argv[1:])
    setting = Setting(
        seed=given.seed,
        seconds=given.seconds,
        events_per_s=given.rate,
        kill_every_s=given.kill_every,
        over=given.over,
        logs=given.logs,
    )
    postgres = EmbeddedPostgres(make_open_directory())
    postgres.start()
    try:
        outcome = asyncio.run(run_slack(setting, postgres))
    finally:
        postgres.stop(is_immediate=True)
    print_outcome(outcome)
    return 1 if outcome.breaks else 0


def print_outcome(outcome: Outcome) -> None:
    """For a person at a terminal."""
    kinds = [found.kind for found in outcome.breaks]
    print(  # noqa: T201
        f"{outcome.events} events, {outcome.questions} questions, {outcome.kills} kills: {kinds.count('lost')} lost, "
        f"{kinds.count('doubled')} doubled; never acked: {dict(outcome.undelivered) or 'none'}; "
        f"quiet after {outcome.quiet_s:.0f} s"
    )
    for found in outcome.breaks[:20]:
        print(f"  {found.kind}: {found.text}")  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
