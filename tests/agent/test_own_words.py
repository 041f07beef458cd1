"""What of a message is its author's own. What is taken for theirs by mistake becomes a fact about the wrong person."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.extraction import build_extraction
from agent.own_words import own_words
from tests.support.agent_runs import spoken


@pytest.mark.parametrize(
    "text",
    [
        "see below\n---------- Forwarded message ---------\nFrom: Bob <bob@x.example>\nI live in Rome",
        "Begin forwarded message:\n\nI live in Rome",
        "look at this\nOn Mon, 3 May 2026 at 10:00 Bob Smith wrote:\nI live in Rome",
        "On Mon, 3 May 2026 at 10:00 Bob Smith <bob@x.example>\nwrote:\n\nI live in Rome",
        "On Mon, 3 May 2026 at 10:00\nBob Smith <bob@x.example> wrote:\n\nI live in Rome",
        "Am Mo., 3. Mai 2026 um 10:00 Uhr schrieb Bob <bob@x.example>:\nI live in Rome",
        "Le lun. 3 mai 2026 à 10:00, Bob a écrit :\nI live in Rome",
        "El lun, 3 may 2026 a las 10:00, Bob escribió:\nI live in Rome",
        "Il giorno lun 3 mag 2026 alle ore 10:00 Bob ha scritto:\nI live in Rome",
        "Em seg., 3 de mai. de 2026 10:00, Bob escreveu:\nI live in Rome",
        "Op ma 3 mei 2026 om 10:00 schreef Bob:\nI live in Rome",
        "2026年5月3日(日) 10:00 Bob <bob@x.example>:\nI live in Rome",
        "Von: bob@x.example\nIch wohne, I live in Rome",
        "fyi\nFrom: John Doe\nSent: Monday, 3 May 2026\nTo: me\n\nI live in Rome",
        "*Von:* John Doe\n*Gesendet:* Montag\n\nI live in Rome",
        "what it printed:\n```\nI live in Rome\n```",
        "what it printed:\n~~~\nI live in Rome\n~~~",
        "~~~\n```\n~~~ text\nwhat: \n```\nI live in Rome",
        'Bob told me "I live in Rome these days"',
        'Bob told me "I live in Rome\nthese days"',
        f'Bob told me "I live in Rome {"and it is nice " * 100}"',
        "sie sagte „I live in Rome since May“",
        "sie sagte »I live in Rome since May«",
        "elle a dit «I live in Rome since May»",
        "elle a dit ‹I live in Rome since May›",
        "he said 'I live in Rome and don't like it'",
        "he said ‘I live in Rome and don’t like it’",
        "彼は「私は今 Rome に住んでいます」と言った",
        "彼は『I live in Rome since May』と言った",
        "[10:02] Bob: I live in Rome",
        "[3/5/26, 10:02:11 AM] Bob Smith: I live in Rome",
        "03.05.2026, 10:02 - Bob: I live in Rome",
        "10:02 Bob: I live in Rome",
        "10:02 am Bob Smith: I live in Rome",
        "10:02 bob: I live in Rome",
        "10:02 - Ana Maria De Souza: I live in Rome",
        "[10:02] is it me: I live in Rome",
        "On Monday Bob wrote:\nI live in Rome",
        "On Monday, Bob wrote to me:\nI live in Rome",
        "On 3 May 2026 Bob Smith via Lists wrote in news.example:\nI live in Rome",
        "it printed: ```\nI live in Rome\n```",
        "it printed: ```I like\nRome```",
        "- ```\nI live in Rome",
        "he said 'cause I live in Rome'",
        "he said 'till May I live in Rome, I do'",
    ],
    ids=ascii,
)
def test_forwarded_pasted_and_reported_words_are_not_the_persons_own(text: str) -> None:
    """They tell of somebody else, and may be made up to be remembered. Proves: UM-15."""
    assert "Rome" not in own_words(text)
    assert "Rome" not in repr(build_extraction("m", [spoken(text)], []))


@pytest.mark.parametrize(
    "text",
    [
        'my cat is called "Sir Purr"',
        "my dog is called 「ハチ」, I live in Rome",
        "I'm vegan, don't drink, and like the dogs' home",
        'I have a 27" and a 32" monitor, and I live in Rome with 24" wheels',
        "From: Rome\nTo: Paris\nI travel on Monday",
        "On Mondays I work for Bob",
        "I get up at 7:30 and I live in Rome: nice",
        "my page ~~~ is short",
        "my mail is <ann@x.example>\nI live in Rome",
        "I'm vegan 'cause I get sick from milk, even at my parents' farm",
        "Tell 'em I have diabetes and need my kids' insulin",
        "I have loved the '90s and I am allergic to nuts since I lived at my parents' house",
        "I sing 'cause I'm happy singin' in Rome",
        "ich hab 'ne Allergie und wohne in Hans' Haus",
        "10:30 am works best for me: I work night shifts and I am diabetic",
        "7:30 is when I get up: I am an early bird",
        "10:30 is fine: I am free then",
        "10:30 OK: I am free then",
        "18.30 passt mir gut: ich arbeite bis sechs",
        "On Monday I wrote my thesis. Notes:\nI am a doctor and live in Oslo",
        "On 3 May 2020 I wrote this:\nI am a doctor and live in Oslo",
        "Am Montag schrieb ich auf:\nIch bin Arzt",
        "On Mondays my wife wrote books. Notes:\nI am a doctor",
        "How do I type ``` here? By the way I am a vegetarian\nand I live in Oslo",
    ],
    ids=ascii,
)
def test_names_feet_inches_and_apostrophes_take_nothing_away(text: str) -> None:
    """Not everything between marks is somebody's speech. Proves: UM-15."""
    assert own_words(text) == text


def test_words_after_a_block_and_round_a_quote_are_kept() -> None:
    """The author goes on. Proves: UM-15."""
    assert own_words("```\nlog\n```\nI live in Rome") == "I live in Rome"
    assert own_words("~~~\nlog\n~~~\nI live in Rome") == "I live in Rome"
    assert own_words('I like tea, Bob "does not like tea at all", and milk') == "I like tea, Bob , and milk"
    assert own_words("[10:02] Bob: hello there\nI live in Rome") == "I live in Rome"


@given(st.text(alphabet="ab\"'“”„«»‹›「」‘’`~>: \n[12]@<on wrote", max_size=300))
def test_whatever_is_said_nothing_is_made_up(text: str) -> None:
    """What is left stands in the message, in its order."""
    rest = iter("\n".join(text.splitlines()))
    assert all(c in rest for c in own_words(text))


@pytest.mark.parametrize(
    "text",
    ['"' + "a " * 20_000, "'a " * 20_000, "«" * 40_000, "on a\n" * 8_000, "on " + "wrote " * 8_000, "a <b@" * 8_000],
    ids=lambda text: text[:8],
)
def test_no_message_takes_long_to_read(text: str) -> None:
    """Patterns that go back and forth would hold the whole process; this ends or the suite does not."""
    own_words(text)
