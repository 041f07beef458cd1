"""Search without a model in what a person said, heard and is remembered by. One door: the person comes first.

The statements choose a bounded number of candidates; `agent.ranking` and `agent.turn_ranking` order them.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from agent.ids import SessionId, UserId
from agent.likeness import add_likeness, compare_vectors
from agent.open_threads import OpenThreads
from agent.ports import Embedder
from agent.ranking import Corpus
from agent.records import Audience, Message, UserMemory
from agent.text import storable
from agent.turn_ranking import FoundTurn, Place, Question, Speaker, Weights, rank_turns
from memory.database import Connection, Database, Record
from memory.memories import find_ranked
from memory.queries import query
from memory.rows import read_message

TURN_CANDIDATES = 250
LOOK_AGAIN = 40
"""Messages that an embedder compares with the question, by their beginnings."""
EMBEDDED_CHARACTERS = 1_000
_SELF = re.compile(r"\b(i|me|my|mine|myself|we|our|us)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundMessage:
    """A message that answers a question, and how well beside the others found; greater is better."""

    message: Message
    score: float


class Search:
    """Finds memories and messages of one person."""

    def __init__(self, database: Database, weights: Weights | None = None, embedder: Embedder | None = None) -> None:
        self._database = database
        self._weights = weights or Weights()
        self._embedder = embedder

    async def find_memories(
        self, user_id: UserId, text: str, limit: int, audience: Audience
    ) -> Sequence[tuple[UserMemory, float]]:
        """The live memories that answer a text, best first, with their scores: those that this audience may hear."""
        text = storable(text)
        async with self._database.scope(user_id=user_id) as connection:
            return await find_ranked(connection, user_id, text, audience, limit)

    async def find_turns(
        self, user_id: UserId, text: str, limit: int, open_threads: OpenThreads | None = None
    ) -> Sequence[FoundMessage]:
        """The messages that answer a text, best first, out of all threads that the person takes part in.

        For that person's eyes only: others in a thread may know nothing of the other threads. With `open_threads` no
        other shared thread of a website is looked at.
        """
        text = storable(text)
        async with self._database.scope(user_id=user_id) as connection:
            await connection.fetchrow(query("begin_reading"))
            facts = _link(await find_ranked(connection, user_id, text, Audience.PRIVATE))
            found = await self._find_turns(connection, (user_id, None), text, limit, facts, open_threads)
        return await self._look_again(found, text, limit)

    async def find_in_session(
        self, session_id: SessionId, asker_id: UserId | None, text: str, limit: int
    ) -> Sequence[FoundMessage]:
        """The messages of one thread that answer a text, best first; `asker_id` is who says "I" in it."""
        text = storable(text)
        async with self._database.scope(session_id=session_id) as connection:
            found = await self._find_turns(connection, (asker_id, session_id), text, limit, {})
        return await self._look_again(found, text, limit)

    async def _find_turns(
        self,
        connection: Connection,
        whose: tuple[UserId | None, SessionId | None],
        text: str,
        limit: int,
        facts: Mapping[Place, float],
        open_threads: OpenThreads | None = None,
    ) -> Sequence[FoundMessage]:
        sessions, seqs = [place[0] for place in facts], [place[1] for place in facts]
        is_open = (list(open_threads.session_ids), open_threads.prefix) if open_threads else (None, None)
        row = await connection.fetchrow(query("find_turns"), *whose, text, TURN_CANDIDATES, sessions, seqs, *is_open)
        assert row is not None, "the statement always gives one row"
        question = Question(
            named=frozenset(row["named"] or ()), asker_id=whose[0], is_about_asker=_SELF.search(text) is not None
        )
        turns = [_read_turn(*turn) for turn in row["turns"] or ()]
        ranked = rank_turns(turns, _read_corpus(row), question, facts, self._weights)
        return await _load(connection, ranked[: limit if self._embedder is None else max(limit, LOOK_AGAIN)])

    async def _look_again(self, found: Sequence[FoundMessage], text: str, limit: int) -> Sequence[FoundMessage]:
        """The best in the order that the embedder has a say in; no connection is held while it thinks."""
        if self._embedder is None or not found:
            return found[:limit]
        vectors = await self._embedder.embed([part[:EMBEDDED_CHARACTERS] for part in (text, *_texts(found))])
        if vectors is None or len(vectors) != len(found) + 1:
            return found[:limit]
        by_place = {(one.message.session_id, one.message.seq): one for one in found}
        likeness = dict(zip(by_place, (compare_vectors(vectors[0], vector) for vector in vectors[1:]), strict=True))
        ranked = add_likeness([(place, one.score) for place, one in by_place.items()], likeness)[:limit]
        return [replace(by_place[place], score=score) for place, score in ranked]


def _texts(found: Sequence[FoundMessage]) -> list[str]:
    return [one.message.text for one in found]


def _link(memories: Sequence[tuple[UserMemory, float]]) -> dict[Place, float]:
    """The best score of what was learned from each turn."""
    best: dict[Place, float] = {}
    for memory, score in memories:
        if memory.source_session_id is not None and memory.source_seq is not None and score > 0:
            place = (memory.source_session_id, memory.source_seq)
            best[place] = max(score, best.get(place, 0.0))
    return best


async def _load(connection: Connection, ranked: Sequence[tuple[Place, float]]) -> Sequence[FoundMessage]:
    sessions, seqs = [place[0] for place, _ in ranked], [place[1] for place, _ in ranked]
    rows = await connection.fetch(query("load_turns_at"), sessions, seqs)
    by_place = {(row["session_id"], row["seq"]): read_message(SessionId(row["session_id"]), row) for row in rows}
    return [FoundMessage(message=by_place[place], score=score) for place, score in ranked if place in by_place]


def _read_corpus(row: Record) -> Corpus:
    return Corpus(size=row["size"], mean_length=row["mean_length"], counts=row["counts"] or {})


def _read_turn(
    session_id: str,
    seq: int,
    author_id: str | None,
    author_name: str,
    length: int,
    found: dict[str, int] | None,
    before: Sequence[Sequence[Any]] | None,
    after: Sequence[Sequence[Any]] | None,
) -> FoundTurn:
    return FoundTurn(
        place=(SessionId(session_id), seq),
        speaker=_read_speaker(author_id, author_name),
        found=found or {},
        length=length,
        before=tuple((at, _read_speaker(*who)) for at, *who in before or ()),
        after=tuple((at, _read_speaker(*who)) for at, *who in after or ()),
    )


def _read_speaker(author_id: str | None, author_name: str) -> Speaker:
    return Speaker(id=UserId(author_id) if author_id is not None else None, name=author_name)
