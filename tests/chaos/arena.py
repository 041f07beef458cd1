"""One run of the suite: everything started, load, faults, quiet, and the checker's verdict."""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from memory.embedded.owner import EmbeddedPostgres
from memory.migrate import migrate
from tests.chaos.callers import Callers, call_api, call_platform
from tests.chaos.checker import Break, check
from tests.chaos.evidence import Evidence, collect_evidence, count_open
from tests.chaos.injector import Injector, Timings
from tests.chaos.launcher import PLATFORM_URL
from tests.chaos.ledger import Ledger
from tests.chaos.model import ModelFaults, StandInModel
from tests.chaos.plan import Fault
from tests.chaos.platform import Platform, PlatformFaults
from tests.chaos.replica import Replica
from tests.chaos.visitors import Visitor
from tests.chaos.wire import open_wire
from tests.support.model_socket import serve_model

API_SECRET = "chaos-secret-0123456789-abcdef"
CONFIG = """
[[agents]]
titles = false
id = "assistant"
model = "chaos-model"
instructions = "Answer."
history_runs = 2

[[api.tokens]]
name = "chaos"
secret_env = "PARLEY_CHAOS_API_SECRET"

[widget]
message_count = 10000
sockets_per_ip = 10000

[runs]
retry_s = [0.3, 0.3, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5]

[prices."chaos-model"]
input = 1
output = 1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """How a run is set up. Lines are senders that ask one question after another, on each channel."""

    seed: int
    lease_s: float = 15.0
    replicas: int = 2
    platform_lines: int = 12
    api_lines: int = 4
    threads: int = 3
    visitors_per_thread: int = 2
    pause_s: float = 1.5
    quiet_s: float = 60.0
    logs: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    model_faults: ModelFaults = field(default_factory=ModelFaults)
    platform_faults: PlatformFaults = field(default_factory=PlatformFaults)

    @property
    def line_count(self) -> int:
        """How many senders there are, visitors among them."""
        return self.platform_lines + self.api_lines + self.threads * self.visitors_per_thread


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What came of a run."""

    breaks: Sequence[Break]
    timings: Timings
    ledger: Ledger
    evidence: Evidence
    model: StandInModel
    platform: Platform
    exits: Sequence[int]


class Arena:
    """Everything of a run but the faults. Built by `open_arena`."""

    def __init__(self, setting: Setting, postgres: EmbeddedPostgres, stack: AsyncExitStack) -> None:
        self._setting = setting
        self._postgres = postgres
        self._stack = stack
        self.ledger = Ledger()
        self.model = StandInModel(seed=setting.seed, faults=setting.model_faults)
        self.platform = Platform(seed=setting.seed, faults=setting.platform_faults)
        self.replicas: list[Replica] = []
        self._stopped = asyncio.Event()
        self._callers: list[asyncio.Task[None]] = []
        self._visitors: list[Visitor] = []
        self._probes = 0

    async def start(self, logs: Path) -> None:
        """Start the gateways and everything round them, and return once they serve."""
        await migrate(self._postgres.dsn)
        self.wire = await self._stack.enter_async_context(open_wire(self._postgres.dsn))
        model_url = await self._stack.enter_async_context(serve_model(self.model.respond))
        platform_url = await self._stack.enter_async_context(serve_model(self.platform.respond))
        config = logs / "parley.toml"
        config.write_text(CONFIG)
        environment = {
            **os.environ,
            "DATABASE_URL": self.wire.dsn,
            "PARLEY_CONFIG": str(config),
            "PARLEY_LEASE_S": str(self._setting.lease_s),
            "PARLEY_LOG_FORMAT": "json",
            "PARLEY_CHAOS_API_SECRET": API_SECRET,
            "ANTHROPIC_API_KEY": "chaos-key-for-the-stand-in-000001",
            "ANTHROPIC_BASE_URL": model_url,
            PLATFORM_URL: platform_url,
            **self._setting.environment,
        }
        self.replicas = [Replica(f"replica{n}", environment, logs) for n in range(self._setting.replicas)]
        for replica in self.replicas:
            self._spawn(replica.keep_up())
        async with asyncio.timeout(150):
            for replica in self.replicas:
                await replica.ready.wait()
        connector = aiohttp.TCPConnector(limit=0)
        self._client = await self._stack.enter_async_context(aiohttp.ClientSession(connector=connector))

    def _spawn(self, work: Coroutine[None, None, None]) -> "asyncio.Task[None]":
        task = asyncio.create_task(work)

        async def end() -> None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

        self._stack.push_async_callback(end)
        return task

    def begin_load(self) -> None:
        """Let everybody talk."""
        setting, urls = self._setting, [replica.url for replica in self.replicas]
        platform = self._build_callers("platform", lambda n: f"chaos:c{n % (setting.platform_lines * 2 // 3 or 1)}")
        api = self._build_callers("api", lambda n: f"api:chaos-{n}")
        self._callers = [self._spawn(platform.run(setting.platform_lines)), self._spawn(api.run(setting.api_lines))]
        for number in range(setting.threads * setting.visitors_per_thread):
            thread = f"t{number % setting.threads}"
            visitor = Visitor(
                name=f"v{number}",
                thread=thread,
                seed=setting.seed,
                ledger=self.ledger,
                urls=urls,
                pause_s=setting.pause_s,
                stopped=self._stopped,
            )
            self._visitors.append(visitor)
            self._spawn(visitor.run())

    def _build_callers(self, name: str, session_of: Callable[[int], str]) -> Callers:
        return Callers(
            name=name,
            seed=self._setting.seed,
            ledger=self.ledger,
            urls=[replica.url for replica in self.replicas],
            client=self._client,
            session_of=session_of,
            call_of=call_api(API_SECRET) if name == "api" else call_platform,
            pause_s=self._setting.pause_s,
            stopped=self._stopped,
        )

    def build_injector(self) -> Injector:
        """What hits this arena."""
        return Injector(
            replicas=self.replicas,
            wire=self.wire,
            dsn=self._postgres.dsn,
            restart_database=lambda: self._postgres.restart_async(is_immediate=True),
            probe=self._probe,
            lease_s=self._setting.lease_s,
        )

    async def _probe(self) -> None:
        """Every replica that is up acks a message."""
        await asyncio.gather(*(self._probe_one(replica) for replica in self.replicas if replica.ready.is_set()))

    async def _probe_one(self, replica: Replica) -> None:
        self._probes += 1
        callers = self._build_callers("platform", lambda n: f"chaos:probe{n}")
        await callers.probe(replica.url, self._probes)

    async def wait_broken(self, is_enough: Callable[[Break], bool], timings: Timings) -> Verdict:
        """The verdict as soon as there is a break that is enough."""
        while True:
            verdict = self._judge(await collect_evidence(self._postgres.dsn), timings)
            if any(is_enough(found) for found in verdict.breaks):
                return verdict
            await asyncio.sleep(0.3)

    async def finish(self, timings: Timings) -> Verdict:
        """Stop asking, wait until everything is answered and seen, and judge."""
        self._stopped.set()
        for replica in self.replicas:
            await replica.ready.wait()
        return self._judge(await self._wait_quiet(), timings)

    def _judge(self, evidence: Evidence, timings: Timings) -> Verdict:
        return Verdict(
            breaks=check(self.ledger, evidence, self.platform.posts),
            timings=timings,
            ledger=self.ledger,
            evidence=evidence,
            model=self.model,
            platform=self.platform,
            exits=[code for replica in self.replicas for code in replica.exits],
        )

    async def _wait_quiet(self) -> Evidence:
        """What is stored once nothing goes on any more, or after the time for it: then it is the checker's to say."""
        try:
            async with asyncio.timeout(self._setting.quiet_s):
                await asyncio.gather(*self._callers)
                while await count_open(self._postgres.dsn):  # noqa: ASYNC110  other processes do not tell
                    await asyncio.sleep(0.1)
                evidence = await collect_evidence(self._postgres.dsn)
                await asyncio.gather(*(visitor.wait_for(evidence.heads) for visitor in self._visitors))
                await asyncio.sleep(1.0)  # what is shown twice is shown by now
        except TimeoutError:
            pass
        return await collect_evidence(self._postgres.dsn)


@asynccontextmanager
async def open_arena(setting: Setting, postgres: EmbeddedPostgres) -> AsyncIterator[Arena]:
    """An arena on a server of its own, which is running and empty."""
    async with AsyncExitStack() as stack:
        logs = setting.logs or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="parley-chaos-")))
        arena = Arena(setting, postgres, stack)
        await arena.start(logs)
        yield arena


async def run_plan(
    setting: Setting,
    postgres: EmbeddedPostgres,
    plan: Sequence[Fault],
    *,
    lasts_s: float = 0.0,
    is_enough: Callable[[Break], bool] | None = None,
) -> Verdict:
    """Load and faults, then the verdict. `lasts_s`: how long the load goes on when the faults are over.

    The first break that `is_enough` ends the run. Only for one that nothing mends later, as what is shown twice is: on
    the way much is not yet there that will be.
    """
    async with open_arena(setting, postgres) as arena:
        injector = arena.build_injector()
        arena.begin_load()

        async def run() -> Verdict:
            await injector.run(plan)
            await asyncio.sleep(lasts_s)
            return await arena.finish(injector.timings)

        if is_enough is None:
            return await run()
        ends = [asyncio.create_task(run()), asyncio.create_task(arena.wait_broken(is_enough, injector.timings))]
        try:
            done, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            return done.pop().result()
        finally:
            for end in ends:
                end.cancel()
            await asyncio.gather(*ends, return_exceptions=True)
