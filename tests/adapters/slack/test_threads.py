"""Threads with people in them, in the fake workspace, over both transports."""

import pytest

from adapters.slack_fake.world import Outgoing
from tests.adapters.slack.arena import TRANSPORTS, Transport, open_arena
from tests.support.gateway import find_text, run_sql
from tests.support.model_steps import Gate, last_text_has, says, says_slowly
from tests.support.scripted_model import ScriptedModel

MENTION_FIRST = {"app_mention": 0.0, "message": 0.9}
"""The die by which the fake Slack tells of a mention first, or of the message."""


@pytest.mark.parametrize("first", MENTION_FIRST)
@pytest.mark.parametrize("over", TRANSPORTS)
async def test_a_mention_is_answered_once_in_its_thread(database_url: str, over: Transport, first: str) -> None:
    """Slack tells of it twice, in any order, by two event ids. Proves: SL-4."""
    model = ScriptedModel()
    model.add(says("Here I am."), when=last_text_has("are you there"))
    async with open_arena(database_url, model, over=over) as arena:
        told: list[str] = []
        submit = arena.slack.world.on_event

        def note(outgoing: Outgoing) -> None:
            told.append(outgoing.name)
            submit(outgoing)

        arena.slack.world.on_event = note
        arena.slack.world.random.random = lambda: MENTION_FIRST[first]  # type: ignore[method-assign]
        ts = await arena.ask(arena.ann, "<@BOT> are you there?")
        assert told[0] == first
        assert await arena.answers(ts) == ["Here I am."]
        decided = await arena.decisions()
        assert sorted(decided[:2]) == [
            ("said", "answered", "the bot was mentioned"),
            ("said", "ignored", "the same message came as another event"),
        ]
        assert arena.shown(ts) == ["Here I am."]


@pytest.mark.parametrize("over", TRANSPORTS)
async def test_two_people_share_a_thread_each_with_their_own_name(database_url: str, over: Transport) -> None:
    """The agent has to know who speaks, and to see what the other said. Proves: SL-5."""
    model = ScriptedModel(checks_prefix=True)
    model.add(says("Noted, Ann."), when=last_text_has("I am vegan"))
    model.add(says("She is vegan."), when=last_text_has("what does she eat"))
    async with open_arena(database_url, model, over=over) as arena:
        ts = await arena.ask(arena.ann, "<@BOT> I am vegan")
        await arena.answers(ts)
        await arena.ask(arena.ben, "<@BOT> what does she eat?", thread_ts=ts)
        assert await arena.answers(ts, 2) == ["Noted, Ann.", "She is vegan."]
        assert await arena.talk(ts) == [
            "ann: I am vegan",
            "Assistant: Noted, Ann.",
            "ben: what does she eat?",
            "Assistant: She is vegan.",
        ]


@pytest.mark.parametrize("over", TRANSPORTS)
async def test_a_follow_up_needs_no_mention_and_talk_between_people_is_kept_for_the_next_run(
    database_url: str, over: Transport
) -> None:
    """In a thread one does not mention the bot each time; nor does it butt in, nor miss what was said.
    Proves: SL-6, SL-7.
    """
    model = ScriptedModel()
    model.add(says("Blue or red."), when=last_text_has("which colours"))
    model.add(says("Blue it is."), when=last_text_has("blue then"))
    model.add(says("Ben likes red."), when=last_text_has("what does Ben like"))
    async with open_arena(database_url, model, over=over) as arena:
        ben = arena.ben.user_id
        ts = await arena.ask(arena.ann, "<@BOT> which colours are there?")
        await arena.answers(ts)
        await arena.ask(arena.ann, "blue then", thread_ts=ts)
        await arena.answers(ts, 2)
        await arena.ask(arena.ann, f"<@{ben}> which do you like?", thread_ts=ts)
        await arena.decisions()
        await arena.ask(arena.ben, "I like red", thread_ts=ts)
        await arena.decisions()
        await arena.ask(arena.ann, "<@BOT> what does Ben like?", thread_ts=ts)
        await arena.answers(ts, 3)
        reasons = [reason for _, verdict, reason in await arena.decisions() if verdict != "ignored"]
        assert reasons == [
            "the bot was mentioned",
            "a follow-up in a thread that the agent takes part in",
            "it speaks to somebody else",
            "people are talking to each other",
            "the bot was mentioned",
        ]
        seen = str(model.requests[-1].messages)
        assert "@ben which do you like?" in seen
        assert "I like red" in seen
        assert seen.index("I like red") < seen.index("what does Ben like?")


async def test_a_message_at_the_top_level_is_kept_and_seen_when_its_thread_calls_the_agent(database_url: str) -> None:
    """The question is often asked before somebody thinks of the agent. Proves: SL-7."""
    model = ScriptedModel()
    model.add(says("At noon."), when=last_text_has("can you tell"))
    async with open_arena(database_url, model) as arena:
        ts = await arena.ask(arena.ann, "when does the shop open?")
        assert await arena.decisions() == [("said", "kept", "the bot was not addressed")]
        await arena.ask(arena.ben, "<@BOT> can you tell?", thread_ts=ts)
        assert await arena.answers(ts) == ["At noon."]
        assert "when does the shop open?" in str(model.requests[-1].messages)


@pytest.mark.parametrize("over", TRANSPORTS)
async def test_a_private_message_is_answered_and_stays_private(database_url: str, over: Transport) -> None:
    """A direct message needs no mention. Proves: SL-4."""
    model = ScriptedModel()
    model.add(says("Hello Ann."), when=last_text_has("hi"))
    async with open_arena(database_url, model, over=over) as arena:
        direct = arena.team.direct(arena.ann)
        ts = await arena.ask(arena.ann, "hi", channel=direct)
        assert await arena.answers(ts, channel=direct) == ["Hello Ann."]
        session = (await arena.core.gateway.service.list_sessions(None, 5))[0]
        assert (session.audience, session.tenant) == ("private", arena.team.team_id)


@pytest.mark.parametrize("over", TRANSPORTS)
async def test_an_edit_in_mid_run_starts_the_turn_over_and_leaves_one_answer(
    database_url: str, over: Transport
) -> None:
    """The question that stands is the one to answer. Proves: SL-8."""
    model, gate = ScriptedModel(checks_prefix=False), Gate()
    model.add(says_slowly(["Paris ", "is ", "sunny."], gate), when=last_text_has("Paris"))
    model.add(says("Rome is rainy."), when=last_text_has("Rome"))
    async with open_arena(database_url, model, over=over) as arena:
        ts = await arena.ask(arena.ann, "<@BOT> weather in Paris?")
        gate.let(2)
        await arena.slack.wait_for(lambda: arena.shown(ts) != [], timeout_s=5)
        await arena.slack.edit(arena.ann, arena.general, ts, "<@BOT> weather in Rome?")
        assert await arena.answers(ts) == ["Rome is rainy."]
        await arena.decisions()
        assert arena.shown(ts) == ["Rome is rainy."]


@pytest.mark.parametrize("over", TRANSPORTS)
async def test_a_deleted_question_is_not_answered_and_its_words_are_gone(database_url: str, over: Transport) -> None:
    """Who deletes a question takes it back. Proves: SL-8."""
    model, gate = ScriptedModel(checks_prefix=False), Gate()
    model.add(says_slowly(["The ", "secret ", "is."], gate), when=last_text_has("xyzzy"))
    async with open_arena(database_url, model, over=over) as arena:
        ts = await arena.ask(arena.ann, "<@BOT> what is xyzzy?")
        gate.let(2)
        await arena.slack.wait_for(lambda: arena.shown(ts) != [], timeout_s=5)
        await arena.slack.delete(arena.ann, arena.general, ts)
        await arena.slack.wait_for(lambda: arena.shown(ts) == [], timeout_s=5)
        await arena.decisions()
        gate.open()
        assert "messages" not in await find_text(database_url, "xyzzy")
        assert "slack_inbox" not in await find_text(database_url, "xyzzy")
        assert arena.shown(ts) == []


@pytest.mark.parametrize("over", TRANSPORTS)
async def test_the_stop_button_keeps_what_was_said_so_far(database_url: str, over: Transport) -> None:
    """Slack offers the button while the status says that the agent works. Proves: SL-9."""
    model, gate = ScriptedModel(), Gate()
    model.add(says_slowly(["One ", "two ", "three."], gate), when=last_text_has("count"))
    async with open_arena(database_url, model, over=over) as arena:
        ts = await arena.ask(arena.ann, "<@BOT> count")
        gate.let(2)
        await arena.slack.wait_for(
            lambda: arena.shown(ts) != [] and arena.slack.status(arena.general, ts) == "processing"
        )
        await arena.slack.press_stop(arena.ann, arena.general, ts)
        assert (await arena.answers(ts))[0].startswith("One")
        await arena.slack.wait_for(lambda: arena.slack.status(arena.general, ts) == "active")
        assert len(arena.shown(ts)) == 1


async def test_the_stop_button_of_a_rolling_conversation_stops_its_question_alone(database_url: str) -> None:
    """All questions are one session there, and each has its thread and its button. Proves: SL-9."""
    model, gate = ScriptedModel(checks_prefix=False), Gate()
    model.add(says_slowly(["One ", "two."], gate), when=last_text_has("count"))
    model.add(says("Later."), when=last_text_has("and then"))
    async with open_arena(database_url, model, direct_messages="rolling") as arena:
        direct = arena.team.direct(arena.ann)
        ts = await arena.ask(arena.ann, "count", channel=direct)
        await arena.slack.wait_for(lambda: arena.slack.status(direct, ts) == "processing")
        await gate.reached.wait()
        then = await arena.ask(arena.ann, "and then", channel=direct)
        await arena.slack.press_stop(arena.ann, direct, ts)
        await arena.slack.wait_until_heard()
        assert ("stopclicked", "ignored", "what was running was stopped") in await arena.decisions()
        assert await arena.answers(then, channel=direct) == ["Later."]
        assert arena.final(ts, direct) == []


async def test_other_bots_and_own_posts_are_left_alone(database_url: str) -> None:
    """Two bots that answer each other would never end. Proves: SL-4."""
    model = ScriptedModel()
    async with open_arena(database_url, model) as arena:
        other = arena.team.add_bot("Other bot")
        arena.team.join(other, arena.general)
        await arena.slack.say_as_bot(other, arena.general, "<@BOT> hello")
        await arena.slack.wait_until_heard()
        assert {verdict for _, verdict, _ in await arena.decisions()} == {"ignored"}
        assert model.requests == []


async def test_a_thread_that_is_joined_late_is_read_once(database_url: str) -> None:
    """What was said before the bot came cannot have been delivered. Proves: SL-7."""
    model = ScriptedModel()
    model.add(says("Pizza."), when=last_text_has("what do they want"))
    async with open_arena(database_url, model) as arena:
        ts = await arena.slack.say(arena.ann, arena.general, "lunch?")
        await arena.slack.say(arena.ben, arena.general, "pizza!", thread_ts=ts)
        await arena.slack.wait_until_heard()
        await arena.decisions()
        await run_sql(database_url, "DELETE FROM messages")
        await run_sql(database_url, "DELETE FROM dedupe")
        await arena.ask(arena.ann, "<@BOT> what do they want?", thread_ts=ts)
        assert await arena.answers(ts) == ["Pizza."]
        assert "pizza!" in str(model.requests[-1].messages)
        reads = [call for call in arena.slack.api.calls if call.method == "conversations.replies"]
        assert len(reads) == 1
