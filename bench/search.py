"""What a search costs as a person's threads grow: in one long thread, and in many.

    python -m bench.search [--counts 100,1000,10000,100000] [--rounds 20]

Each size is a person with so many messages, half of them in one thread and the rest in threads of a hundred. Words are
drawn as in talk: a few very common, most rare. The searches of all sizes go by turns.
"""

import argparse
import asyncio
import random
import statistics
import sys
import time
from collections.abc import Awaitable, Callable

import asyncpg

from agent.ids import SessionId, UserId
from memory.database import Database
from memory.embedded.owner import EmbeddedPostgres
from memory.migrate import migrate
from memory.search import Search
from tests.support.postgres import make_open_directory

SYLLABLES = ("ba", "ce", "di", "fo", "gu", "ha", "je", "ki", "lo", "mu", "ne", "po", "ra", "su", "ti")
WORDS = [f"{a}{b}{c}" for a in SYLLABLES for b in SYLLABLES for c in SYLLABLES]
WEIGHTS = [1 / (rank + 1) for rank in range(len(WORDS))]
WORDS_PER_MESSAGE, WORDS_PER_QUESTION, SHORT_THREAD = 20, 6, 100


def draw(rnd: random.Random, count: int) -> str:
    """So many words as in talk."""
    return " ".join(rnd.choices(WORDS, WEIGHTS, k=count))


async def store(connection: "asyncpg.Connection[asyncpg.Record]", rnd: random.Random, count: int) -> None:
    """A person with so many messages."""
    long = count - count // 2
    sizes = {f"long-{count}": long}
    sizes |= {f"short-{count}-{n}": SHORT_THREAD for n in range((count - long) // SHORT_THREAD)}
    for session_id in sizes:
        await connection.execute(
            "INSERT INTO sessions (session_id, channel, tenant, agent_id, audience)"
            " VALUES ($1, 'widget', 'bench', 'assistant', 'private')",
            session_id,
        )
        await connection.execute(
            "INSERT INTO participants (session_id, user_id) VALUES ($1, $2)", session_id, f"u{count}"
        )
    columns = ["session_id", "seq", "message_id", "role", "author_id", "author_name", "text"]
    for session_id, size in sizes.items():
        texts = ((n, draw(rnd, WORDS_PER_MESSAGE)) for n in range(1, size + 1))
        rows = [(session_id, n, f"{session_id}-{n}", "user", f"u{count}", "Ann", text) for n, text in texts]
        await connection.copy_records_to_table("messages", records=rows, columns=columns)


async def run(dsn: str, counts: list[int], rounds: int) -> None:
    """The measurement."""
    await migrate(dsn)
    rnd = random.Random(1)
    connection = await asyncpg.connect(dsn)
    for count in counts:
        await store(connection, rnd, count)
    await connection.execute("VACUUM ANALYZE")
    await connection.close()
    database = await Database.open(dsn, size=2, statement_s=30)
    search = Search(database)
    waits: dict[str, list[float]] = {}
    try:
        for _ in range(rounds + 1):
            question = draw(rnd, WORDS_PER_QUESTION)
            for count in counts:
                for name, find in _build_searches(search, count, question).items():
                    started = time.perf_counter()
                    await find()
                    waits.setdefault(name, []).append(1000 * (time.perf_counter() - started))
    finally:
        await database.close()
    print(f"{'':<36}{'median ms':>10}{'most':>10}")
    for name, times in waits.items():
        print(f"{name:<36}{statistics.median(times[1:]):10.1f}{max(times[1:]):10.1f}")


def _build_searches(search: Search, count: int, question: str) -> dict[str, Callable[[], Awaitable[object]]]:
    user_id = UserId(f"u{count}")
    return {
        f"{count:,} messages, all threads": lambda: search.find_turns(user_id, question, 10),
        f"{count - count // 2:,} messages, one thread": lambda: search.find_in_session(
            SessionId(f"long-{count}"), user_id, question, 10
        ),
    }


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="bench.search", description="What a search costs.")
    parser.add_argument("--counts", default="100,1000,10000,100000")
    parser.add_argument("--rounds", type=int, default=20)
    given = parser.parse_args(sys.argv[1:])
    postgres = EmbeddedPostgres(make_open_directory())
    postgres.start()
    try:
        asyncio.run(run(postgres.dsn, [int(text) for text in given.counts.split(",")], given.rounds))
    finally:
        postgres.stop(is_immediate=True)


if __name__ == "__main__":
    main()
