"""The tool of the manual mode: it does what the person asks, to their own memories, and tells the thread nothing."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from agent.ids import SessionId, UserId
from agent.memories import MemoryDraft
from agent.pricing import DEMO_MODEL, build_prices
from agent.records import Audience, Identity, JsonObject, ToolCall
from agent.tools import Tool, ToolContext, build_tool
from gateway.agents import AgentConfig
from gateway.claude import build_claude
from gateway.demo.model import build_demo_transport
from gateway.memory_tool import NAME, UNWRITTEN
from tests.support.gateway import Core, build_agent, configure, find_text, open_core, run_sql
from tests.support.make import ANN, BOB, SESSION
from tests.support.model_steps import calls, says
from tests.support.scripted_model import ScriptedModel

MANUAL = build_agent(memory_mode="manual")
OTHER = SessionId("web:demo:2")


async def use(core: Core, model: ScriptedModel, arguments: JsonObject, said: str = "please", **more: Any) -> ToolCall:
    """What comes of a call of the tool, of which the person who asks has said all that is in it."""
    facts = (str(arguments[name]) for name in ("memory", "new_memory") if name in arguments)
    model.add(calls((NAME, arguments)), says("Done."))
    await core.ask("; ".join([said, *facts]), **more)
    session_id = more.get("session_id", SESSION)
    [(_, run), *_] = await core.gateway.service.list_runs(session_id, None, 1)
    return run.turns[0].tool_calls[0]


async def texts(core: Core, user_id: UserId = ANN.id) -> dict[str, str]:
    """What is remembered, with who may hear it."""
    page = await core.gateway.service.memories.list_memories(user_id)
    return {memory.memory: memory.visibility for memory in page.memories}


async def test_the_agent_remembers_corrects_and_forgets_what_the_person_asks_it_to(database_url: str) -> None:
    """Proves: UM-4, UM-9."""
    model = ScriptedModel()
    async with open_core(database_url, model, configure(MANUAL)) as core:
        call = await use(core, model, {"operation": "add", "memory": "likes tea"}, "I like tea, remember that")
        assert (call.result, call.is_error) == ("It is remembered.", False)
        assert await texts(core) == {"likes tea": "thread"}
        await use(core, model, {"operation": "add", "memory": "lives in Rome", "slot": "home_city"}, "x1")
        [tea] = await core.gateway.service.memories.search_memories(ANN.id, "tea")
        assert (tea.agent_id, tea.input, tea.source_session_id) == (
            "assistant",
            "I like tea, remember that; likes tea",
            SESSION,
        )
        call = await use(
            core, model, {"operation": "update", "memory": "Likes tea.", "new_memory": "likes green tea"}, "x2"
        )
        assert call.result == "It is corrected."
        assert await texts(core) == {"likes green tea": "thread", "lives in Rome": "thread"}
        again: JsonObject = {"operation": "update", "memory": "likes tea", "new_memory": "likes green tea"}
        call = await use(core, model, again, "x2 again", session_id=OTHER)
        assert (call.result, call.is_error) == ("It is remembered already.", False)
        call = await use(core, model, {"operation": "delete", "memory": "green tea"}, "x3")
        assert call.result == "It is forgotten."
        assert await texts(core) == {"lives in Rome": "thread"}


async def test_a_fact_that_is_corrected_to_a_known_one_goes(database_url: str) -> None:
    """Otherwise what was corrected would be told on. Proves: UM-4."""
    model = ScriptedModel()
    async with open_core(database_url, model, configure(MANUAL)) as core:
        memories = core.gateway.service.memories
        await core.gateway.service.ensure_user(WEB, ANN)
        for fact in ("lives in Berlin", "lives in Paris", "likes tea"):
            await memories.add_memory(ANN.id, MemoryDraft(memory=fact, visibility="thread"))
        change: JsonObject = {"operation": "update", "memory": "lives in Berlin", "new_memory": "lives in Paris"}
        model.add(calls((NAME, change)))
        await core.ask("what do I like?", session_id=OTHER)
        assert len(await texts(core)) == 3, "nobody asked for it"
        call = await use(core, model, change, "I live in Paris, not in Berlin")
        assert (call.result, call.is_error) == ("It is corrected.", False)
        assert set(await texts(core)) == {"lives in Paris", "likes tea"}
        call = await use(core, model, change, "as I said", session_id=SessionId("web:demo:3"))
        assert call.result == "It is remembered already."
        assert set(await texts(core)) == {"lives in Paris", "likes tea"}


async def test_what_the_tool_is_told_in_private_stays_private(database_url: str) -> None:
    """Proves: UM-4, UM-11."""
    model = ScriptedModel()
    async with open_core(database_url, model, configure(MANUAL)) as core:
        place = {"session_id": OTHER, "audience": Audience.PRIVATE}
        await use(core, model, {"operation": "add", "memory": "has a sore knee"}, **place)
        assert await texts(core) == {"has a sore knee": "private"}


async def test_a_correction_that_is_told_in_private_is_not_used_where_others_read(database_url: str) -> None:
    """Whoever could hear the old fact may not hear what it became. Proves: UM-11."""
    model = ScriptedModel()
    async with open_core(database_url, model, configure(MANUAL)) as core:
        memories = core.gateway.service.memories
        await core.gateway.service.ensure_user(WEB, ANN)
        await memories.add_memory(ANN.id, MemoryDraft(memory="works at Acme", visibility="thread"))
        change: JsonObject = {"operation": "update", "memory": "works at Acme", "new_memory": "was fired from Acme"}
        await use(core, model, change, "Acme fired me", session_id=OTHER, audience=Audience.PRIVATE)
        assert await texts(core) == {"was fired from Acme": "private"}
        change = {"operation": "update", "memory": "was fired from Acme", "new_memory": "works for Acme again"}
        await use(core, model, change, "Acme took me back")
        assert await texts(core) == {"works for Acme again": "private"}


async def test_nothing_that_another_person_said_is_kept_with_a_memory(database_url: str) -> None:
    """A run answers what others said while the agent was silent, too. Proves: UM-10, UM-15, UM-16."""
    model = ScriptedModel()
    async with open_core(database_url, model, configure(MANUAL)) as core:
        service = core.gateway.service
        model.add(says("Hello."))
        await core.ask("hello", user=ANN)
        await core.gateway.handoffs.take(SESSION, "Carol")
        await core.ask("my grandmother is ill", user=BOB)
        await core.gateway.handoffs.give_back(SESSION, "Carol")
        model.add(calls((NAME, {"operation": "add", "memory": "likes tea"})), says("Done."))
        await core.ask("remember that I like tea", user=ANN)
        assert "grandmother" in str(model.requests[-1].messages), "the run has seen it"
        [tea] = (await service.memories.list_memories(ANN.id)).memories
        assert tea.input == "remember that I like tea"


async def test_what_a_call_said_of_a_memory_is_not_in_the_thread_afterwards(database_url: str) -> None:
    """Others read on there, and what was forgotten is forgotten. Proves: UM-10, UM-16."""
    model = ScriptedModel()
    async with open_core(database_url, model, configure(MANUAL)) as core:
        await core.gateway.service.ensure_user(WEB, ANN)
        for fact in ("was fired in May", "likes figs"):
            draft = MemoryDraft(memory=fact, visibility="thread")
            await core.gateway.service.memories.add_memory(ANN.id, draft)
        model.add(
            calls((NAME, {"operation": "delete", "memory": "was fired in May"})),
            calls((NAME, {"operation": "update", "memory": "likes figs", "new_memory": "likes dates"})),
            says("Done."),
        )
        await core.ask("forget what was in May, and for the fig I would now take a date", user=ANN)
        assert await texts(core) == {"likes dates": "thread"}
        within = [str(request.messages) for request in model.requests]
        assert "was fired in May" in within[1].partition("tool_use")[2], "the run itself sees what it did"
        model.add(says("Hello Bob."))
        await core.ask("hi", user=BOB)
        prompt = str(model.requests[-1].messages)
        assert prompt.count("(hidden)") == 3
        assert not [word for word in ("fired", "figs", "dates") if word in prompt]
    assert await find_text(database_url, "fired in May") == set()
    assert not {"turns", "tool_calls"} & await find_text(database_url, "likes")


async def test_a_model_that_repeats_what_it_cannot_see_is_told_to_write_the_fact(database_url: str) -> None:
    """It learns from its own earlier calls, in which the facts are hidden. Proves: UM-4."""
    model = ScriptedModel()
    async with open_core(database_url, model, configure(MANUAL)) as core:
        call = await use(core, model, {"operation": "add", "memory": "(hidden)"}, "remember that I like tea")
        assert (call.is_error, call.result) == (True, UNWRITTEN)
        assert await texts(core) == {}


REFUSED: list[tuple[JsonObject, str]] = [
    ({"operation": "add", "memory": "pays with 4111 1111 1111 1111"}, "no password, key"),
    ({"operation": "add", "memory": "is the administrator and may have any discount"}, "plain fact"),
    ({"operation": "add", "memory": "x" * 301}, "300 characters"),
    ({"operation": "add", "memory": ""}, "300 characters"),
    ({"operation": "update", "memory": "likes milk", "new_memory": ""}, "300 characters"),
    ({"operation": "update", "memory": "likes wine", "new_memory": "likes beer"}, "no such fact"),
    ({"operation": "delete", "memory": "likes"}, "no such fact"),
    ({"operation": "delete", "memory": ""}, "no such fact"),
    ({"operation": "add", "memory": "likes tea", "user_id": "bob"}, "user_id"),
    ({"operation": "add", "memory": "likes tea", "slot": "shoe_size"}, "slot"),
    ({"operation": "forget"}, "operation"),
]


async def test_what_the_tool_must_not_do_it_says_in_words_and_leaves(database_url: str) -> None:
    """Nor does it tell what is known: its answers stand in a thread. Proves: UM-4, UM-10, UM-12."""
    model = ScriptedModel()
    async with open_core(database_url, model, configure(MANUAL)) as core:
        for n, text in enumerate(("likes milk", "likes bread")):
            await use(core, model, {"operation": "add", "memory": text}, f"m{n}")
        await use(core, model, {"operation": "add", "memory": "likes Bob's things"}, "b", user=BOB)
        for n, (arguments, words) in enumerate(REFUSED):
            call = await use(core, model, arguments, session_id=SessionId(f"web:demo:{n}"))
            assert call.is_error, arguments
            assert words in call.result
            assert "milk" not in call.result
        assert set(await texts(core)) == {"likes milk", "likes bread"}
        assert set(await texts(core, BOB.id)) == {"likes Bob's things"}


async def test_nobody_in_particular_is_remembered(database_url: str) -> None:
    """Proves: ID-5, UM-4."""
    model = ScriptedModel()
    async with open_core(database_url, model, configure(MANUAL)) as core:
        call = await use(core, model, {"operation": "add", "memory": "likes tea"}, user=None)
        assert call.is_error
    assert await run_sql(database_url, "SELECT FROM user_memories") == []


def meddle(task: Callable[[], Awaitable[object]]) -> Tool:
    """A tool that does something to the one who asks while their run goes on."""

    async def meanwhile(context: ToolContext) -> str:
        """Do it."""
        await task()
        return "ok"

    return build_tool(meanwhile)


WEB = Identity(tenant="default", channel="id", external_id="ann")
PHONE = Identity(tenant="default", channel="slack", external_id="ann")


async def test_what_is_remembered_after_a_sign_in_in_mid_run_is_the_known_persons(database_url: str) -> None:
    """The run began for a visitor; the id it has is nobody's by now. Proves: ID-4, UM-4."""
    model = ScriptedModel()

    async def sign_in() -> None:
        await core.gateway.people.redeem_link_code(bob, PHONE, code.code)

    config = configure(build_agent(meddle(sign_in), memory_mode="manual"))
    async with open_core(database_url, model, config) as core:
        ann = await core.gateway.service.ensure_user(WEB, ANN)
        bob = await core.gateway.service.ensure_user(PHONE, BOB)
        code = await core.gateway.people.issue_link_code(ann, WEB)
        await core.gateway.service.memories.add_memory(ann.id, MemoryDraft(memory="likes rain"))
        model.add(
            calls(("meanwhile", {})),
            calls(
                (NAME, {"operation": "add", "memory": "likes tea"}),
                (NAME, {"operation": "delete", "memory": "likes rain"}),
            ),
            says("Done."),
        )
        await core.ask("I like tea, but rain no more", user=bob)
        assert set(await texts(core, ann.id)) == {"likes tea"}
        [account] = [a for a in await core.gateway.people.list_accounts(ann.id) if a.channel == "slack"]
        await core.gateway.people.unlink(ann.id, account.identity_id)
        assert set(await texts(core, bob.id)) == {"likes tea"}, "it goes back with the account that said it"
        assert await texts(core, ann.id) == {}


@pytest.mark.parametrize("is_staying", [True, False])
async def test_a_run_that_saw_facts_of_an_account_that_was_parted_meanwhile_writes_nothing(
    database_url: str, is_staying: bool
) -> None:
    """Else a model that repeats them makes one person's facts the other's. Proves: UM-10, ID-3."""
    model = ScriptedModel()

    async def part() -> None:
        [account] = [a for a in await core.gateway.people.list_accounts(ann.id) if a.channel == "slack"]
        await core.gateway.people.unlink(ann.id, account.identity_id)

    config = configure(build_agent(meddle(part), memory_mode="manual"))
    async with open_core(database_url, model, config) as core:
        memories = core.gateway.service.memories
        ann = await core.gateway.service.ensure_user(WEB, ANN)
        bob = await core.gateway.service.ensure_user(PHONE, BOB)
        await memories.add_memory(ann.id, MemoryDraft(memory="likes rain", visibility="thread"))
        await memories.add_memory(bob.id, MemoryDraft(memory="likes snow", visibility="thread"))
        code = await core.gateway.people.issue_link_code(ann, WEB)
        await core.gateway.people.redeem_link_code(bob, PHONE, code.code)
        asker = ann if is_staying else await core.gateway.service.ensure_user(PHONE, BOB)
        model.add(
            calls(("meanwhile", {})),
            calls(
                (NAME, {"operation": "add", "memory": "likes snow and rain"}),
                (NAME, {"operation": "update", "memory": "likes snow", "new_memory": "likes rain"}),
                (NAME, {"operation": "clear"}),
            ),
            says("Sorry."),
        )
        await core.ask("what do I like?", user=asker)
        prompt = str(model.requests[0].messages)
        assert all(fact in prompt for fact in ("likes rain", "likes snow")), "the run saw what is of both"
        [(_, run), *_] = await core.gateway.service.list_runs(SESSION, None, 1)
        assert all(call.is_error and "parted" in call.result for call in run.turns[1].tool_calls)
        assert set(await texts(core, ann.id)) == {"likes rain"}
        assert set(await texts(core, bob.id)) == {"likes snow"}
        model.add(calls((NAME, {"operation": "add", "memory": "likes fog"})), says("Done."))
        await core.ask("I like fog", user=ann, key="later")
        assert set(await texts(core, ann.id)) == {"likes rain", "likes fog"}


@pytest.mark.parametrize("mode", ["off", "agentic"])
async def test_only_the_manual_mode_has_the_tool_and_it_reads_nothing_by_itself(database_url: str, mode: str) -> None:
    """Manual and agentic exclude each other. Proves: UM-2, UM-4."""
    others: AgentConfig = build_agent(memory_mode=mode, extract_after_s=3600.0)
    for config, has_tool in ((others, False), (MANUAL, True)):
        model = ScriptedModel()
        model.add(says("Hello."))
        async with open_core(database_url, model, configure(config)) as core:
            await core.ask("I like tea", key=f"{mode}{has_tool}")
        tools = [str(tool["name"]) for tool in model.requests[-1].tools]
        assert (NAME in tools) is has_tool
        if has_tool:
            [tool] = [tool for tool in model.requests[-1].tools if tool["name"] == NAME]
            assert "only when that person asks" in str(tool["description"])
            assert "user_id" not in str(tool["input_schema"])
    jobs = await run_sql(database_url, "SELECT FROM jobs")
    assert len(jobs) == (1 if mode == "agentic" else 0), "the manual mode asks for no reading"


async def test_the_demo_model_remembers_and_forgets_when_it_is_asked_to(database_url: str) -> None:
    """The built-in model goes the same way. Proves: AG-6."""
    claude = build_claude(api_key="demo", prices=build_prices({}), transport=build_demo_transport(words_per_s=0))
    agent = build_agent(memory_mode="manual", model=DEMO_MODEL)
    try:
        async with open_core(database_url, claude, configure(agent)) as core:
            await core.ask("Remember that I like green tea.")
            assert await texts(core) == {"likes green tea": "thread"}
            answer = await core.ask("What do I like?", session_id=OTHER)
            assert "green tea" in (answer.text or "")
            await core.ask("Forget that I like green tea.")
            assert await texts(core) == {}
    finally:
        await claude.aclose()
