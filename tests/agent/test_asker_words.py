"""Whether something is in a person's own words: generous with endings and accents, and in any script."""

from dataclasses import replace

import pytest

from agent.asker_words import is_in_words, read_asker_words
from agent.records import Author
from tests.support.agent_runs import spoken
from tests.support.make import ANN, BOB

SAID = [
    ("likes tea", "I like tea, remember that"),
    ("lives in Paris", "please note that I live in Paris now"),
    ("is called Sam", "call me Sam"),
    ("likes Go", "remember this: I like Go"),
    ("works as a nurse at St. Mary's", "I'm a nurse at St Mary's"),
    ("is allergic to nuts", "note my nut allergy"),
    ("has a birthday on 3 May", "my birthday is 3 May, note it"),
    ("trinkt gerne Tee", "Merk dir, dass ich gerne Tee trinke"),
    ("aime le the vert", "souviens-toi que j'aime le thé vert"),
    ("любит чай", "запомни, что я люблю чай"),
    ("お茶が好き", "お茶が好きだと覚えて"),
    ("喜欢喝绿茶", "请记住我喜欢喝绿茶"),
]
UNSAID = [
    ("owes Bob money", "remember that I like tea"),
    ("likes tea", "I like to know what time it is"),
    ("lives in Paris", "what time is it"),
    ("喜欢喝绿茶", "现在几点"),
    ("owes Bob 500", "remember 50"),
    ("owes Bob and Carol money for tea", "remember that I like tea"),
    ("", "hello"),
    ("likes tea", ""),
]


@pytest.mark.parametrize(("fact", "said"), SAID)
def test_a_fact_in_other_forms_of_their_words_is_theirs(fact: str, said: str) -> None:
    """Who asks in plain words must not be asked back. Proves: UM-4."""
    assert is_in_words(fact, said)


@pytest.mark.parametrize(("fact", "said"), UNSAID)
def test_a_fact_that_they_did_not_say_is_not(fact: str, said: str) -> None:
    """One word in common, or words that are in any message, make no fact theirs. Proves: UM-15."""
    assert not is_in_words(fact, said)


def test_neither_quotes_nor_what_others_said_are_the_askers_words() -> None:
    """Proves: UM-15."""
    messages = [
        spoken("I like tea\n> likes rum"),
        spoken("likes gin", user=BOB),
        replace(spoken("likes wine"), author=Author(id=None, name="Ann")),
        replace(spoken("likes beer"), role="assistant"),
    ]
    words = read_asker_words(ANN, messages)
    assert "tea" in words
    assert all(word not in words for word in ("rum", "gin", "wine", "beer"))
    assert read_asker_words(None, messages) == ""
