"""The owner's rules: when the agent joins in by itself, and which other bots it answers."""

import re

from adapters.slack.deciding import Reason, Rule, ThreadState, Verdict, decide, has_to_judge, screen
from adapters.slack_fake.fake import FakeSlack
from tests.adapters.slack.arena import open_arena
from tests.adapters.slack.payloads import said
from tests.support.gateway import run_sql
from tests.support.model_steps import last_text_has, says
from tests.support.scripted_model import ScriptedModel

ASKING = Rule(
    mode="conditions",
    words=("refund",),
    patterns=(re.compile(r"order \d{6}"),),
    question="Somebody asks how to get their money back.",
)


def test_only_what_was_not_addressed_to_anybody_is_judged() -> None:
    """A judgement costs a call, and people who talk to each other are not to be interrupted. Proves: SL-33."""
    asked = {
        "my money, please": True,
        "I want a refund": False,
        "<@U0BEN> can you help?": True,
    }
    for text, is_judged in asked.items():
        assert has_to_judge(decide(said(text), ThreadState(), ASKING), ASKING) is is_judged
    in_thread = decide(said("<@U0BEN> you?", thread_ts="1.1"), ThreadState(is_engaged=True), ASKING)
    assert in_thread.reason is Reason.TO_OTHERS
    assert not has_to_judge(in_thread, ASKING)
    assert not has_to_judge(decide(said("hi"), ThreadState(), Rule()), Rule(question="x"))


def test_a_bot_is_answered_where_it_is_allowed_by_any_of_its_names() -> None:
    """Owners know a bot by its id, its user or its app. Proves: SL-34."""
    post = said("<@U0BOT> hi", user="U0OTHER", bot_id="B0OTHER", app_id="A0OTHER")
    assert screen(post) is Reason.OTHER_BOT
    for name in ("U0OTHER", "B0OTHER", "A0OTHER"):
        assert screen(post, {name}) is None
    legacy = said("hi", user=None, bot_id="B0OTHER", subtype="bot_message")
    assert screen(legacy, {"B0OTHER"}) is None
    assert screen(legacy) is Reason.OTHER_BOT


def test_bots_stop_answering_each_other() -> None:
    """Two of them would never end. Proves: SL-34."""
    post = said("<@U0BOT> hi", bot_id="B0OTHER")
    rule = Rule(bots=frozenset({"B0OTHER"}), bot_hops=2)
    assert decide(post, ThreadState(bot_hops=1), rule).verdict is Verdict.ANSWERED
    assert decide(post, ThreadState(bot_hops=2), rule).reason is Reason.HOPS
    assert decide(said("<@U0BOT> hi"), ThreadState(bot_hops=2), rule).verdict is Verdict.ANSWERED


async def test_a_rule_in_one_line_is_judged_by_the_small_model(database_url: str) -> None:
    """Not every wish can be told in words to look for. Proves: SL-33."""
    model = ScriptedModel(checks_prefix=False)
    model.add(says('{"speak": true}'), when=last_text_has("my money, please"))
    model.add(says("Here is how."), when=last_text_has("my money, please"))
    model.add(says('{"speak": false}'), when=last_text_has("nice weather"))
    model.add(says("not JSON"), when=last_text_has("nice people"))
    async with open_arena(database_url, model, rule=ASKING) as arena:
        ts = await arena.ask(arena.ann, "my money, please")
        assert await arena.answers(ts) == ["Here is how."]
        await arena.ask(arena.ann, "nice weather")
        await arena.decisions()
        await arena.ask(arena.ann, "nice people")
        reasons = [reason for _, verdict, reason in await arena.decisions() if verdict != "ignored"]
        assert reasons == [Reason.JUDGED, Reason.NOT_ADDRESSED, Reason.NOT_ADDRESSED]


async def find_next_bot() -> str:
    """The id of the first bot that is added to an arena: the same order gives the same ids."""
    async with FakeSlack() as slack:
        team = slack.add_team("Acme")
        members = [team.add_user("Ann"), team.add_user("Ben")]
        team.add_channel("general", members=members)
        return team.add_bot("Other bot").bot_id or ""


async def test_an_allowed_bot_is_answered_and_two_bots_come_to_an_end(database_url: str) -> None:
    """It has no account, and so nothing is remembered about it. Proves: SL-34."""
    model = ScriptedModel(checks_prefix=False)
    model.add(says("Answer 1."), says("Answer 2."), says("Answer 3."))
    rule = Rule(bots=frozenset({await find_next_bot()}), bot_hops=2)
    async with open_arena(database_url, model, rule=rule) as arena:
        other = arena.team.add_bot("Other bot")
        arena.team.join(other, arena.general)
        ts = await arena.slack.say_as_bot(other, arena.general, "<@BOT> one")
        assert await arena.answers(ts) == ["Answer 1."]
        await arena.slack.say_as_bot(other, arena.general, "<@BOT> two", thread_ts=ts)
        assert await arena.answers(ts, 2) == ["Answer 1.", "Answer 2."]
        await arena.slack.say_as_bot(other, arena.general, "<@BOT> three", thread_ts=ts)
        await arena.slack.wait_until_heard()
        assert Reason.HOPS in {reason for *_, reason in await arena.decisions()}
        await arena.ask(arena.ann, "<@BOT> four", thread_ts=ts)
        assert await arena.answers(ts, 3) == ["Answer 1.", "Answer 2.", "Answer 3."]
        assert [row["first_name"] for row in await run_sql(database_url, "SELECT first_name FROM users")] == ["Ann"]
