"""Answers in the fake workspace: whatever Slack does, one whole answer stands in the thread."""

import asyncio

import pytest

from adapters.slack import standing
from adapters.slack.ladder import Rung
from adapters.slack_fake.faults import FaultKind
from adapters.slack_fake.streams import list_tasks
from agent.tools import build_tool
from tests.adapters.slack.arena import TRANSPORTS, Arena, Transport, open_arena
from tests.support.gateway import build_agent, run_sql
from tests.support.model_steps import Gate, calls, last_text_has, says, says_slowly
from tests.support.scripted_model import ScriptedModel

LONG = "\n\n".join(f"Paragraph {n}. " + "word " * 60 for n in range(130)).strip()


def joined(texts: list[str]) -> str:
    """The parts of an answer as one text."""
    return "\n\n".join(texts)


async def ask_slowly(arena: Arena, gate: Gate, count: int) -> str:
    """A question, and the first pieces of its answer shown."""
    ts = await arena.ask(arena.ann, "<@BOT> tell me")
    gate.let(count)
    await arena.slack.wait_for(lambda: arena.shown(ts) != [], timeout_s=5)
    return ts


async def settled(arena: Arena, ts: str) -> None:
    """Nothing is waiting to be posted, and the agent says that it is done."""
    await arena.slack.wait_for(lambda: arena.slack.status(arena.general, ts) in {"active", None}, timeout_s=15)


async def test_an_answer_streams_and_ends_with_its_key_and_feedback(database_url: str) -> None:
    """One message from the first word on. Proves: SL-10."""
    model, gate = ScriptedModel(), Gate()
    model.add(says_slowly(["One ", "two ", "three."], gate))
    async with open_arena(database_url, model) as arena:
        ts = await ask_slowly(arena, gate, 2)
        assert arena.final(ts) == []
        gate.open()
        assert await arena.answers(ts) == ["One two three."]
        (answer,) = arena.slack.answers(arena.general, ts)
        assert answer.stream is not None
        assert answer.blocks[-1]["type"] == "context_actions"
        methods = [call.method for call in arena.slack.api.calls if call.method.startswith("chat.")]
        assert methods[0] == "chat.startStream"
        assert methods[-1] == "chat.stopStream"


@pytest.mark.parametrize("over", TRANSPORTS)
async def test_a_long_answer_is_split_between_paragraphs_and_nothing_is_lost(
    database_url: str, over: Transport
) -> None:
    """40,000 characters are more than four messages hold. Proves: SL-11."""
    assert len(LONG) > 40_000
    model = ScriptedModel()
    model.add(says(LONG))
    async with open_arena(database_url, model, over=over) as arena:
        ts = await arena.ask(arena.ann, "<@BOT> tell me everything")
        texts = await arena.answers(ts, 5)
        assert joined(texts) == LONG
        assert max(map(len, texts)) <= 12_000


async def test_nothing_that_is_posted_unfurls(database_url: str) -> None:
    """Slack would fetch addresses that a model wrote, without a click. Proves: SL-15."""
    model = ScriptedModel()
    model.add(says("See https://evil.test/?q=secret"))
    async with open_arena(database_url, model, first_rung=Rung.END) as arena:
        ts = await arena.ask(arena.ann, "<@BOT> tell me")
        await arena.answers(ts)
        assert [post.unfurls for post in arena.slack.answers(arena.general, ts)] == [False]


@pytest.mark.parametrize("rung", list(Rung))
async def test_every_rung_of_the_ladder_ends_with_one_whole_answer(database_url: str, rung: Rung) -> None:
    """Where streaming is not to be had, the answer is. Proves: SL-10."""
    model, gate = ScriptedModel(), Gate()
    model.add(says_slowly(["One ", "two ", "three."], gate))
    async with open_arena(database_url, model, first_rung=rung) as arena:
        ts = await arena.ask(arena.ann, "<@BOT> tell me")
        gate.open()
        assert await arena.answers(ts) == ["One two three."]
        await settled(arena, ts)
        assert arena.shown(ts) == ["One two three."]


@pytest.mark.parametrize("over", TRANSPORTS)
async def test_a_refusal_of_every_streaming_method_costs_only_the_streaming(database_url: str, over: Transport) -> None:
    """Workspaces differ in what they allow. Proves: SL-10."""
    model, gate = ScriptedModel(), Gate()
    model.add(says_slowly(["One ", "two ", "three."], gate))
    async with open_arena(database_url, model, over=over) as arena:
        for method in ("chat.startStream", "chat.appendStream", "chat.stopStream", "agents.*"):
            arena.slack.faults.refuse(method)
        ts = await ask_slowly(arena, gate, 2)
        gate.open()
        assert await arena.answers(ts) == ["One two three."]
        assert arena.shown(ts) == ["One two three."]


@pytest.mark.parametrize("over", TRANSPORTS)
async def test_a_stream_that_expires_is_rewritten(database_url: str, over: Transport) -> None:
    """Slack ends streams by itself. Proves: SL-12."""
    model, gate = ScriptedModel(), Gate()
    model.add(says_slowly(["One ", "two ", "three ", "four."], gate))
    async with open_arena(database_url, model, over=over) as arena:
        ts = await ask_slowly(arena, gate, 2)
        arena.slack.expire_streams(arena.general)
        gate.open()
        assert await arena.answers(ts) == ["One two three four."]
        assert arena.shown(ts) == ["One two three four."]


@pytest.mark.parametrize("over", TRANSPORTS)
async def test_slacks_wish_for_patience_is_granted(database_url: str, over: Transport) -> None:
    """A 429 delays an answer and costs none. Proves: SL-13."""
    model = ScriptedModel()
    model.add(says("Here."))
    async with open_arena(database_url, model, over=over, first_rung=Rung.END) as arena:
        arena.slack.faults.rate_limit("chat.postMessage", times=2, retry_after_s=1)
        ts = await arena.ask(arena.ann, "<@BOT> tell me")
        assert await arena.answers(ts) == ["Here."]


@pytest.mark.parametrize("rung", list(Rung))
async def test_a_lost_answer_to_a_post_doubles_nothing(database_url: str, rung: Rung) -> None:
    """Slack took it, and nobody heard of it: the second try looks first. Proves: SL-14."""
    model = ScriptedModel()
    model.add(says("Here."))
    async with open_arena(database_url, model, first_rung=rung) as arena:
        for method in ("chat.postMessage", "chat.startStream", "chat.stopStream", "chat.update"):
            arena.slack.faults.drop_answers(method, times=1)
        ts = await arena.ask(arena.ann, "<@BOT> tell me")
        assert await arena.answers(ts) == ["Here."]
        await settled(arena, ts)
        assert arena.shown(ts) == ["Here."]


async def test_where_nobody_may_look_an_unknown_post_is_left_and_operators_see_it(database_url: str) -> None:
    """By default rather no answer than two. Proves: SL-14."""
    model = ScriptedModel()
    model.add(says("Here."))
    async with open_arena(database_url, model, first_rung=Rung.END) as arena:
        arena.slack.faults.add(FaultKind.CUT, "chat.postMessage", times=1)
        arena.slack.faults.refuse("conversations.replies", code="missing_scope")
        ts = await arena.ask(arena.ann, "<@BOT> tell me")
        await until_state(arena, "unknown")
        assert len(arena.shown(ts)) <= 1


async def ask_in_a_busy_thread(arena: Arena, gate: Gate) -> str:
    """A question under which people go on talking; the reply to the post that answers it is lost."""
    ts = await arena.ask(arena.ann, "<@BOT> tell me")
    for n in range(16):
        await arena.slack.say(arena.ben, arena.general, f"<@{arena.ann.user_id}> and {n}", thread_ts=ts)
    await arena.slack.wait_until_heard()
    arena.slack.faults.drop_answers("chat.postMessage", times=1)
    gate.open()
    return ts


async def test_a_lost_answer_is_looked_for_on_every_page_of_its_thread(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is not on the first page may be on the next. Proves: SL-14."""
    monkeypatch.setattr(standing, "LOOK_LIMIT", 6)
    model, gate = ScriptedModel(), Gate()
    model.add(says_slowly(["Here."], gate))
    async with open_arena(database_url, model, first_rung=Rung.END) as arena:
        ts = await ask_in_a_busy_thread(arena, gate)
        await until_state(arena, "sent")
        assert arena.shown(ts) == ["Here."]


async def test_an_answer_that_may_stand_where_slack_lets_nobody_look_on_is_not_posted_again(database_url: str) -> None:
    """Slack gives some apps fifteen messages, and nothing more for a minute. Proves: SL-14."""
    model, gate = ScriptedModel(), Gate()
    model.add(says_slowly(["Here."], gate))
    async with open_arena(database_url, model, first_rung=Rung.END) as arena:
        arena.slack.app.is_distributed_outside_marketplace = True
        ts = await ask_in_a_busy_thread(arena, gate)
        await until_state(arena, "unknown")
        assert arena.shown(ts) == ["Here."]


async def test_where_nobody_may_look_the_policy_may_be_to_post_again(database_url: str) -> None:
    """An owner may prefer two answers to none. Proves: SL-14."""
    model = ScriptedModel()
    model.add(says("Here."))
    async with open_arena(database_url, model, first_rung=Rung.END, unknown_policy="at_least_once") as arena:
        arena.slack.faults.drop_answers("chat.postMessage", times=1)
        arena.slack.faults.refuse("conversations.replies", code="missing_scope")
        ts = await arena.ask(arena.ann, "<@BOT> tell me")
        assert await arena.answers(ts, 2) == ["Here.", "Here."]


async def test_duplicated_and_reordered_events_are_answered_once(database_url: str) -> None:
    """Slack delivers at least once, in any order. Proves: SL-4."""
    model = ScriptedModel(checks_prefix=False)
    for _ in range(5):
        model.add(says("Here."))
    async with open_arena(database_url, model) as arena:
        arena.slack.faults.events.copies = (1, 4)
        arena.slack.faults.events.shuffle = 4
        roots = [await arena.slack.say(arena.ann, arena.general, f"<@BOT> question {n}") for n in range(5)]
        arena.slack.courier.release()
        await arena.slack.wait_until_heard()
        for ts in roots:
            assert await arena.answers(ts) == ["Here."]
        await arena.decisions()
        assert [arena.shown(ts) for ts in roots] == [["Here."]] * 5


async def test_what_the_model_writes_calls_nobody(database_url: str) -> None:
    """A model that was talked into it must not wake a whole company. Proves: SL-15."""
    model = ScriptedModel()
    model.add(says("Hey <!channel> and @here <@U123ABC>, ![x](https://evil.test/p.png) [docs](https://evil.test/a)"))
    async with open_arena(database_url, model) as arena:
        ts = await arena.ask(arena.ann, "<@BOT> wake them")
        (text,) = await arena.answers(ts)
        assert "<!channel>" not in text
        assert "@here" not in text
        assert "<@U123ABC>" not in text
        assert "![" not in text
        assert "[docs](https://evil.test/a) (evil.test)" in text


async def until_state(arena: Arena, state: str) -> None:
    """The only answer in the outbox is in that state."""
    async with asyncio.timeout(15):
        while [row["state"] for row in await run_sql(arena.url, "SELECT state FROM outbox")] != [state]:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def test_a_stream_whose_end_is_refused_for_a_while_is_ended_later(database_url: str) -> None:
    """An open stream can be neither rewritten nor left: the post is tried again. Proves: SL-13."""
    model, gate = ScriptedModel(), Gate()
    model.add(says_slowly(["One ", "two."], gate))
    async with open_arena(database_url, model) as arena:
        ts = await ask_slowly(arena, gate, 1)
        arena.slack.faults.refuse("chat.stopStream", code="not_now", times=2)
        gate.open()
        assert await arena.answers(ts) == ["One two."]
        assert arena.shown(ts) == ["One two."]


async def test_answers_of_one_thread_do_not_mix(database_url: str) -> None:
    """A short answer must not land between the parts of a long one. Proves: SL-11."""
    model = ScriptedModel()
    model.add(says(LONG), when=last_text_has("everything"))
    model.add(says("Here."), when=last_text_has("briefly"))
    async with open_arena(database_url, model, first_rung=Rung.END) as arena:
        arena.slack.faults.delay("chat.postMessage", 0.1)
        ts = await arena.ask(arena.ann, "<@BOT> tell me everything")
        await arena.ask(arena.ben, "<@BOT> briefly", thread_ts=ts)
        *long, short = await arena.answers(ts, 6)
        assert joined(long) == LONG
        assert short == "Here."


def cards(arena: Arena, root: str) -> list[tuple[str, str]]:
    """Title and status of the tools that the answer shows."""
    found = [card for post in arena.slack.answers(arena.general, root) for card in list_tasks(post)]
    return [(card["title"], card["status"]) for card in found]


async def test_what_a_tool_does_is_shown_as_a_card_and_is_done_with_the_answer(database_url: str) -> None:
    """People see what takes so long. Proves: SL-35."""
    model, found = ScriptedModel(), asyncio.Event()

    async def look_up() -> str:
        """Look the price up."""
        await found.wait()
        return "42"

    model.add(calls(("look_up", {})), says("It is 42."))
    agent = build_agent(build_tool(look_up, title="Look the price up"))
    async with open_arena(database_url, model, agent=agent) as arena:
        ts = await arena.ask(arena.ann, "<@BOT> how much?")
        await arena.slack.wait_for(lambda: cards(arena, ts) == [("Look the price up", "in_progress")])
        found.set()
        assert await arena.answers(ts) == ["It is 42."]
        assert cards(arena, ts) == [("Look the price up", "complete")]


async def test_where_slack_has_no_cards_the_answer_streams_without(database_url: str) -> None:
    """Cards are newer than streams. Proves: SL-35."""
    model = ScriptedModel()

    async def look_up() -> str:
        """Look the price up."""
        return "42"

    model.add(calls(("look_up", {})), says("It is 42."))
    agent = build_agent(build_tool(look_up, title="Look the price up"))
    async with open_arena(database_url, model, agent=agent) as arena:
        arena.slack.faults.refuse("chat.startStream", times=1, code="invalid_chunks")
        ts = await arena.ask(arena.ann, "<@BOT> how much?")
        assert await arena.answers(ts) == ["It is 42."]
        await settled(arena, ts)
        assert arena.shown(ts) == ["It is 42."]
