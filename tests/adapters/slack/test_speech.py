"""What people write and what the agent writes back, in the fake workspace: names, signs, code, files, faults."""

import asyncio

import pytest

from adapters.slack.splitting import split
from adapters.slack_fake.world import Outgoing
from tests.adapters.slack.arena import Arena, open_arena
from tests.support.gateway import run_sql
from tests.support.model_steps import Gate, fails, last_text_has, says, says_slowly
from tests.support.scripted_model import ScriptedModel

CODE = "Look:\n\n```python\n" + "".join(f"print({n:05d})\n" for n in range(2_500)) + "```\n\nThat is all."
SIGNS = "שלום עולם 👩‍👩‍👧 مرحبا 👍🏽 é 日本語 `x < y && z` 🏳️‍🌈"


def code_lines(texts: list[str]) -> list[str]:
    """The lines of code in several messages, each of which has whole fences."""
    lines: list[str] = []
    for text in texts:
        assert text.count("```") % 2 == 0
        lines += [line for line in text.splitlines() if line.startswith("print(")]
    return lines


async def test_somebody_who_is_not_in_the_thread_is_talked_to_by_name(database_url: str) -> None:
    """Two people and the agent are talking, and one of them turns to a third. Proves: SL-6, SL-7."""
    model = ScriptedModel(checks_prefix=False)
    model.add(says("Hello."), says("Hello again."), says("Noted."))
    async with open_arena(database_url, model) as arena:
        cleo = arena.team.add_user("Cleo Marsh")
        arena.team.join(cleo, arena.general)
        await arena.answers(await arena.ask(cleo, "<@BOT> hi"))
        ts = await arena.ask(arena.ann, "<@BOT> who is on call?")
        await arena.answers(ts)
        for text in ("Cleo, can you take over?", "cleo marsh: it is urgent"):
            await arena.ask(arena.ann, text, thread_ts=ts)
            await arena.decisions()
        await arena.ask(arena.ann, "<@BOT> never mind, thanks: all good", thread_ts=ts)
        assert await arena.answers(ts, 2) == ["Hello again.", "Noted."]
        reasons = [reason for _, verdict, reason in await arena.decisions() if verdict == "kept"]
        assert reasons == ["it speaks to somebody else"] * 2


async def test_signs_of_any_script_stand_as_the_agent_wrote_them(database_url: str) -> None:
    """Right to left, joined, combined, on every rung. Proves: SL-10, SL-24."""
    model, gate = ScriptedModel(), Gate()
    model.add(says_slowly([SIGNS[:9], SIGNS[9:20], SIGNS[20:]], gate), when=last_text_has(SIGNS))
    async with open_arena(database_url, model) as arena:
        ts = await arena.ask(arena.ann, f"<@BOT> {SIGNS}".replace("&", "&amp;").replace("<", "&lt;", 0))
        gate.open()
        assert await arena.answers(ts) == [SIGNS]
        assert arena.shown(ts) == [SIGNS]


async def test_a_long_program_keeps_whole_fences_in_every_message_and_all_its_lines(database_url: str) -> None:
    """Half a fence swallows the rest of a message. Proves: SL-11."""
    model = ScriptedModel()
    model.add(says(CODE))
    async with open_arena(database_url, model) as arena:
        ts = await arena.ask(arena.ann, "<@BOT> a program")
        texts = await arena.answers(ts, len(split(CODE)))
        assert len(texts) > 2
        assert code_lines(texts) == [f"print({n:05d})" for n in range(2_500)]
        assert texts[-1].endswith("That is all.")


async def test_a_stream_that_ends_in_a_block_of_code_is_written_again_whole(database_url: str) -> None:
    """Slack ends streams wherever they are. Proves: SL-12."""
    model, gate = ScriptedModel(), Gate()
    pieces = ["Look:\n\n```python\nprint(1)\n", "print(2)\n", "print(3)\n", "```\n\nDone."]
    model.add(says_slowly(pieces, gate))
    async with open_arena(database_url, model) as arena:
        ts = await arena.ask(arena.ann, "<@BOT> a program")
        gate.let(2)
        await arena.slack.wait_for(lambda: arena.shown(ts) != [], timeout_s=10)
        arena.slack.expire_streams(arena.general)
        gate.open()
        assert await arena.answers(ts) == ["".join(pieces)]
        assert arena.shown(ts) == ["".join(pieces)]


async def test_one_endless_word_is_cut_and_nothing_of_it_is_lost(database_url: str) -> None:
    """Keys, hashes and base64 have no spaces. Proves: SL-11."""
    word = "".join(f"{n:06d}" for n in range(5_000))
    model = ScriptedModel()
    model.add(says(word))
    async with open_arena(database_url, model) as arena:
        ts = await arena.ask(arena.ann, "<@BOT> the key")
        assert "".join(await arena.answers(ts, 3)) == word


async def test_no_mention_of_any_kind_comes_out_of_the_model(database_url: str) -> None:
    """Groups too, and whatever the notification is made of. Proves: SL-15."""
    model = ScriptedModel()
    model.add(says("<!subteam^S123|@team> <!everyone> @channel <@U1|ann> <!date^1^x|now> <#C1|general>"))
    async with open_arena(database_url, model) as arena:
        ts = await arena.ask(arena.ann, "<@BOT> wake them")
        await arena.answers(ts)
        (post,) = arena.slack.answers(arena.general, ts)
        for words in (post.source, post.text, str(post.blocks)):
            for call in ("<!subteam", "<!everyone", "<@U1", "@channel", "<!date", "<#C1"):
                assert call not in words


async def test_a_run_that_fails_says_one_sentence_and_takes_the_sign_away(database_url: str) -> None:
    """A sign that the agent works, for ever, is worse than none; and a fault's text is nobody's business.
    Proves: SL-9, SL-10.
    """
    model = ScriptedModel()
    model.add(fails(400, "invalid_request_error", "secret internals at 10.0.0.1"))
    async with open_arena(database_url, model) as arena:
        ts = await arena.ask(arena.ann, "<@BOT> hi")
        (text,) = await arena.answers(ts)
        assert "secret" not in text
        assert "10.0.0.1" not in text
        await arena.slack.wait_for(lambda: arena.slack.status(arena.general, ts) in {"active", None}, timeout_s=10)
        assert len(arena.shown(ts)) == 1


async def test_everybody_in_a_thread_may_stop_the_answer_there(database_url: str) -> None:
    """The button is Slack's own, and everybody sees it. Proves: SL-9."""
    model, gate = ScriptedModel(), Gate()
    model.add(says_slowly(["One ", "two ", "three."], gate))
    async with open_arena(database_url, model) as arena:
        ts = await arena.ask(arena.ann, "<@BOT> count")
        gate.let(2)
        await arena.slack.wait_for(
            lambda: arena.shown(ts) != [] and arena.slack.status(arena.general, ts) == "processing", timeout_s=10
        )
        await arena.slack.press_stop(arena.ben, arena.general, ts)
        assert (await arena.answers(ts))[0].startswith("One")
        gate.open()


async def judge(arena: Arena, who: object, ts: str, button: str) -> None:
    """Somebody presses a button under an answer, once it is in the books."""
    (post,) = arena.slack.answers(arena.general, ts)
    async with asyncio.timeout(5):
        while not await run_sql(arena.url, "SELECT FROM slack_posts WHERE ts = $1", post.ts):
            pass
    element = post.blocks[-1]["elements"][0]
    await arena.slack.click(who, arena.general, post.ts, element["action_id"], element[button]["value"])  # type: ignore[arg-type]


async def test_each_person_has_a_judgement_of_their_own_and_may_change_it(database_url: str) -> None:
    """What Ben thinks is not what Ann thinks. Proves: SL-19."""
    model = ScriptedModel()
    model.add(says("Here."))
    async with open_arena(database_url, model) as arena:
        ts = await arena.ask(arena.ann, "<@BOT> hi")
        await arena.answers(ts)
        await judge(arena, arena.ann, ts, "positive_button")
        await judge(arena, arena.ben, ts, "positive_button")
        await judge(arena, arena.ben, ts, "negative_button")
        async with asyncio.timeout(5):
            while True:
                rows = await run_sql(database_url, "SELECT rater, is_good FROM slack_feedback")
                found = {row["rater"].partition(":")[2]: row["is_good"] for row in rows}
                if found == {arena.ann.user_id: True, arena.ben.user_id: False}:
                    break


async def test_what_stands_in_a_file_is_no_word_of_its_senders(database_url: str) -> None:
    """Somebody's letter, dropped into a thread, tells nothing about who drops it. Proves: SL-20, UM-15."""
    model = ScriptedModel()
    model.add(says("A letter."), when=last_text_has("I live in Rome"))
    async with open_arena(database_url, model) as arena:
        files = [("letter.txt", b"I live in Rome.\n\nYours, Ben")]
        ts = await arena.slack.say(arena.ann, arena.general, "<@BOT> what is this?", files=files)
        assert await arena.answers(ts) == ["A letter."]
        (said, *_) = await arena.talk(ts)
        assert "> I live in Rome." in said
        assert "> Yours, Ben" in said


async def test_a_group_of_people_is_answered_without_a_mention_and_knows_that_others_read(database_url: str) -> None:
    """A group's direct messages are no private place. Proves: SL-4, SL-6."""
    model = ScriptedModel()
    model.add(says("Hello both."))
    async with open_arena(database_url, model) as arena:
        group = arena.team.group([arena.ann, arena.ben])
        ts = await arena.ask(arena.ann, "hi", channel=group)
        assert await arena.answers(ts, channel=group) == ["Hello both."]
        rows = await run_sql(database_url, "SELECT audience FROM sessions")
        assert [row["audience"] for row in rows] == ["shared"]


async def test_direct_messages_may_be_one_rolling_conversation(database_url: str) -> None:
    """Many people never use threads. Proves: SL-5."""
    model = ScriptedModel()
    model.add(says("Noted."), says("Blue."))
    async with open_arena(database_url, model, direct_messages="rolling") as arena:
        direct = arena.team.direct(arena.ann)
        await arena.answers(await arena.ask(arena.ann, "I like blue", channel=direct), channel=direct)
        ts = await arena.ask(arena.ann, "what do I like?", channel=direct)
        assert await arena.answers(ts, channel=direct) == ["Blue."]
        assert "I like blue" in str(model.requests[-1].messages)


@pytest.mark.parametrize("subtype", ["me_message", "thread_broadcast"])
async def test_what_people_say_in_other_forms_is_heard(database_url: str, subtype: str) -> None:
    """`/me` and replies that are shown in the conversation too are people's words. Proves: SL-2."""
    model = ScriptedModel(checks_prefix=False)
    model.add(says("Hello."), says("I see."))
    async with open_arena(database_url, model) as arena:
        ts = await arena.ask(arena.ann, "<@BOT> hi")
        await arena.answers(ts)
        if subtype == "me_message":
            await arena.slack.say(arena.ann, arena.general, "waves to <@BOT>", thread_ts=ts, subtype=subtype)
        else:
            await arena.slack.say(arena.ann, arena.general, "and now all: <@BOT>", thread_ts=ts, is_broadcast=True)
        assert await arena.answers(ts, 2) == ["Hello.", "I see."]


async def test_a_question_that_is_told_after_a_reply_to_it_is_answered_too(database_url: str) -> None:
    """The thread is read for the reply, with the question in it: that must not pass for having answered it.
    Proves: SL-4, SL-5.
    """
    model = ScriptedModel(checks_prefix=False)
    model.add(says("One."), says("Two."))
    async with open_arena(database_url, model) as arena:
        held: list[Outgoing] = []
        submit, arena.slack.world.on_event = arena.slack.world.on_event, held.append
        ts = await arena.slack.say(arena.ann, arena.general, "<@BOT> first")
        arena.slack.world.on_event = submit
        await arena.slack.say(arena.ben, arena.general, "<@BOT> second", thread_ts=ts)
        assert await arena.answers(ts) == ["One."]
        for outgoing in held:
            submit(outgoing)
        assert await arena.answers(ts, 2) == ["One.", "Two."]
        await arena.decisions()
        assert len(arena.shown(ts)) == 2
        said = [line for line in await arena.talk(ts) if line.endswith("first")]
        assert said == ["ann: first"]
