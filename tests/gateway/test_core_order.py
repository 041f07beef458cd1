"""Who is answered when: one after another within a session, side by side across sessions, a burst at once."""

import asyncio

import pytest

from agent.ids import SessionId
from agent.records import Message, RunState
from agent.tasks import TaskState
from gateway.endings import Limits
from tests.support.agent_runs import EchoModel
from tests.support.gateway import build_agent, configure, of_run, open_core, run_sql
from tests.support.make import ANN, BOB, SESSION
from tests.support.model_steps import Gate, last_text_has, says, says_slowly
from tests.support.scripted_model import ScriptedModel


def place(n: int) -> SessionId:
    """One of many sessions."""
    return SessionId(f"web:demo:many-{n}")


async def test_a_message_is_answered_and_all_of_it_is_kept(database_url: str) -> None:
    """From the message to the answer, with who said it and what it cost. Proves: AG-1, SE-5."""
    model = ScriptedModel()
    model.add(says("Hello, Ann!"))
    async with open_core(database_url, model) as core:
        accepted = await core.say("hi")
        status = await core.end_of(accepted)
        assert (status.state, status.text, status.attempts) == (TaskState.DONE, "Hello, Ann!", 1)
        assert status.usage.cost_usd > 0
        assert await core.talk() == ["Ann: hi", "Assistant: Hello, Ann!"]
        assert await core.states(accepted.run_id) == [RunState.THINKING, RunState.DONE]
        [(_, run)] = await core.gateway.service.list_runs(SESSION, None, 5)
        assert (run.text, run.usage) == ("Hello, Ann!", status.usage)


async def test_messages_of_one_session_are_answered_in_their_order_and_each_once(database_url: str) -> None:
    """Two answers at once in a thread would talk past each other. Proves: RE-15."""
    model = EchoModel()
    async with open_core(database_url, model) as core:
        people = [ANN, BOB]
        accepted = [await core.say(f"m{n}", user=people[n % 2]) for n in range(12)]
        await asyncio.gather(*(core.end_of(one) for one in accepted))
        said = [e for e in await core.log() if isinstance(e, Message)]
    assert model.most == 1
    asked = [e.text for e in said if e.role == "user"]
    answered = [text for e in said if e.role == "assistant" for text in e.text.split(" + ")]
    assert asked == [f"m{n}" for n in range(12)]
    assert sorted(answered) == sorted(asked), "each is answered once"
    for person in (0, 1):
        own = [f"m{n}" for n in range(12) if n % 2 == person]
        assert [text for text in answered if text in own] == own, "and each person's in the order said"


async def test_one_hundred_messages_at_once_from_two_people_are_all_answered_once(database_url: str) -> None:
    """Nothing may be lost between the ones that are merged and the ones that wait. Proves: RE-15."""
    model = EchoModel()
    async with open_core(database_url, model) as core:
        accepted = await asyncio.gather(*(core.say(f"m{n}", user=(ANN, BOB)[n % 2]) for n in range(100)))
        ended = await asyncio.gather(*(core.end_of(one) for one in accepted))
        answers = [e.text for e in await core.log() if isinstance(e, Message) and e.role == "assistant"]
        seqs = [entry.seq for entry in await core.log()]
    assert {status.state for status in ended} == {TaskState.DONE}
    parts = [part for answer in answers for part in answer.split(" + ")]
    assert sorted(parts) == sorted(f"m{n}" for n in range(100))
    assert seqs == list(range(1, len(seqs) + 1))


async def test_many_sessions_run_side_by_side(database_url: str) -> None:
    """A slow answer in one thread is nobody else's business."""
    model = EchoModel()
    model.may_answer.clear()
    async with open_core(database_url, model) as core:
        accepted = [await core.say("hello", session_id=place(n)) for n in range(30)]
        await model.wait_until_running(30)
        model.may_answer.set()
        ended = await asyncio.gather(*(core.end_of(one) for one in accepted))
    assert {status.text for status in ended} == {"hello"}


async def test_a_burst_of_one_person_gets_one_answer(database_url: str) -> None:
    """People press return in mid-sentence; four answers to one thought are three too many."""
    gate, model = Gate(), ScriptedModel()
    model.add(says_slowly(["First."], gate))
    model.add(says("All of it."), when=last_text_has("three"))
    async with open_core(database_url, model) as core:
        first = await core.say("zero")
        async with asyncio.timeout(5):
            await gate.reached.wait()
        burst = [await core.say(text) for text in ("one", "two", "three")]
        gate.open()
        ended = [await core.end_of(one) for one in (first, *burst)]
        assert [status.text for status in ended] == ["First.", "All of it.", "All of it.", "All of it."]
        assert await core.talk() == [
            "Ann: zero",
            "Ann: one",
            "Ann: two",
            "Ann: three",
            "Assistant: First.",
            "Assistant: All of it.",
        ]
        for one in burst:
            assert (await core.states(one.run_id))[-1] is RunState.DONE
        blocks = [block["text"] for block in model.requests[1].messages[-1][1]]
        assert [str(text).split("\n")[1] for text in blocks] == ["one", "two", "three"]


async def test_no_more_sessions_run_at_once_than_there_is_room_for_and_the_rest_follows(database_url: str) -> None:
    """A crowd must not take the process down, nor be turned away."""
    model = EchoModel()
    model.may_answer.clear()
    limits = Limits(capacity=3, retry_s=(0.0,), poll_s=0.05)
    async with open_core(database_url, model, configure(limits=limits)) as core:
        accepted = [await core.say("hello", session_id=place(n)) for n in range(10)]
        await model.wait_until_running(3)
        model.may_answer.set()
        ended = await asyncio.gather(*(core.end_of(one) for one in accepted))
    assert {status.state for status in ended} == {TaskState.DONE}
    assert model.most == 3


async def test_a_session_with_a_long_queue_lets_others_have_their_turn(database_url: str) -> None:
    """One busy thread must not hold a place for ever. Proves: SE-1, RE-15."""
    model = EchoModel()
    model.may_answer.clear()
    limits = Limits(capacity=1, yield_after=2, retry_s=(0.0,), poll_s=0.05)
    async with open_core(database_url, model, configure(limits=limits)) as core:
        busy = [await core.say(f"busy {n}", user=(ANN, BOB)[n % 2], key=f"{n}", session_id=place(0)) for n in range(2)]
        # One person each, so that none is merged.
        busy += [await core.say(f"busy {n}", user=None, key=f"{n}", session_id=place(0)) for n in range(2, 20)]
        other = await core.say("me too", session_id=place(1))
        model.may_answer.set()
        await core.end_of(other)
        await asyncio.gather(*(core.end_of(one) for one in busy))
    asked = [r.messages[-1].blocks[-1].text.split("\n")[1] for r in model.requests]  # type: ignore[union-attr]
    assert asked.index("me too") <= 4
    assert [text for text in asked if text != "me too"] == [f"busy {n}" for n in range(20)]


@pytest.mark.parametrize("history_runs", [0, 1, 5, 100])
async def test_the_agent_sees_as_many_past_runs_as_it_is_set_to(database_url: str, history_runs: int) -> None:
    """The number is a promise to whoever pays for the tokens. Proves: SE-3."""
    model = EchoModel()
    async with open_core(database_url, model, configure(build_agent(history_runs=history_runs))) as core:
        for n in range(8):
            await core.ask(f"question {n}")
        seen = [m for m in model.requests[-1].messages if m.role == "user"]
        assert len(seen) == 1 + min(history_runs, 7)
        if history_runs == 100:
            await run_sql(database_url, COPY_RUNS, SESSION)
            await core.ask("last")
            assert sum(m.role == "user" for m in model.requests[-1].messages) == 101


COPY_RUNS = """
WITH old AS (
    UPDATE runs SET position = position - 1000000 WHERE session_id = $1 RETURNING 1
), copied AS (
    INSERT INTO messages (session_id, seq, message_id, role, author_name, text, position)
    SELECT $1, -n, 'old' || n, 'user', 'Ann', 'old ' || n, -n FROM generate_series(1, 300) n
)
INSERT INTO runs (session_id, position, run_id, agent_id, model, state, stop_reason, input_tokens, output_tokens,
                  cache_read_tokens, cache_write_tokens, cost_usd)
SELECT $1, -n, 'run_old' || n, 'assistant', '', 'done', '', 0, 0, 0, 0, 0 FROM generate_series(1, 300) n
"""


async def test_a_new_session_knows_nothing_of_another_and_a_session_goes_on_after_a_restart(database_url: str) -> None:
    """A thread is a clean slate, and stays what it is whoever serves it. Proves: SE-1."""
    model = EchoModel()
    async with open_core(database_url, model) as core:
        await core.ask("my word is marmalade")
        await core.ask("hello", session_id=place(1))
        assert "marmalade" not in repr(model.requests[-1])
    async with open_core(database_url, model) as core:
        accepted = await core.say("what was my word?")
        await core.end_of(accepted)
        assert "marmalade" in repr(model.requests[-1])
        assert len(of_run(await core.log(), accepted.run_id)) == 4
