"""A person of the team answers in a conversation: asked by the agent, taken by an operator, handed back."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest

from agent.errors import ConflictError, NotFoundError
from agent.handoffs import ModeNote, SessionMode
from agent.ids import SessionId
from agent.records import Identity, JsonObject, Message, RunState
from agent.tasks import TaskState
from gateway.config import Configuration
from gateway.handoff_tool import ASKED, ASKED_BEFORE
from gateway.handoffs import HandoffRules
from memory.task_rows import KEPT
from tests.adapters.widget.make import send
from tests.adapters.widget.peer import Peer
from tests.support.agent_runs import EchoModel
from tests.support.gateway import Core, build_agent, configure, find_text, open_core, run_sql
from tests.support.make import ANN, BOB, SESSION
from tests.support.model_steps import Gate, Step, calls, prompt_text, says
from tests.support.scripted_model import ScriptedModel

ACCOUNT = Identity(tenant="demo", channel="id", external_id="ann")
REASON, SUMMARY = "wants their money back", "Order 77 came broken."


def team(**rules: float) -> Configuration:
    """A gateway whose agent may ask for a person."""
    return replace(configure(build_agent(may_hand_off=True)), handoff=HandoffRules(**rules))


def script(*steps: Step) -> ScriptedModel:
    """A model with these steps."""
    model = ScriptedModel()
    model.add(*steps)
    return model


async def modes(core: Core) -> list[tuple[SessionMode, str | None]]:
    """The changes of who answers, as the log has them."""
    return [(entry.mode, entry.name) for entry in await core.log() if isinstance(entry, ModeNote)]


async def mode_of(core: Core) -> SessionMode:
    """Who answers now."""
    session = await core.gateway.service.load_session(SESSION, None)
    assert session is not None
    return session.mode


async def test_the_agent_asks_for_a_person_once_and_goes_on_answering_while_nobody_has_come(database_url: str) -> None:
    """Nobody is left alone, and the team learns what it is about. Proves: HO-1."""
    model = ScriptedModel()
    asking = calls(("request_human", {"reason": REASON, "summary": SUMMARY}))
    model.add(asking, says("Somebody will join."), asking, says("They were asked."))
    async with open_core(database_url, model, team()) as core:
        await core.ask("my order is broken")
        assert await mode_of(core) is SessionMode.WAITING
        await core.ask("hello?")
        assert await modes(core) == [(SessionMode.WAITING, None)]
        (handoff,) = await core.gateway.handoffs.list_open(None, 10)
        assert (handoff.session_id, handoff.reason, handoff.summary) == (SESSION, REASON, SUMMARY)
    results = await run_sql(database_url, "SELECT result FROM tool_calls ORDER BY position")
    assert [row["result"] for row in results] == [ASKED, ASKED_BEFORE]


async def test_no_secret_is_told_to_the_team(database_url: str) -> None:
    """Whoever asks for help may have said one, and the team reads of many conversations. Proves: HO-1."""
    asking = calls(
        ("request_human", {"reason": "my password is hunter2x", "summary": "Paid with 4111 1111 1111 1111."})
    )
    async with open_core(database_url, script(asking, says("Somebody will join.")), team()) as core:
        await core.ask("help me")
        (handoff,) = await core.gateway.handoffs.list_open(None, 10)
    assert handoff.reason == "my password is [password removed]"
    assert handoff.summary == "Paid with [card number removed]."


async def test_an_agent_that_was_not_allowed_to_has_no_tool_for_it(database_url: str) -> None:
    """Where nobody stands behind it, nobody may be promised. Proves: HO-1."""
    model = script(says("Hello."))
    async with open_core(database_url, model) as core:
        await core.ask("hi")
    assert "request_human" not in str(model.requests[0])


async def test_while_a_person_has_the_conversation_messages_are_kept_and_the_agent_sees_them_later(
    database_url: str,
) -> None:
    """No run and no cost while people talk; afterwards the agent knows who said what. Proves: HO-2."""
    model = ScriptedModel()
    model.add(says("Hello."), says("As Mia said: tomorrow."))
    async with open_core(database_url, model, team()) as core:
        await core.ask("hi")
        assert await core.gateway.handoffs.take(SESSION, "Mia")
        kept = await core.ask("where is my order?")
        assert (kept.state, kept.text, kept.note) == (TaskState.DONE, None, KEPT)
        assert await core.states(kept.run_id) == [RunState.DONE]
        await core.gateway.handoffs.say(SESSION, "Mia", "It comes tomorrow.", "k1")
        await core.ask("thanks", user=BOB)
        assert await core.gateway.handoffs.give_back(SESSION, "Mia")
        answered = await core.ask("so when?")
        assert answered.text == "As Mia said: tomorrow."
        assert await modes(core) == [(SessionMode.HUMAN, "Mia"), (SessionMode.AGENT, "Mia")]
        assert "Mia: It comes tomorrow." in await core.talk()
    seen = prompt_text(model.requests[-1])
    assert "Mia · operator⟧\nIt comes tomorrow." in seen
    places = [seen.index(words) for words in ("where is my order?", "It comes tomorrow.", "thanks", "so when?")]
    assert places == sorted(places)
    (row,) = await run_sql(database_url, "SELECT count(*) AS runs FROM runs")
    (lease,) = await run_sql(database_url, "SELECT queued FROM session_leases")
    assert (row["runs"], lease["queued"]) == (2, 0)


async def test_whoever_takes_a_conversation_stops_what_the_agent_is_at(database_url: str) -> None:
    """Two voices at once help nobody; what was said so far stays. Proves: HO-2."""
    gate, model = Gate(), ScriptedModel()
    model.add(replace(says("I think that you should wait."), pieces=("I think ", "that"), gate=gate))
    async with open_core(database_url, model, team()) as core:
        running = await core.say("what now?")
        waiting = await core.say("and I?", user=BOB)
        async with asyncio.timeout(5):
            await gate.reached.wait()
        await core.gateway.handoffs.take(SESSION, "Mia")
        ended = [await core.end_of(one) for one in (running, waiting)]
        assert [one.state for one in ended] == [TaskState.STOPPED, TaskState.STOPPED]


async def test_a_person_who_answers_takes_the_conversation_and_the_same_key_says_it_once(database_url: str) -> None:
    """A lost answer of the API is asked again. Proves: HO-3."""
    async with open_core(database_url, script(says("Hello.")), team()) as core:
        await core.ask("hi")
        hand = core.gateway.handoffs
        said = await asyncio.gather(*(hand.say(SESSION, "Mia", "I am here.", "k1") for _ in range(5)))
        assert len({message.message_id for message, _ in said}) == 1
        assert sorted(was_there for _, was_there in said) == [False, True, True, True, True]
        assert await mode_of(core) is SessionMode.HUMAN
        with pytest.raises(ConflictError):
            await hand.say(SESSION, "Mia", "Something else.", "k1")
        log = await core.log()
        assert [entry.seq for entry in log] == list(range(1, len(log) + 1))
        assert [entry.text for entry in log if isinstance(entry, Message) and entry.role == "human"] == ["I am here."]


async def test_a_conversation_that_does_not_exist_is_nobodys_to_take(database_url: str) -> None:
    """A slip of the pen makes no session. Proves: HO-3."""
    async with open_core(database_url, ScriptedModel(), team()) as core:
        hand, nowhere = core.gateway.handoffs, SessionId("web:demo:nowhere")
        with pytest.raises(NotFoundError):
            await hand.take(nowhere, "Mia")
        with pytest.raises(NotFoundError):
            await hand.say(nowhere, "Mia", "Hello?", "k")
        with pytest.raises(NotFoundError):
            await hand.give_back(nowhere, "Mia")
    assert await run_sql(database_url, "SELECT 1 FROM session_leases") == []


@pytest.mark.parametrize("is_taken", [False, True])
async def test_a_conversation_goes_back_to_the_agent_when_its_time_is_over(database_url: str, is_taken: bool) -> None:
    """A person who never comes, or forgets, must not silence the agent for ever. Proves: HO-4."""
    model = script(says("Hello."), says("I am back."))
    async with open_core(database_url, model, team()) as core:
        await core.ask("hi")
        hand = core.gateway.handoffs
        if is_taken:
            await hand.say(SESSION, "Mia", "One moment.", "k")
        else:
            await run_sql(
                database_url, "UPDATE session_leases SET mode = 'waiting', mode_until = now() + interval '1h'"
            )
        before = await mode_of(core)
        await hand.give_back_overdue()
        assert await mode_of(core) is before
        await run_sql(database_url, "UPDATE session_leases SET mode_until = now()")
        async with asyncio.timeout(5):
            while await mode_of(core) is not SessionMode.AGENT:
                await hand.give_back_overdue()
        assert (await modes(core))[-1] == (SessionMode.AGENT, None)
        assert (await core.ask("anybody?")).text == "I am back."


async def test_a_conversation_stays_with_its_person_when_the_gateway_dies(database_url: str) -> None:
    """It is stored, not remembered by a process. Proves: HO-2."""
    async with open_core(database_url, script(says("Hello.")), team()) as core:
        await core.ask("hi")
        await core.gateway.handoffs.say(SESSION, "Mia", "I am here.", "k")
    async with open_core(database_url, ScriptedModel(), team()) as core:
        assert (await core.ask("still there?")).note == KEPT
        assert await mode_of(core) is SessionMode.HUMAN


async def test_a_message_and_a_hand_over_at_the_same_moment_come_one_after_the_other(database_url: str) -> None:
    """Every message is answered or kept, and none is both or neither. Proves: HO-2."""
    async with open_core(database_url, EchoModel(), team()) as core:
        await core.ask("hi")
        hand = core.gateway.handoffs
        for n in range(10):
            accepted, _ = await asyncio.gather(core.say(f"question {n}"), hand.take(SESSION, "Mia"))
            status = await core.end_of(accepted)
            assert status.state is TaskState.STOPPED or status.text or status.note == KEPT
            await hand.give_back(SESSION, "Mia")
        assert (await core.ask("last", user=ANN)).text


async def test_erasing_a_person_erases_what_the_team_was_told_and_said_about_them(database_url: str) -> None:
    """The agent's summary and the team's answers repeat what was said. Proves: UM-16, HO-1."""
    asking = calls(("request_human", {"reason": REASON, "summary": "Zanzibar trip."}))
    async with open_core(database_url, script(asking, says("Somebody will join.")), team()) as core:
        ann = await core.gateway.service.ensure_user(ACCOUNT, ANN)
        await core.ask("about my Zanzibar trip", user=ann)
        await core.gateway.handoffs.say(SESSION, "Mia", "Zanzibar, I see.", "k")
        await core.gateway.people.erase(ann.id)
        (handoff,) = await core.gateway.handoffs.list_open(None, 10)
        assert (handoff.reason, handoff.summary) == (None, None)
    assert await find_text(database_url, "Zanzibar", REASON) == set()


async def test_two_visitors_of_a_thread_see_who_joined_what_they_said_and_that_they_left(database_url: str) -> None:
    """By the frames of the protocol, live and after a reload, and with no frame of an answering agent. Proves: HO-3."""
    async with open_core(database_url, EchoModel(), team()) as core, AsyncExitStack() as stack:
        ann, bob = [await stack.enter_async_context(Peer(core.gateway.app)) for _ in range(2)]
        welcome = await ann.greet(thread="t1", name="Ann")
        assert welcome["mode"] == "agent"
        await bob.greet(thread="t1", name="Bob")
        ann.send(send("hi"))
        while (await bob.until("run"))["state"] != "done":
            pass
        await core.gateway.handoffs.say(SESSION, "Mia", "I am here.", "k")
        for peer in (ann, bob):
            seen = [await _next_of_team(peer) for _ in range(3)]
            told = {frame["type"]: frame for frame in seen}
            assert (told["presence"]["role"], told["presence"]["state"]) == ("human", "joined")
            assert told["handoff"]["mode"] == "human"
            assert (told["message"]["role"], told["message"]["author"]) == ("human", {"id": "", "name": "Mia"})
        ann.send(send("thank you"))
        assert (await bob.until("message"))["text"] == "thank you"
        assert (await bob.until("run"))["state"] == "done"
        late = await stack.enter_async_context(Peer(core.gateway.app))
        assert (await late.greet(thread="t1", name="Ben"))["mode"] == "human"
        await core.gateway.handoffs.give_back(SESSION, "Mia")
        assert (await late.until("handoff"))["mode"] == "human"
        assert (await late.until("handoff"))["mode"] == "agent"


async def _next_of_team(peer: Peer) -> JsonObject:
    """The next frame that is about the team."""
    while True:
        frame = await peer.next()
        if frame["type"] == "handoff" or "human" in (frame.get("role"), frame.get("mode")):
            return frame
