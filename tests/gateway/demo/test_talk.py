"""What the demo model says, spoken to as people speak to it, through the real SDK. Proves: AG-6."""

import pytest

from gateway.demo.replies import WHO_I_AM
from tests.support.demo_talk import DemoTalk


async def test_the_first_greeting_is_by_name_and_says_what_speaks(talk: DemoTalk) -> None:
    """Nobody may take a handful of rules for an AI. Proves: AG-6."""
    first = await talk.say("Hello!")
    assert "Alice" in first
    assert WHO_I_AM in first
    again = await talk.say("Hello!")
    assert "Alice" in again
    assert WHO_I_AM not in again


async def test_a_first_message_that_is_no_greeting_gets_its_answer_and_the_same_warning(talk: DemoTalk) -> None:
    """Many people begin with the question."""
    first = await talk.say("What is 17*23?")
    assert "391" in first
    assert WHO_I_AM in first


@pytest.mark.parametrize("question", ["Who are you?", "what are you", "Are you a human?", "are you claude?", "help"])
async def test_it_says_what_it_is_whenever_asked(talk: DemoTalk, question: str) -> None:
    """Proves: AG-6."""
    await talk.say("hi")
    assert WHO_I_AM in await talk.say(question)


async def test_people_in_one_thread_are_told_apart(talk: DemoTalk) -> None:
    """Everybody sees one history; each is known by their label. Proves: AG-6."""
    talk.listen("the printer is on fire", by="Bob")
    talk.listen("I like coffee", by="Bob")
    await talk.say("I like tea")
    bob = await talk.say("What did Bob say?")
    assert "the printer is on fire" in bob
    here = await talk.say("Who is here?")
    assert "Bob" in here
    assert "Alice" in here
    likes = await talk.say("What do I like?")
    assert "tea" in likes
    assert "coffee" not in likes
    assert "coffee" in await talk.say("What do I like?", by="Bob")
    assert "likes coffee" in await talk.say("What does Bob like?")
    assert "Nobody called Carol" in await talk.say("What did Carol say?")


@pytest.mark.parametrize(
    ("question", "wanted"),
    [
        ("What did I say first?", "“my first words”"),
        ("what did I just say?", "“my second words”"),
        ("What did you say?", "“"),
        ("summarize this thread", "Alice: “my second words”"),
        ("What did everybody say?", "Alice: “my first words”"),
    ],
)
async def test_it_answers_from_the_history(talk: DemoTalk, question: str, wanted: str) -> None:
    """The thread is given with every request."""
    await talk.say("my first words")
    await talk.say("my second words")
    assert wanted in await talk.say(question)


async def test_a_long_story_is_long_enough_to_be_interrupted(talk: DemoTalk) -> None:
    """People reload the page or kill the server in the middle of it."""
    story = await talk.say("Tell me a long story")
    assert len(story.split()) > 300
    assert "Alice" in story
    assert len((await talk.say("tell me a short story")).split()) < 200


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("count to 12", "10 11 12"),
        ("say good morning", "good morning"),
        ("how are you?", "rules"),
        ("thank you!", ""),
        ("bye", "Goodbye, Alice."),
    ],
)
async def test_small_talk(talk: DemoTalk, text: str, wanted: str) -> None:
    """A demo that answers only questions about itself is a dull one."""
    await talk.say("hi")
    answer = await talk.say(text)
    assert wanted in answer
    assert "no rule for that" not in answer


async def test_what_no_rule_fits_gets_an_offer(talk: DemoTalk) -> None:
    """It says that it cannot, and what it can."""
    answer = await talk.say("Explain the offside rule, please")
    assert "long story" in answer
    assert WHO_I_AM in answer


async def test_the_same_request_gets_the_same_answer(talk: DemoTalk) -> None:
    """Tests and trials must be repeatable."""
    other = DemoTalk(talk.claude)
    for text in ("hi", "Explain the offside rule", "tell me a long story", "thanks"):
        assert await talk.say(text) == await other.say(text)


async def test_costs_nothing_and_reads_its_prefix_from_the_cache(talk: DemoTalk) -> None:
    """The accounts are kept as the vendor keeps them, so that a broken prefix shows without a key."""
    for text in ("hello", "I like tea", "what do I like?"):
        await talk.say(text)
    assert [reply.usage.cost_usd for reply in talk.replies] == [0, 0, 0]
    first, second, third = (reply.usage for reply in talk.replies)
    assert first.cache_read_tokens == 0
    assert second.cache_read_tokens == first.cache_write_tokens
    assert third.cache_read_tokens == second.cache_read_tokens + second.cache_write_tokens
