"""Order by words and by what stands round them; nothing here needs a store."""

from dataclasses import replace
from datetime import timedelta

import pytest

from agent.ids import SessionId, UserId
from agent.ranking import Corpus, FoundMemory, normalize, rank_memories
from agent.turn_ranking import WORDS_ONLY, FoundTurn, Question, Speaker, Weights, rank_turns
from tests.support.agent_runs import AT, remembered

CORPUS = Corpus(size=100, mean_length=10, counts={"rare": 1, "common": 80})
ANN, BOB = Speaker(id=UserId("ann"), name="Ann"), Speaker(id=UserId("bob"), name="Bob")
THREAD = SessionId("t")


def turn(seq: int, *words: str, speaker: Speaker = ANN, beside: tuple[int, ...] = (), thread: str = "t") -> FoundTurn:
    """A turn of ten words; `beside` are the numbers of the turns after it."""
    return FoundTurn(
        place=(SessionId(thread), seq),
        speaker=speaker,
        found=dict.fromkeys(words, 1),
        length=10,
        after=tuple((n, BOB) for n in beside),
    )


def test_a_rare_word_tells_more_than_a_common_one_and_a_short_text_more_than_a_long_one() -> None:
    """That is what BM25 is for."""
    assert CORPUS.score({"rare": 1}, 10) > CORPUS.score({"common": 1}, 10) > 0
    assert CORPUS.score({"rare": 1}, 5) > CORPUS.score({"rare": 1}, 50)
    assert CORPUS.score({"rare": 9}, 10) < 3 * CORPUS.score({"rare": 1}, 10), "saying it again counts less and less"
    assert Corpus(size=0, mean_length=0, counts={"x": 5}).score({"x": 1}, 0) >= 0


def test_features_of_any_size_come_on_one_scale() -> None:
    """Else the one with the greatest numbers would decide alone."""
    assert normalize([2.0, 0.0, 4.0]) == [0.5, 0.0, 1.0]
    assert normalize([0.0, 0.0]) == [0.0, 0.0]
    assert normalize([]) == []


def test_the_answer_beside_a_question_is_found_without_a_word_of_it() -> None:
    """People answer "a bowl" where they were asked what they made in the pottery class."""
    places = [place for place, _ in rank_turns([turn(5, "rare", beside=(6, 7))], CORPUS, Question())]
    assert places == [(THREAD, 5), (THREAD, 6), (THREAD, 7)]
    assert rank_turns([turn(5, "rare", beside=(6, 7))], CORPUS, Question(), weights=WORDS_ONLY) == [((THREAD, 5), 1.0)]


@pytest.mark.parametrize(
    "question",
    [Question(named=frozenset({"Bob"})), Question(asker_id=UserId("bob"), is_about_asker=True)],
)
def test_who_is_asked_about_comes_before_who_says_the_same(question: Question) -> None:
    """By name, or by saying "I"."""
    ranked = rank_turns([turn(5, "rare"), turn(50, "rare", speaker=BOB)], CORPUS, question)
    assert ranked[0][0] == (THREAD, 50)
    ranked = rank_turns([turn(5, "rare"), turn(50, "rare", speaker=BOB)], CORPUS, Question(asker_id=UserId("bob")))
    assert ranked[0][1] == ranked[1][1], "who asks about something else is no hint"


def test_a_turn_in_a_stretch_about_the_subject_comes_before_one_that_stands_alone() -> None:
    """People stay with a subject for a while."""
    turns = [turn(110, "common"), turn(130, "rare"), turn(10, "common"), turn(10, "common", thread="other")]
    places = [place for place, _ in rank_turns(turns, CORPUS, Question(), weights=replace(WORDS_ONLY, stretch=0.5))]
    assert places[:2] == [(THREAD, 130), (THREAD, 110)]


def test_a_fact_lifts_the_turn_it_came_from_and_no_other() -> None:
    """What was only hinted at is said plainly in the fact."""
    turns = [turn(5, "rare"), turn(300)]
    facts = {(THREAD, 300): 2.0, (SessionId("elsewhere"), 1): 9.0}
    ranked = dict(rank_turns(turns, CORPUS, Question(), facts, Weights(fact=3.0)))
    assert ranked[THREAD, 300] > ranked[THREAD, 5]
    assert set(ranked) == {(THREAD, 5), (THREAD, 300)}, "a place that was not found is none"


def test_a_memory_with_more_of_the_question_comes_first_and_the_newer_of_two_equals() -> None:
    """Proves: UM-13."""
    old = FoundMemory(memory=remembered("old"), found=("tea",), length=3)
    new = FoundMemory(memory=replace(remembered("new"), updated_at=AT + timedelta(1)), found=("tea",), length=3)
    both = FoundMemory(memory=remembered("both"), found=("tea", "milk"), length=3)
    none = FoundMemory(memory=replace(remembered("none"), updated_at=AT + timedelta(2)), length=3)
    ranked = rank_memories([none, old, new, both], 20, {"tea": 4, "milk": 1})
    assert [memory.memory for memory, _ in ranked] == ["both", "new", "old", "none"]
    assert [score > 0 for _, score in ranked] == [True, True, True, False]
