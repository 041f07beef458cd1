"""What a turn costs beside the least that it can cost, and whether it stays the same as a thread grows.

    python -m bench.turn [--sessions 256] [--rounds 8] [--lengths 10,1000,100000]

Three servers run as processes of their own: PostgreSQL, a stand-in for the model, and in turn the floor (`bench.floor`)
and the gateway (`parley serve`, through its real protocol). Processor time is the serving process's own, so that it
does not matter what else the machine does; times of waiting are compared within the run.
"""

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
import uuid
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import uvloop
import websockets

from bench.processes import Child, run_child
from memory.embedded.owner import EmbeddedPostgres
from memory.migrate import migrate
from tests.support.postgres import make_open_directory

CONFIG = """
[[agents]]
titles = false
id = "assistant"
model = "bench-model"
instructions = "Answer briefly."
history_runs = {history_runs}
memory.mode = "{memory}"

[[sites]]
key = "bench"
origins = ["http://bench.example"]
allows_no_origin = true

[widget]
message_count = 10000
sockets_per_ip = 10000

[prices."bench-model"]
input = 1
output = 1
"""


OVER = {"done", "failed", "stopped"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Of many turns: processor milliseconds of the server per turn, and milliseconds waited for each answer."""

    cpu_ms: float
    waits_ms: tuple[float, ...]

    def wait_ms(self, quantile: float) -> float:
        """A quantile of the waits."""
        return sorted(self.waits_ms)[min(len(self.waits_ms) - 1, int(quantile * len(self.waits_ms)))]


class FloorTalk:
    """A conversation with the floor."""

    def __init__(self, socket: websockets.ClientConnection) -> None:
        self._socket = socket

    @classmethod
    async def open(cls, url: str, _: str | None) -> "FloorTalk":
        """Connect."""
        return cls(await websockets.connect(url, compression=None))

    async def turn(self, text: str) -> None:
        """One message and its answer."""
        await self._socket.send(text)
        await self._socket.recv()

    async def close(self) -> None:
        """Leave."""
        await self._socket.close()


class GatewayTalk(FloorTalk):
    """A conversation with the gateway, as the widget holds it."""

    @classmethod
    async def open(cls, url: str, token: str | None) -> "GatewayTalk":
        """Connect and greet; `token` of a person who came before."""
        address = url.replace("http", "ws").rstrip("/") + "/widget/ws"
        socket = await websockets.connect(address, compression=None, subprotocols=[websockets.Subprotocol("gw.v1")])
        hello = {"type": "hello", "v": 1, "site": "bench", "cursor": 0, **({"token": token} if token else {})}
        await socket.send(json.dumps(hello))
        talk = cls(socket)
        talk.welcome = json.loads(await socket.recv())
        return talk

    welcome: dict[str, str]
    retries = 0

    async def turn(self, text: str) -> None:
        """One message, until its run is over. One that was not taken in is sent again, as the widget does."""
        client_id, run_id = str(uuid.uuid4()), None
        message = json.dumps({"type": "send", "id": client_id, "text": text})
        await self._socket.send(message)
        while True:
            frame = json.loads(await self._socket.recv())
            if frame["type"] == "nack" and "retry_after" in frame:
                GatewayTalk.retries += 1
                await asyncio.sleep(frame["retry_after"])
                await self._socket.send(message)
                continue
            if frame["type"] == "message" and frame.get("client_id") == client_id:
                run_id = frame["run_id"]
            if frame["type"] == "run" and frame["run_id"] == run_id and frame["state"] in OVER:
                assert frame["state"] == "done", frame
                return
            assert frame["type"] not in {"nack", "error", "bye"}, frame


async def measure(kind: type[FloorTalk], child: Child, *, sessions: int, rounds: int) -> Figures:
    """All sessions at once, each `rounds` turns after one to warm up."""
    talks = [await kind.open(child.url, None) for _ in range(sessions)]
    await asyncio.gather(*(talk.turn("warm up") for talk in talks))
    waits: list[float] = []

    async def converse(talk: FloorTalk) -> None:
        for number in range(rounds):
            started = time.perf_counter()
            await talk.turn(f"question {number} about my order")
            waits.append(1000 * (time.perf_counter() - started))

    before = child.cpu_s
    await asyncio.gather(*(converse(talk) for talk in talks))
    cpu_s = child.cpu_s - before
    for talk in talks:
        await talk.close()
    return Figures(cpu_ms=1000 * cpu_s / len(waits), waits_ms=tuple(waits))


GROW = """
WITH made AS (
    INSERT INTO tasks (session_id, task_id, user_id, agent_id, state, attempts, finished_at)
    SELECT $1, 'task_' || md5($1 || n), $2, 'assistant', 'done', 1, now() FROM generate_series(1, $3::int) n
    RETURNING position
), counted AS (SELECT position, row_number() OVER (ORDER BY position) AS n FROM made
), runs AS (
    INSERT INTO runs (session_id, position, run_id, agent_id, model, state, stop_reason, input_tokens, output_tokens,
                      cache_read_tokens, cache_write_tokens, cost_usd)
    SELECT $1, position, 'run_' || n, 'assistant', 'bench-model', 'done', 'end_turn', 1, 1, 0, 0, 0 FROM counted
)
INSERT INTO messages (session_id, seq, message_id, role, author_id, author_name, text, position)
SELECT $1, $4 + 2 * n + r, md5($1 || n || r), CASE r WHEN 0 THEN 'user' ELSE 'assistant' END,
       CASE r WHEN 0 THEN $2 END, 'Ann', 'Message ' || n || ' of a long thread: ' || repeat('words ', 20), position
FROM counted, generate_series(0, 1) r
"""


async def grow(dsn: str, session_id: str, messages: int) -> None:
    """Make a session that exists `messages` messages longer, as if they had been said."""
    connection = await asyncpg.connect(dsn)
    try:
        head = await connection.fetchval("SELECT next_seq FROM sessions WHERE session_id = $1", session_id)
        user = await connection.fetchval("SELECT user_id FROM participants WHERE session_id = $1", session_id)
        await connection.execute(GROW, session_id, user, messages // 2, head - 2)
        await connection.execute(
            "UPDATE sessions SET next_seq = next_seq + $2 WHERE session_id = $1", session_id, messages
        )
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()


async def measure_length(child: Child, dsn: str, *, length: int, rounds: int, sessions: int = 8) -> Figures:
    """Turns in threads that already hold `length` messages."""
    talks = [await GatewayTalk.open(child.url, None) for _ in range(sessions)]
    for talk in talks:
        await talk.turn("the first message")
        if length > 2:
            await grow(dsn, talk.welcome["session_id"], length - 2)
    again = [await GatewayTalk.open(child.url, talk.welcome["token"]) for talk in talks]
    for talk in (*talks, *again):
        await talk.turn("warm up")
    for talk in talks:
        await talk.close()
    waits: list[float] = []
    before = child.cpu_s
    for _ in range(rounds):
        for talk in again:
            started = time.perf_counter()
            await talk.turn("what about my order?")
            waits.append(1000 * (time.perf_counter() - started))
    cpu_s = child.cpu_s - before
    for talk in again:
        await talk.close()
    return Figures(cpu_ms=1000 * cpu_s / len(waits), waits_ms=tuple(waits))


def report(name: str, figures: Figures, base: Figures) -> None:
    """One row: the figures, and their ratio to the base's."""
    median, base_median = figures.wait_ms(0.5), base.wait_ms(0.5)
    print(
        f"{name:<22} {figures.cpu_ms:8.2f} {figures.cpu_ms / base.cpu_ms:7.2f} x {median:10.1f} "
        f"{median / base_median:7.2f} x {figures.wait_ms(0.99):10.1f}",
        flush=True,
    )


def write_environment(folder: Path, dsn: str, model_url: str, *, memory: str) -> dict[str, str]:
    """A configuration, and the environment of a gateway that uses it."""
    config = folder / f"{memory}.toml"
    config.write_text(CONFIG.format(history_runs=5, memory=memory), encoding="utf-8")
    return {
        "DATABASE_URL": dsn,
        "PARLEY_CONFIG": str(config),
        "PARLEY_PORT": "0",
        "PARLEY_LOG_FORMAT": "json",
        "ANTHROPIC_API_KEY": "bench-key-for-the-local-stand-in-0001",
        "ANTHROPIC_BASE_URL": model_url,
    }


async def run(given: argparse.Namespace, stack: ExitStack, dsn: str) -> None:
    """The measurement."""
    await migrate(dsn)
    model = stack.enter_context(run_child("bench.model_server", "--deltas", "20"))
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    environment = write_environment(folder, dsn, model.url, memory="off")
    remembering = write_environment(folder, dsn, model.url, memory="agentic")
    print(f"{'':<22} {'cpu ms':>8} {'':>9} {'median ms':>10} {'':>9} {'p99 ms':>10}")
    floors, turns = [], []
    for _ in range(given.repeats):
        with run_child("bench.floor", "--dsn", dsn, "--model-url", model.url) as child:
            floors.append(await measure(FloorTalk, child, sessions=given.sessions, rounds=given.rounds))
        with run_child("gateway.cli", "serve", environment=environment) as child:
            turns.append(await measure(GatewayTalk, child, sessions=given.sessions, rounds=given.rounds))
        report("floor", floors[-1], floors[-1])
        report("gateway", turns[-1], floors[-1])
    ratios = sorted(turn.cpu_ms / floor.cpu_ms for turn, floor in zip(turns, floors, strict=True))
    print(
        f"gateway against floor, processor time: {statistics.median(ratios):.2f} x ({given.sessions} sessions at once)"
    )
    with run_child("gateway.cli", "serve", environment=remembering) as child:
        figures = await measure(GatewayTalk, child, sessions=given.sessions, rounds=given.rounds)
        report("with facts extracted", figures, floors[-1])
    if GatewayTalk.retries:
        print(f"{GatewayTalk.retries} messages had to be sent again: the database did not commit in time")
    with run_child("gateway.cli", "serve", environment=environment) as child:
        base: Figures | None = None
        for length in (int(text) for text in given.lengths.split(",")):
            figures = await measure_length(child, dsn, length=length, rounds=given.length_rounds)
            base = base or figures
            report(f"thread of {length:,}", figures, base)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="bench.turn", description="What a turn costs.")
    parser.add_argument("--sessions", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--lengths", default="10,1000,100000")
    parser.add_argument("--length-rounds", type=int, default=40)
    given = parser.parse_args(sys.argv[1:])
    postgres = EmbeddedPostgres(make_open_directory(is_on_disk=True))
    postgres.start()
    try:
        with ExitStack() as stack:
            uvloop.run(run(given, stack, postgres.dsn))
    finally:
        postgres.stop(is_immediate=True)


if __name__ == "__main__":
    main()
