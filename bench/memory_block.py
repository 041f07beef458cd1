"""What the asker's memories cost a turn, with few and with many: the time of the one read, and the size of the block.

    python -m bench.memory_block [--counts 0,10,1000,10000] [--rounds 200]

A person with so many memories asks in a thread of their own. The times are of `load_context`, all that a run
reads; the floor is the same read with user memories off.
"""

import argparse
import asyncio
import random
import statistics
import sys
import time
from dataclasses import dataclass, field

import asyncpg

from agent.ids import SessionId, UserId
from agent.prompt import fit_memories
from agent.records import Author
from agent.speech import render_label, render_memory_block
from agent.text import estimate_tokens
from bench.locomo_kinds import KINDS
from gateway.runner import MEMORY_CANDIDATES
from memory.context import Sessions
from memory.database import Database
from memory.embedded.owner import EmbeddedPostgres
from memory.migrate import migrate
from tests.support.postgres import make_open_directory

ADD_SESSION = """
INSERT INTO sessions (session_id, channel, tenant, agent_id, audience) VALUES ($1, 'widget', 'bench', 'assistant', $2)
"""
ADD_PROMPT = """
INSERT INTO messages (session_id, seq, message_id, role, author_id, author_name, text, position)
VALUES ($1, $2, md5($1 || $2::bigint), 'user', $3, 'Ann', $4, $2)
"""
ADD_MEMORY = """
INSERT INTO user_memories (user_id, memory_id, memory, hash, visibility, slot, updated_at)
SELECT $1, 'mem_' || md5($1 || n), text, sha256(convert_to(text, 'UTF8')), visibility, slot,
       now() - n * interval '1 hour'
FROM unnest($2::text[], $3::text[], $4::text[]) WITH ORDINALITY memory (text, visibility, slot, n)
"""
SLOTS = ("name", "home_city", "employer", "job", "birthday", "diet", "language", "timezone", "pronouns")


BASE_COUNT = 10


def make_memories(rnd: random.Random, count: int) -> list[str]:
    """So many facts of many kinds, each with something of its own."""
    kinds = [rnd.choice(KINDS) for _ in range(count)]
    texts = [kind.fact.format(s="", a=rnd.choice(kind.a), b=rnd.choice(kind.b)).strip() for kind in kinds]
    return [f"{text} No. {n}" for n, text in enumerate(texts)]


async def prepare(dsn: str, count: int, rounds: int) -> None:
    """A person with so many memories, and a private and a shared thread with a question for each round."""
    rnd, user = random.Random(count), f"person-{count}"
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("INSERT INTO users (user_id) VALUES ($1)", user)
        for audience in ("private", "shared"):
            await connection.execute(ADD_SESSION, f"{audience}-{count}", audience)
            for n in range(1, rounds + 1):
                kind = rnd.choice(KINDS)
                question = kind.question.format(s="I", a=rnd.choice(kind.a), b=rnd.choice(kind.b))
                await connection.execute(ADD_PROMPT, f"{audience}-{count}", n, user, question)
        texts = make_memories(rnd, count)
        visibilities = [rnd.choice(("private", "private", "thread")) for _ in texts]
        slots = [*SLOTS, *[None] * count][:count]
        await connection.execute(ADD_MEMORY, user, texts, visibilities, slots)
    finally:
        await connection.close()


@dataclass(slots=True, kw_only=True)
class Case:
    """One kind of turn, and what it took: milliseconds, memories in the block and tokens of it, of each round."""

    audience: str
    count: int
    memories: int | None = MEMORY_CANDIDATES
    waits_ms: list[float] = field(default_factory=list)
    kept: list[int] = field(default_factory=list)
    tokens: list[int] = field(default_factory=list)

    async def ask(self, sessions: Sessions, position: int) -> None:
        """One reading."""
        session_id, user_id = SessionId(f"{self.audience}-{self.count}"), UserId(f"person-{self.count}")
        started = time.perf_counter()
        context = await sessions.load_context(session_id, user_id, position, history_runs=0, memories=self.memories)
        self.waits_ms.append(1000 * (time.perf_counter() - started))
        chosen = fit_memories(context.memories or ())
        self.kept.append(len(chosen))
        self.tokens.append(estimate_tokens(render_memory_block(render_label(session_id, Author(name="Ann")), chosen)))

    def report(self, base: "Case") -> None:
        """One row; the last column is the median beside the base's."""
        name = "off" if self.memories is None else f"{self.count:,} memories, {self.audience}"
        median = statistics.median(self.waits_ms)
        ratio = median / statistics.median(base.waits_ms)
        print(f"{name:<28}{median:10.2f}{ratio:8.2f} x{statistics.mean(self.kept):10.1f}{max(self.tokens):10}")


async def run(dsn: str, counts: list[int], rounds: int) -> None:
    """The measurement: the cases by turns, so that whatever else the machine does falls on all of them."""
    await migrate(dsn)
    for count in counts:
        await prepare(dsn, count, rounds)
    connection = await asyncpg.connect(dsn)
    await connection.execute("VACUUM ANALYZE")
    await connection.close()
    database = await Database.open(dsn, size=2)
    sessions = Sessions(database)
    audiences = ("private", "shared")
    cases = [Case(audience=audience, count=count) for count in counts for audience in audiences]
    cases.insert(0, Case(audience="private", count=counts[0], memories=None))
    base = next((case for case in cases if case.count == BASE_COUNT and case.memories), cases[0])
    try:
        for position in range(1, rounds + 1):
            for case in cases:
                await case.ask(sessions, position)
    finally:
        await database.close()
    print(f"{'':<28}{'median ms':>10}{f'to {base.count}':>10}{'memories':>10}{'tokens':>10}")
    for case in cases:
        case.report(base)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="bench.memory_block", description="What the asker's memories cost a turn.")
    parser.add_argument("--counts", default="0,10,1000,10000")
    parser.add_argument("--rounds", type=int, default=200)
    given = parser.parse_args(sys.argv[1:])
    postgres = EmbeddedPostgres(make_open_directory())
    postgres.start()
    try:
        asyncio.run(run(postgres.dsn, [int(text) for text in given.counts.split(",")], given.rounds))
    finally:
        postgres.stop(is_immediate=True)


if __name__ == "__main__":
    main()
