"""How well texts answer a question, without a model: BM25 over stemmed words, and sums of features on one scale.

The words come from the store, stemmed and without stop words; what is counted over a sample of its texts says how much
a word tells. Nothing here reads a text.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import log

from agent.records import UserMemory

SATURATION = 1.2
"""BM25's k1: how soon saying a word again stops to count."""
LENGTH_SHARE = 0.75
"""BM25's b: how much of a text's length counts against it."""
RECENCY_WEIGHT = 0.15
"""A newer memory wins over an older one that fits as well, and loses to one that plainly fits better."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Corpus:
    """The texts that were searched: how many, their mean length in words, and in how many of them each word stands."""

    size: int
    mean_length: float
    counts: Mapping[str, int]

    def weigh(self, word: str) -> float:
        """How much a word tells: the more, the fewer texts have it; never below 0."""
        count = min(self.counts.get(word, 0), self.size)
        return log(1 + (self.size - count + 0.5) / (count + 0.5))

    def score(self, found: Mapping[str, int], length: int) -> float:
        """BM25 of a text of `length` words in which the question's words stand `found[word]` times."""
        norm = SATURATION * (1 - LENGTH_SHARE + LENGTH_SHARE * length / max(self.mean_length, 1.0))
        return sum(self.weigh(word) * times * (SATURATION + 1) / (times + norm) for word, times in found.items())


def normalize(values: Sequence[float]) -> list[float]:
    """The values on a scale from 0 to the greatest, which becomes 1: what was not found stays 0."""
    top = max(values, default=0.0)
    return [value / top if top > 0 else 0.0 for value in values]


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundMemory:
    """A memory that may be used: the question's words that stand in it, and its length in words."""

    memory: UserMemory
    found: tuple[str, ...] = ()
    length: int = 0


def rank_memories(
    candidates: Iterable[FoundMemory], size: int, counts: Mapping[str, int]
) -> list[tuple[UserMemory, float]]:
    """The memories with their scores, the most relevant first; where nothing was found they are last, newest first.

    `counts` says in how many of `size` memories each word stands. A score is 0 where nothing of the question was found.
    """
    ordered = sorted(candidates, key=lambda c: c.memory.updated_at)
    mean_length = sum(c.length for c in ordered) / max(len(ordered), 1)
    corpus = Corpus(size=size, mean_length=mean_length, counts=counts)
    words = normalize([corpus.score(dict.fromkeys(c.found, 1), c.length) for c in ordered])
    last = max(len(ordered) - 1, 1)
    scored = []
    for age, (candidate, score) in enumerate(zip(ordered, words, strict=True)):
        scored.append((candidate.memory, score + RECENCY_WEIGHT * age / last if score else 0.0, age))
    scored.sort(key=lambda entry: (entry[1], entry[2]), reverse=True)
    return [(memory, score) for memory, score, _ in scored]
