"""Memories through the gateway: learned off the reply path, for the asker only, and in front of whom they may."""

import asyncio
import random
from dataclasses import replace

import asyncpg
import pytest

from agent.errors import ModelUnavailableError
from agent.ids import AgentId, SessionId, UserId
from agent.ports import ModelRequest, Text
from agent.pricing import DEMO_MODEL, build_prices
from agent.records import Audience, JsonObject, JsonValue, Usage, User
from agent.speech import MEMORY_HEAD
from gateway import metrics
from gateway.agents import Agents
from gateway.claude import build_claude
from gateway.demo.model import build_demo_transport
from tests.support.agent_runs import EchoModel, all_text
from tests.support.gateway import ASSISTANT, build_agent, configure, open_core, run_sql
from tests.support.make import ANN, BOB, inbound

AGENT = build_agent(memory_mode="agentic", extract_after_s=0.0, history_runs=5)
PRIVATE = Audience.PRIVATE


class Learner(EchoModel):
    """Echoes, and takes every "I like X" for a fact. While `may_learn` is cleared, extraction waits."""

    def __init__(self) -> None:
        super().__init__()
        self.may_learn = asyncio.Event()
        self.may_learn.set()
        self.learning: list[ModelRequest] = []
        self.answer: JsonValue = None

    async def complete_json(self, request: ModelRequest, schema: JsonObject) -> tuple[JsonValue, Usage]:
        """The facts in the new messages."""
        self.learning.append(request)
        await self.may_learn.wait()
        return self.answer if self.answer is not None else {"operations": list(self._facts(request))}, Usage()

    @staticmethod
    def _facts(request: ModelRequest) -> list[JsonValue]:
        block = request.messages[0].blocks[0]
        assert isinstance(block, Text)
        lines = block.text.partition("⟦new messages⟧\n")[2].splitlines()
        return [
            {"op": "add", "fact": f"likes {line.partition('I like ')[2]}", "evidence": int(line.split(".")[0])}
            for line in lines
            if "I like " in line
        ]


@pytest.fixture(autouse=True)
def quick_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Durable work is looked for all the time."""
    monkeypatch.setattr("gateway.poller.POLL_S", 0.05)
    monkeypatch.setattr("gateway.extractor.RETRY_S", 0.0)


async def learned(url: str) -> None:
    """Until nothing is left to be read for facts."""
    async with asyncio.timeout(20):
        while (await run_sql(url, "SELECT count(*) FROM jobs"))[0][0]:
            pass


async def facts(url: str, user: User = ANN) -> set[str]:
    """What is remembered of a person."""
    rows = await run_sql(url, "SELECT memory FROM user_memories WHERE user_id = $1 AND valid_to IS NULL", user.id)
    return {row[0] for row in rows}


def memory_block(request: ModelRequest) -> str:
    """The memory block of a request; empty where there is none."""
    blocks = [b.text for m in request.messages for b in m.blocks if isinstance(b, Text)]
    return next((text for text in blocks if text.startswith(MEMORY_HEAD)), "")


async def test_what_a_person_says_is_learned_and_used_in_another_thread(database_url: str) -> None:
    """Facts follow the person, not the thread. Proves: UM-1, UM-3."""
    model = Learner()
    async with open_core(database_url, model, configure(AGENT)) as core:
        await core.ask("I like tea with milk", audience=PRIVATE)
        await learned(database_url)
        await core.ask("what tea do I like?", session_id=SessionId("web:demo:2"), audience=PRIVATE)
        assert "- likes tea with milk" in memory_block(model.requests[-1])
        await core.ask("and now?", session_id=SessionId("web:demo:2"), audience=PRIVATE)
        assert all_text(model.requests[-1]).count(MEMORY_HEAD) == 1, "a block is never part of the history"


async def test_several_agents_share_what_is_remembered_and_each_fact_says_who_made_it(database_url: str) -> None:
    """The person is the same, whoever they talk to. Proves: UM-8, UM-9."""
    model = Learner()
    sales = AgentId("sales")
    other = replace(AGENT, agent=replace(AGENT.agent, agent_id=sales), capture_instructions="Only drinks.")
    one = configure(AGENT)
    both = replace(one, agents=replace(one.agents, by_id={**one.agents.by_id, sales: other}))
    async with open_core(database_url, model, both) as core:
        for agent, text in (("assistant", "I like tea"), ("sales", "I like milk")):
            accepted = await core.gateway.service.create_task(prompt=text, user_details=ANN, agent=agent)
            await core.end_of(accepted)
        await learned(database_url)
        accepted = await core.gateway.service.create_task(prompt="what do I like?", user_details=ANN, agent="sales")
        await core.end_of(accepted)
    block = memory_block(model.requests[-1])
    assert "- likes tea" in block
    assert "- likes milk" in block
    rows = await run_sql(database_url, "SELECT memory, agent_id FROM user_memories")
    assert {row["memory"]: row["agent_id"] for row in rows} == {"likes tea": "assistant", "likes milk": "sales"}
    asked = [("Only drinks." in request.system[0].text, repr(request)) for request in model.learning]
    assert {has_wishes for has_wishes, text in asked if "I like milk" in text} == {True}, "the agent's own instructions"
    assert {has_wishes for has_wishes, text in asked if "I like tea" in text} == {False}


async def test_ten_messages_in_a_burst_cost_at_most_three_calls_and_none_before_the_reply(database_url: str) -> None:
    """Nobody waits for an answer until their words have been read for facts. Proves: UM-3."""
    model = Learner()
    model.may_learn.clear()
    agent = replace(AGENT, extract_after_s=0.2)
    async with open_core(database_url, model, configure(agent)) as core:
        for n in range(10):
            assert (await core.ask(f"I like dish {n}")).text == f"I like dish {n}"
        model.may_learn.set()
        await learned(database_url)
    assert 1 <= len(model.learning) <= 3
    assert await facts(database_url) == {f"likes dish {n}" for n in range(10)}


async def test_small_talk_and_words_that_were_read_cost_no_call(database_url: str) -> None:
    """Proves: UM-3."""
    model = Learner()
    async with open_core(database_url, model, configure(AGENT)) as core:
        await core.ask("I like tea")
        await learned(database_url)
        await core.ask("ok thanks")
        await learned(database_url)
        assert len(model.learning) == 1
        await core.ask("I like milk")
        await learned(database_url)
    assert "I like tea" not in repr(model.learning[1])


async def test_more_words_than_are_read_at_once_are_all_read(database_url: str) -> None:
    """After a long outage there is much to read."""
    model = Learner()
    async with open_core(database_url, model, configure(AGENT)) as core:
        model.may_answer.clear()
        accepted = [await core.say(f"I like dish {n}") for n in range(120)]
        model.may_answer.set()
        await core.end_of(accepted[-1])
        await learned(database_url)
    assert len(await facts(database_url)) == 120


@pytest.mark.parametrize("answer", ["nonsense", {"operations": [{"op": "add", "fact": "x\x00", "evidence": 1}]}, []])
async def test_a_nonsense_answer_leaves_no_fact_and_no_job(database_url: str, answer: JsonValue) -> None:
    """And the next words are read as if nothing had been."""
    model = Learner()
    model.answer = answer
    async with open_core(database_url, model, configure(AGENT)) as core:
        await core.ask("I like tea")
        await learned(database_url)
        assert await facts(database_url) == set()
        model.answer = None
        await core.ask("I like milk")
        await learned(database_url)
    assert await facts(database_url) == {"likes milk"}


async def test_an_answer_that_was_cut_short_is_asked_for_again_message_by_message(database_url: str) -> None:
    """What one call could not say of many messages, a call for each can. Proves: UM-3."""
    model = Learner()
    model.may_learn.clear()
    learn = model.complete_json

    async def cut(request: ModelRequest, schema: JsonObject) -> tuple[JsonValue, Usage]:
        answer, usage = await learn(request, schema)
        if len(model.learning) <= 2 or all_text(request).count("I like") > 1:
            return None, replace(usage, output_tokens=request.max_tokens)
        return answer, usage

    model.complete_json = cut  # type: ignore[method-assign]
    async with open_core(database_url, model, configure(replace(AGENT, extract_after_s=0.2))) as core:
        await core.ask("I like tea")
        await core.ask("I like milk")
        model.may_learn.set()
        await learned(database_url)
    assert await facts(database_url) == {"likes tea", "likes milk"}


async def test_what_a_person_asks_to_forget_is_deleted_and_what_is_no_longer_true_is_history(database_url: str) -> None:
    """Whoever wants something forgotten does not want it kept, shown and exported. Proves: UM-16."""
    model = Learner()
    stored = "SELECT memory, valid_to IS NULL AS is_live FROM user_memories ORDER BY memory"
    async with open_core(database_url, model, configure(AGENT)) as core:
        await core.ask("I like tea", audience=PRIVATE)
        await core.ask("I like milk", audience=PRIVATE)
        await learned(database_url)
        for op, drink in (("retire", "milk"), ("forget", "tea")):
            model.answer = {"operations": [{"op": op, "known": 1, "evidence": 1}]}
            await core.ask(f"{op}: I do not care for {drink}", audience=PRIVATE)
            await learned(database_url)
        rows = await run_sql(database_url, stored)
        assert [tuple(row) for row in rows] == [("likes milk", False)]
        model.answer = None
        await core.ask("well, I like tea", audience=PRIVATE)
        await learned(database_url)
        assert await facts(database_url) == {"likes tea"}, "said anew, it is believed"


async def test_words_that_always_fail_are_left_out_and_those_round_them_are_read(database_url: str) -> None:
    """One odd message must not take the process down, nor cost calls for ever, nor keep the rest from being read."""
    model = Learner()
    learn = model.complete_json
    tries = 0

    async def fail(request: ModelRequest, schema: JsonObject) -> tuple[JsonValue, Usage]:
        nonlocal tries
        if "poison" in repr(request):
            tries += 1
            raise ValueError("our own")
        return await learn(request, schema)

    model.complete_json = fail  # type: ignore[method-assign]
    given_up = metrics.extractions.labels("given_up")
    before = given_up._value.get()
    async with open_core(database_url, model, configure(replace(AGENT, extract_after_s=0.3))) as core:
        for text in ("I like tea", "I like poison", "I like milk"):
            await core.ask(text)
        await learned(database_url)
        assert await facts(database_url) == {"likes tea", "likes milk"}
        assert tries == 6
        assert given_up._value.get() == before + 1
        await core.ask("I like bread")
        await learned(database_url)
    assert await facts(database_url) == {"likes tea", "likes milk", "likes bread"}


async def test_a_database_that_was_slow_for_a_moment_does_not_keep_words_unread_for_minutes(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The job is given back at once, not only when the lock of whoever took it ends."""
    monkeypatch.setattr("gateway.ground.RUN_STATEMENT_S", 1.5)
    model = Learner()
    model.may_learn.clear()
    lock = "SELECT pg_advisory_lock(7262, hashtext($1))"
    async with open_core(database_url, model, configure(AGENT)) as core:
        await core.ask("I like tea")
        other = await asyncpg.connect(database_url)
        try:
            await other.execute(lock, ANN.id)
            model.may_learn.set()
            async with asyncio.timeout(20):
                while not await run_sql(database_url, "SELECT FROM jobs WHERE note = 'StoreUnavailableError'"):
                    pass
        finally:
            await other.close()
        await learned(database_url)
    assert await facts(database_url) == {"likes tea"}


async def test_while_the_model_is_away_words_wait_however_long(database_url: str) -> None:
    """An outage costs no memory."""
    model = Learner()
    learn = model.complete_json
    tries = 0

    async def be_away(request: ModelRequest, schema: JsonObject) -> tuple[JsonValue, Usage]:
        nonlocal tries
        tries += 1
        if tries < 12:
            raise ModelUnavailableError("away")
        return await learn(request, schema)

    model.complete_json = be_away  # type: ignore[method-assign]
    async with open_core(database_url, model, configure(AGENT)) as core:
        await core.ask("I like tea")
        await learned(database_url)
    assert await facts(database_url) == {"likes tea"}


async def test_what_was_said_while_nothing_was_to_be_remembered_is_not_read_later(database_url: str) -> None:
    """Whoever turns memories on has not been asked about the past. Proves: UM-2, UM-4."""
    model = Learner()
    for mode in ("off", "manual"):
        async with open_core(database_url, model, configure(replace(AGENT, memory_mode=mode))) as core:
            await core.ask(f"I like being unread while {mode}")
    assert await run_sql(database_url, "SELECT FROM jobs") == []
    async with open_core(database_url, model, configure(AGENT)) as core:
        await core.ask("I like tea")
        await learned(database_url)
    assert await facts(database_url) == {"likes tea"}


async def test_several_processes_share_the_reading(database_url: str) -> None:
    """Each piece of work is one process's at a time. Proves: UM-3."""
    one, two = Learner(), Learner()
    one.may_learn.clear()
    agent = replace(AGENT, extract_after_s=0.2)
    async with open_core(database_url, one, configure(agent)) as core, open_core(database_url, two, configure(agent)):
        for n in range(12):
            await core.ask(f"I like dish {n}", session_id=SessionId(f"web:demo:{n}"))
        one.may_learn.set()
        await learned(database_url)
    assert len(await facts(database_url)) == 12
    assert len(one.learning) + len(two.learning) == 12
    assert two.learning, "the other process did its part"


async def test_a_secret_that_a_person_says_never_becomes_a_fact(database_url: str) -> None:
    """Proves: UM-12."""
    model = Learner()
    async with open_core(database_url, model, configure(AGENT)) as core:
        await core.ask("I like my card 4111 1111 1111 1111")
        await core.ask("I like tea")
        await learned(database_url)
    assert await facts(database_url) == {"likes tea"}


async def test_what_was_told_in_private_is_not_used_where_others_read(database_url: str) -> None:
    """Proves: UM-11."""
    model = Learner()
    shared, other = SessionId("web:demo:shared"), SessionId("web:demo:private-2")
    async with open_core(database_url, model, configure(AGENT)) as core:
        await core.ask("I like being alone", audience=PRIVATE)
        await core.ask("I like crowds", session_id=shared)
        await learned(database_url)
        await core.ask("what do I like, crowds or being alone?", session_id=shared)
        assert "crowds" in memory_block(model.requests[-1])
        assert "alone" not in memory_block(model.requests[-1])
        await core.ask("what do I like, crowds or being alone?", session_id=other, audience=PRIVATE)
        assert "crowds" in memory_block(model.requests[-1])
        assert "alone" in memory_block(model.requests[-1])


async def test_what_is_said_while_memory_is_off_is_not_read_when_it_is_on_again(database_url: str) -> None:
    """Whoever turns it off means what is said then. Proves: UM-2."""
    model = Learner()
    async with open_core(database_url, model, configure(AGENT)) as core:
        await core.ask("I like tea")
        await learned(database_url)
    async with open_core(database_url, model, configure(build_agent())) as core:
        await core.ask("I like silence")
    async with open_core(database_url, model, configure(AGENT)) as core:
        await core.ask("I like rice")
        await learned(database_url)
    assert await facts(database_url) == {"likes tea", "likes rice"}
    assert not [request for request in model.learning if "silence" in all_text(request)]


async def test_what_is_said_to_an_agent_without_memory_is_not_read_for_another_of_the_same_session(
    database_url: str,
) -> None:
    """Also where words to the one that learns still wait to be read. Proves: UM-2."""
    model = Learner()
    quiet = replace(build_agent(), agent=replace(build_agent().agent, agent_id=AgentId("quiet")))
    agents = Agents(by_id={ASSISTANT: AGENT, AgentId("quiet"): quiet}, default_id=ASSISTANT)
    async with open_core(database_url, model, replace(configure(), agents=agents)) as core:
        model.may_learn.clear()
        await core.ask("I like tea")
        for n, agent_id in enumerate(("quiet", "assistant", "quiet")):
            message = replace(inbound(f"I like number {n}", user=ANN), agent_id=AgentId(agent_id))
            await core.end_of(await core.gateway.service.accept(message))
        model.may_learn.set()
        await learned(database_url)
    assert await facts(database_url) == {"likes tea", "likes number 1"}
    assert not [request for request in model.learning if "number 0" in all_text(request)]


@pytest.mark.parametrize("other", [BOB, None])
async def test_a_private_session_in_which_somebody_else_writes_is_not_private_any_more(
    database_url: str, other: User | None
) -> None:
    """They read what the agent answers there; what is told there is still not for other threads. Proves: UM-11."""
    model = Learner()
    async with open_core(database_url, model, configure(AGENT)) as core:
        await core.ask("I like being alone", audience=PRIVATE)
        await learned(database_url)
        await core.ask("what do I like, being alone?", audience=PRIVATE)
        assert "alone" in memory_block(model.requests[-1])
        await core.ask("hello", user=other, audience=PRIVATE)
        await core.ask("and now, being alone?", audience=PRIVATE)
        assert len(model.requests) == 4
        assert "alone" not in memory_block(model.requests[-1])
        await core.ask("I like being alone by the sea", audience=PRIVATE)
        await learned(database_url)
        await core.ask("do I like the sea?", session_id=SessionId("web:demo:other"))
        assert "sea" not in memory_block(model.requests[-1])


async def test_when_a_memory_was_last_used_is_noted_after_the_answer(database_url: str) -> None:
    """Whoever tidies up wants to know what is of no use; nobody should wait for that note."""
    model = Learner()
    unused = "SELECT count(*) FROM user_memories WHERE last_used_at IS NULL"
    async with open_core(database_url, model, configure(AGENT)) as core:
        await core.ask("I like tea", audience=PRIVATE)
        await learned(database_url)
        assert (await run_sql(database_url, unused))[0][0] == 1
        await core.ask("which tea?", audience=PRIVATE)
        async with asyncio.timeout(10):
            while (await run_sql(database_url, unused))[0][0]:
                pass


async def test_with_memories_off_nothing_is_learned_and_there_is_no_block(database_url: str) -> None:
    """Off is the default. Proves: UM-2."""
    model = Learner()
    async with open_core(database_url, model, configure(build_agent())) as core:
        await core.ask("I like tea")
        await core.ask("and?")
    assert await run_sql(database_url, "SELECT FROM jobs") == []
    assert memory_block(model.requests[-1]) == ""


@pytest.mark.parametrize("seed", range(3))
async def test_nobodys_memory_is_ever_in_another_persons_request(database_url: str, seed: int) -> None:
    """Many people, shared and private threads, anonymous tasks and stops in any order. Proves: UM-10, UM-11."""
    rnd = random.Random(seed)
    model = Learner()
    people = [User(id=UserId(f"person-{n}"), first_name=f"P{n}") for n in range(4)]
    shared = [SessionId(f"web:demo:s{n}") for n in range(2)]
    async with open_core(database_url, model, configure(AGENT)) as core:

        async def live(user: User | None, own: SessionId) -> None:
            name = user.id if user else "nobody"
            for n in range(8):
                is_private = rnd.random() < 0.5
                place = own if is_private else rnd.choice(shared)
                kind = "secret" if is_private else "open"
                text = f"I like {kind} {name} {n} " if rnd.random() < 0.6 else f"what do I like, {n}?"
                more = {"audience": PRIVATE} if is_private else {}
                accepted = await core.say(text, user=user, session_id=place, key=f"{name}{n}", **more)
                if rnd.random() < 0.15:
                    await core.gateway.service.stop_run(place, accepted.run_id)
                if rnd.random() < 0.6:
                    await core.end_of(accepted)

        everybody = [*people, None]
        await asyncio.gather(*(live(u, SessionId(f"web:demo:own-{n}")) for n, u in enumerate(everybody)))
        await learned(database_url)
        for n, user in enumerate(people):
            for place, audience in ((SessionId(f"web:demo:own-{n}"), PRIVATE), (shared[0], Audience.SHARED)):
                question = "what do I like, secret or open?"
                await core.ask(question, user=user, session_id=place, audience=audience, key=f"last{n}")
        places = {row["session_id"]: row["audience"] for row in await run_sql(database_url, "SELECT * FROM sessions")}
    assert len(places) == 7
    blocks = [memory_block(request) for request in model.requests]
    used = [block for block in blocks if "- likes" in block]
    assert len(used) >= len(people), "at least in private, at the end, each is reminded of something"
    for request, block in zip(model.requests, blocks, strict=True):
        owners = {line.split()[3] for line in block.splitlines() if line.startswith("- likes")}
        if not owners:
            continue
        [owner] = owners
        asker = block.splitlines()[0].split("⟦")[-1].split(" ·")[0]
        assert asker == f"P{owner.removeprefix('person-')}"
        is_shared = any(f"I like open {p.id}" in all_text(request) for p in people if p.id != owner)
        assert not (is_shared and "- likes secret" in block)
    for request in model.learning:
        names = {p.id for p in people if f" {p.id} " in repr(request)}
        assert len(names) <= 1, "one speaker's words and facts at a time"
    stored = await run_sql(database_url, "SELECT user_id, memory, visibility FROM user_memories")
    for row in stored:
        assert row["user_id"] == row["memory"].split()[2]
        assert row["visibility"] == ("private" if "secret" in row["memory"] else "thread")


async def test_the_demo_model_remembers_across_threads_through_the_real_sdk(database_url: str) -> None:
    """The built-in model exercises the same path. Proves: AG-6."""
    claude = build_claude(api_key="demo", prices=build_prices({}), transport=build_demo_transport(words_per_s=0))
    agent = build_agent(memory_mode="agentic", extract_after_s=0.0, model=DEMO_MODEL)
    try:
        async with open_core(database_url, claude, configure(replace(agent, small_model=DEMO_MODEL))) as core:
            await core.ask("I like green tea.", audience=PRIVATE)
            await learned(database_url)
            assert await facts(database_url) == {"likes green tea"}
            answer = await core.ask("What do I like?", session_id=SessionId("web:demo:2"), audience=PRIVATE)
            assert "green tea" in (answer.text or "")
            answer = await core.ask("What do I like?", user=BOB, session_id=SessionId("web:demo:3"), audience=PRIVATE)
            assert "green tea" not in (answer.text or "")
    finally:
        await claude.aclose()
