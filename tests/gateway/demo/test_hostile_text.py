"""The demo faces strangers too: no message may keep it busy for long."""

import pytest

from tests.support.demo_talk import DemoTalk

HOSTILE = {
    "spaces": "I like tea" + " " * 20_000 + "x",
    "full stops": "I like tea" + " ." * 10_000 + "x",
    "digits": "what is " + "1" * 20_000,
    "brackets": "what is " + "(" * 20_000 + "1",
    "a long sum": "what is " + "1+" * 10_000,
    "leads": "please " * 5_000,
    "ands": "I like tea and " * 3_000,
    "questions": "what did " * 4_000,
    "words": "please remember that I " + "a b " * 5_000,
    "lines": "\n" * 20_000 + "x",
    "fillers": "I like tea" + " now" * 5_000,
    "forgets": "forget that " * 3_000,
    "labels": "[Alice · 3f9a01] " * 2_000,
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_no_text_keeps_it_busy(talk: DemoTalk, name: str) -> None:
    """A pattern that runs away would stop everybody's answers: the call must end within its time-out."""
    assert await talk.say(HOSTILE[name])
    assert await talk.say("what do you know about me?")
