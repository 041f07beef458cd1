"""How much of the evidence for questions about long conversations a search finds, with no model.

    python -m bench.recall FILE [--samples 0] [--questions 0] [--embedder MODULE:FUNCTION or MODEL]

FILE has the form of the LoCoMo data set, which is not shipped; `python -m bench.locomo_made FILE` makes one of our own.
Everything goes through a real database and the product's own search, beside what a database offers by itself.
Recall at k: the share of a question's evidence turns among the first k found, the mean over all questions.
"""

import argparse
import asyncio
import importlib
import random
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

import asyncpg

from agent.ids import UserId
from agent.ports import Embedder
from agent.turn_ranking import WORDS_ONLY
from bench.locomo import ADVERSARIAL, Conversation, Question, load_conversations
from gateway.config_imports import NotUsableError
from gateway.config_search import load_embedder
from gateway.embedder import HookEmbedder
from memory.database import Database
from memory.embedded.owner import EmbeddedPostgres
from memory.migrate import migrate
from memory.search import Search
from tests.support.postgres import make_open_directory

DEPTHS = (5, 10, 20)
READER, KNOWING_READER = UserId("reader"), UserId("knowing-reader")
"""Both take part in every thread; the second also has the facts, linked to the turns they came from."""
HELP = "also with the vectors of a function (module:function) or of a model (a folder or a Python package)"
Find = Callable[[str], Awaitable[Sequence[str]]]

FULL_TEXT = """
SELECT m.message_id FROM messages m, (
    SELECT replace(plainto_tsquery('english', $1)::text, ' & ', $2)::tsquery AS words
) query
WHERE m.words @@ query.words ORDER BY ts_rank(m.words, query.words) DESC, m.session_id, m.seq LIMIT $3
"""
ADD_FACT = """
INSERT INTO user_memories (user_id, memory_id, memory, hash, visibility, source_session_id, source_seq)
VALUES ($1, 'mem_' || $2::int, left($3, 300), sha256(convert_to($3 || $2, 'UTF8')), 'private', $4, $5)
"""


async def store(connection: "asyncpg.Connection[asyncpg.Record]", conversation: Conversation) -> None:
    """The conversation alone in the database: a thread for each session, both readers in every one."""
    for table in ("messages", "participants", "sessions", "user_memories"):
        await connection.execute(f"DELETE FROM {table}")
    places: dict[str, tuple[str, int]] = {}
    for number, session in enumerate(conversation.sessions, 1):
        name = f"session-{number}"
        people = [*conversation.speakers, READER, KNOWING_READER]
        await connection.execute(
            "INSERT INTO sessions (session_id, channel, tenant, agent_id, audience, updated_at)"
            " VALUES ($1, 'widget', 'bench', 'assistant', 'shared', now() + $2 * interval '1 hour')",
            name,
            number,
        )
        await connection.executemany("INSERT INTO participants VALUES ($1, $2)", [(name, person) for person in people])
        rows = [(name, n, t.turn_id, "user", t.speaker, t.speaker, t.text) for n, t in enumerate(session, 1)]
        columns = ["session_id", "seq", "message_id", "role", "author_id", "author_name", "text"]
        await connection.copy_records_to_table("messages", records=rows, columns=columns)
        places |= {turn.turn_id: (name, n) for n, turn in enumerate(session, 1)}
    facts = [(KNOWING_READER, n, fact.text, *places[fact.turn_id]) for n, fact in enumerate(conversation.facts)]
    await connection.executemany(ADD_FACT, facts)
    await connection.execute("ANALYZE")


def build_methods(
    database: Database, connection: "asyncpg.Connection[asyncpg.Record]", embedder: Embedder | None = None
) -> Mapping[str, Find]:
    """What is compared, by name."""

    def full_text(joined_by: str) -> Find:
        async def find(text: str) -> Sequence[str]:
            return [row[0] for row in await connection.fetch(FULL_TEXT, text, joined_by, max(DEPTHS))]

        return find

    def ours(search: Search, reader: UserId) -> Find:
        async def find(text: str) -> Sequence[str]:
            return [hit.message.message_id for hit in await search.find_turns(reader, text, max(DEPTHS))]

        return find

    with_embedder = {"search, facts and embedder": ours(Search(database, embedder=embedder), KNOWING_READER)}
    return {
        "full text, all words": full_text(" & "),
        "full text, any word, ts_rank": full_text(" | "),
        "BM25": ours(Search(database, WORDS_ONLY), READER),
        "search": ours(Search(database), READER),
        "search, with linked facts": ours(Search(database), KNOWING_READER),
        **(with_embedder if embedder else {}),
    }


class Tally:
    """Recall by method and depth, in all and by category, and the milliseconds that searches took."""

    def __init__(self) -> None:
        self.questions: list[Question] = []
        self.found: dict[str, list[Sequence[str]]] = {}
        self.waits_ms: dict[str, list[float]] = {}

    async def ask(self, methods: Mapping[str, Find], question: Question) -> None:
        """One question, by every method."""
        self.questions.append(question)
        for name, find in methods.items():
            started = time.perf_counter()
            self.found.setdefault(name, []).append(await find(question.text))
            self.waits_ms.setdefault(name, []).append(1000 * (time.perf_counter() - started))

    def recall(self, name: str, depth: int, category: int | None = None) -> float:
        """The mean share of evidence among the first `depth`, in percent."""
        shares = [
            len(question.evidence.intersection(found[:depth])) / len(question.evidence)
            for question, found in zip(self.questions, self.found[name], strict=True)
            if category in {None, question.category}
        ]
        return 100 * statistics.mean(shares)

    def report(self) -> None:
        """The tables."""
        print(f"{'':<32}" + "".join(f"{f'at {depth}':>8}" for depth in DEPTHS) + f"{'median ms':>12}")
        for name, waits in self.waits_ms.items():
            figures = "".join(f"{self.recall(name, depth):8.1f}" for depth in DEPTHS)
            print(f"{name:<32}{figures}{statistics.median(waits):12.1f}")
        categories = sorted({question.category for question in self.questions})
        counts = "".join(f"{sum(q.category == category for q in self.questions):8}" for category in categories)
        print(f"\n{'at 10, by category':<32}" + "".join(f"{category:>8}" for category in categories))
        print(f"{'questions':<32}{counts}")
        for name in self.found:
            print(f"{name:<32}" + "".join(f"{self.recall(name, 10, category):8.1f}" for category in categories))
        swapped = sum(question.category == ADVERSARIAL for question in self.questions)
        print(f"\n{len(self.questions)} questions, {swapped} of them about the wrong person (category {ADVERSARIAL})")


async def measure(
    dsn: str, conversations: Sequence[Conversation], questions: int, embedder: Embedder | None = None
) -> Tally:
    """All conversations, one after another; of each at most so many questions (0: all), drawn at random."""
    await migrate(dsn)
    connection = await asyncpg.connect(dsn)
    database = await Database.open(dsn, size=2, statement_s=30)
    tally, rnd = Tally(), random.Random(1)
    try:
        methods = build_methods(database, connection, embedder)
        for conversation in conversations:
            await store(connection, conversation)
            asked = list(conversation.questions)
            for question in rnd.sample(asked, questions) if 0 < questions < len(asked) else asked:
                await tally.ask(methods, question)
    finally:
        await database.close()
        await connection.close()
    return tally


def find_embedder(name: str) -> Embedder:
    """A function's vectors by `module:function`, else a model's, by its folder or package. Raises `NotUsableError`."""
    module, colon, function = name.partition(":")
    if not colon:
        return load_embedder(name, Path())
    return HookEmbedder(getattr(importlib.import_module(module), function))


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="bench.recall", description="How much of the evidence a search finds.")
    parser.add_argument("file", type=Path)
    parser.add_argument("--samples", type=int, default=0, help="only the first so many conversations")
    parser.add_argument("--questions", type=int, default=0, help="only so many questions of each")
    parser.add_argument("--embedder", metavar="EMBEDDER", help=HELP)
    given = parser.parse_args(sys.argv[1:])
    try:
        embedder = find_embedder(given.embedder) if given.embedder else None
        conversations = load_conversations(given.file)[: given.samples or None]
    except (OSError, ValueError) as error:
        raise SystemExit(f"{given.file}: {error}") from None
    except NotUsableError as error:
        raise SystemExit(f"{given.embedder}: {error}") from None
    turns = sum(len(session) for conversation in conversations for session in conversation.sessions)
    print(f"{len(conversations)} conversations, {turns} turns")
    for what in conversations[0].skipped:
        print(f"{sum(conversation.skipped[what] for conversation in conversations):8} {what}")
    print()
    postgres = EmbeddedPostgres(make_open_directory(is_on_disk=True))
    postgres.start()
    try:
        asyncio.run(measure(postgres.dsn, conversations, given.questions, embedder)).report()
    finally:
        postgres.stop(is_immediate=True)


if __name__ == "__main__":
    main()
