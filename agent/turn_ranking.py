"""Which turns of many threads answer a question: what was said, who said it, and what was said around it.

    score = words of the turn itself            BM25
          + words one turn and two turns away   an answer seldom repeats the words of its question
          + words of its stretch of the thread  people stay with a subject
          + who said it                         where the question names a speaker, or says "I"
          + facts that came out of it           a fact says in plain words what the turn hinted at

Each feature is put on a scale from 0 to 1 over the candidates before they are added: sums keep how much better the best
is, which ranks alone do not.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from agent.ids import SessionId, UserId
from agent.ranking import Corpus, normalize

STRETCH_SEQS = 100
"""Neighbours in numbers of a thread's log that count as one stretch: some thirty messages and their notes."""

Place: TypeAlias = tuple[SessionId, int]
"""A turn: the session and the number of the message in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Speaker:
    """Who said a turn, as far as ranking asks: the id (none for the agent) and the name shown."""

    id: UserId | None
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundTurn:
    """A turn in which words of the question stand, or from which a fact came, with the turns beside it.

    `found` counts the question's words in it, `length` all words. `before` and `after` are at most two turns, the
    nearest first, each by its number and speaker.
    """

    place: Place
    speaker: Speaker
    found: Mapping[str, int]
    length: int
    before: tuple[tuple[int, Speaker], ...] = ()
    after: tuple[tuple[int, Speaker], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is known of a question beside its words: the speakers it names, who asks, and whether it says "I"."""

    named: frozenset[str] = frozenset()
    asker_id: UserId | None = None
    is_about_asker: bool = False

    def is_about(self, speaker: Speaker) -> bool:
        """Whether the question asks for what this speaker said."""
        return speaker.name in self.named or (
            self.is_about_asker and speaker.id is not None and speaker.id == self.asker_id
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """How much each feature counts beside the turn's own words, which count 1."""

    near: float = 0.5
    far: float = 0.25
    stretch: float = 0.6
    speaker: float = 0.3
    fact: float = 0.5


WORDS_ONLY = Weights(near=0, far=0, stretch=0, speaker=0, fact=0)


@dataclass(slots=True)
class _Features:
    own: float = 0.0
    near: float = 0.0
    far: float = 0.0
    stretch: float = 0.0
    speaker: float = 0.0
    fact: float = 0.0


def rank_turns(
    turns: Sequence[FoundTurn],
    corpus: Corpus,
    question: Question,
    facts: Mapping[Place, float] | None = None,
    weights: Weights | None = None,
) -> list[tuple[Place, float]]:
    """Places with their scores, best first: the turns found and, where weights let them in, the turns beside them.

    `facts` gives the score of the best fact that came from a turn.
    """
    weights = weights or Weights()
    features = _spread(turns, corpus, question)
    for place, score in (facts or {}).items():
        if place in features:
            features[place].fact = score
    places = list(features)
    columns = {name: normalize([getattr(features[place], name) for place in places]) for name in _Features.__slots__}
    shares = {"own": 1.0, **{name: getattr(weights, name) for name in Weights.__slots__}}
    totals = [sum(share * columns[name][row] for name, share in shares.items()) for row in range(len(places))]
    ranked = [(place, total) for place, total in zip(places, totals, strict=True) if total > 0]
    return sorted(ranked, key=lambda entry: (entry[1], entry[0][1]), reverse=True)


def _spread(turns: Sequence[FoundTurn], corpus: Corpus, question: Question) -> dict[Place, _Features]:
    features: dict[Place, _Features] = defaultdict(_Features)
    stretches: dict[Place, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for turn in turns:
        session_id, _ = turn.place
        score = corpus.score(turn.found, turn.length)
        features[turn.place].own += score
        features[turn.place].speaker = float(question.is_about(turn.speaker))
        for beside in (turn.before, turn.after):
            for distance, (seq, speaker) in enumerate(beside):
                neighbour = features[session_id, seq]
                neighbour.speaker = float(question.is_about(speaker))
                if distance == 0:
                    neighbour.near += score
                else:
                    neighbour.far += score
        for word, times in turn.found.items():
            stretches[_stretch_of(turn.place)][word] += times
    priors = {stretch: corpus.score(found, round(corpus.mean_length)) for stretch, found in stretches.items()}
    for place, feature in features.items():
        feature.stretch = priors.get(_stretch_of(place), 0.0)
    return features


def _stretch_of(place: Place) -> Place:
    return place[0], place[1] // STRETCH_SEQS
