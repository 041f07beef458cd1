"""How alike two texts are to an embedder, where there is one: it looks again at what the words found."""

from collections.abc import Mapping, Sequence
from math import hypot

from agent.ranking import normalize
from agent.turn_ranking import Place

LIKENESS_WEIGHT = 0.5
"""Beside the turn's own words, which count 1."""


def compare_vectors(one: Sequence[float], other: Sequence[float]) -> float:
    """The cosine of the angle between two vectors, not below 0; 0 where one has no length, or they do not fit."""
    lengths = hypot(*one) * hypot(*other)
    if len(one) != len(other) or not lengths:
        return 0.0
    return max(0.0, sum(a * b for a, b in zip(one, other, strict=True)) / lengths)


def add_likeness(ranked: Sequence[tuple[Place, float]], likeness: Mapping[Place, float]) -> list[tuple[Place, float]]:
    """The places in their new order, best first: likeness, on a scale from 0 to 1 like the features, is one more."""
    shares = normalize([likeness.get(place, 0.0) for place, _ in ranked])
    added = [(place, score + LIKENESS_WEIGHT * share) for (place, score), share in zip(ranked, shares, strict=True)]
    return sorted(added, key=lambda entry: entry[1], reverse=True)
