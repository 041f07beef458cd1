"""An agent's files: proposed, decided on, and in every prompt of the agent."""

from dataclasses import replace
from typing import Literal

import pytest

from agent.agent_memories import RevisionState
from agent.errors import ConflictError, InputError, NotFoundError, UserNotFoundError
from agent.ids import SessionId, UserId
from agent.memories import MemoryDraft
from agent.records import Audience, Identity, JsonObject, User
from gateway.agent_memories import PERSONAL, build_change
from memory.agent_memories import MAX_PROPOSED, AgentMemories
from memory.database import Database
from memory.erasure import Erasures
from memory.users import Users
from tests.gateway.test_memory_tool import PHONE, WEB, meddle
from tests.support.gateway import ASSISTANT, build_agent, configure, open_core, run_sql
from tests.support.make import ANN, BOB
from tests.support.model_steps import calls, says
from tests.support.scripted_model import ScriptedModel

HOURS = "hours.md"
AGENTIC = build_agent(agent_memory="agentic")


@pytest.fixture
def files(database: Database) -> AgentMemories:
    """No files yet."""
    return AgentMemories(database)


async def test_a_file_has_revisions_of_which_one_is_live_and_can_be_rolled_back(files: AgentMemories) -> None:
    """Each with who, why and when; nothing is lost. Proves: AM-1, AM-2."""
    first = await files.write(build_change(ASSISTANT, HOURS, "9-5", "sam", "opened"), by="sam")
    await files.write(build_change(ASSISTANT, HOURS, "9-6", "sam", "longer"), by="sam")
    await files.write(build_change(ASSISTANT, HOURS, None, "sam", "closed"), by="sam")
    assert await files.list_files([ASSISTANT]) == []
    back = await files.roll_back(ASSISTANT, HOURS, first.revision, by="kim")
    assert (back.revision, back.author, back.cause) == (4, "kim", "back to revision 1")
    [file] = await files.list_files([ASSISTANT])
    assert (file.name, file.markdown, file.revision) == (HOURS, "9-5", 4)
    states = [revision.state for revision in await files.list_revisions(ASSISTANT, HOURS)]
    assert states == [RevisionState.LIVE, *[RevisionState.REPLACED] * 3]
    with pytest.raises(InputError, match="live before"):
        await files.roll_back(ASSISTANT, HOURS, 4, by="kim")
    with pytest.raises(NotFoundError):
        await files.roll_back(ASSISTANT, HOURS, 9, by="kim")


async def test_a_proposal_is_live_once_an_operator_approves_it_unless_the_file_changed_since(
    files: AgentMemories,
) -> None:
    """Nobody approves a text against another one than they saw. Proves: AM-2."""
    one, two, three = [
        await files.propose(build_change(ASSISTANT, HOURS, t, "agent", "heard")) for t in ("1", "2", "3")
    ]
    assert await files.list_files([ASSISTANT]) == []
    rejected = await files.reject(ASSISTANT, HOURS, one.revision, by="kim")
    assert (rejected.state, rejected.decided_by) == (RevisionState.REJECTED, "kim")
    approved = await files.approve(ASSISTANT, HOURS, two.revision, by="kim")
    assert approved.state is RevisionState.LIVE
    with pytest.raises(ConflictError):
        await files.approve(ASSISTANT, HOURS, three.revision, by="kim")
    with pytest.raises(ConflictError):
        await files.approve(ASSISTANT, HOURS, one.revision, by="kim")
    with pytest.raises(NotFoundError):
        await files.reject(ASSISTANT, HOURS, two.revision, by="kim")
    for n in range(MAX_PROPOSED - 1):
        await files.propose(build_change(ASSISTANT, f"f{n}.md", "x", "agent", "heard"))
    with pytest.raises(InputError, match="too many"):
        await files.propose(build_change(ASSISTANT, HOURS, "x", "agent", "heard"))


async def test_what_a_run_proposes_after_its_person_was_erased_is_not_kept(
    files: AgentMemories, database: Database
) -> None:
    """The tool may be at work when somebody says "forget me". Proves: UM-16."""
    users = Users(database)
    for name in ("a", "b"):
        await users.ensure(Identity(tenant="shop", channel="id", external_id=name), User(id=UserId(name)))
    change = build_change(ASSISTANT, HOURS, "9-5", "agent", "somebody said so")
    assert (await files.propose(replace(change, user_id=UserId("b")))).revision == 1
    await Erasures(database).erase(UserId("a"))
    with pytest.raises(UserNotFoundError):
        await files.propose(replace(change, user_id=UserId("a")))
    with pytest.raises(UserNotFoundError):
        await files.write(replace(change, user_id=UserId("a")), by="auto")
    assert len(await files.list_revisions(ASSISTANT, HOURS)) == 1


async def test_the_number_of_an_erased_persons_proposal_stands_for_no_other_text(
    files: AgentMemories, database: Database
) -> None:
    """An operator who read the one would approve the other. Proves: AM-2, UM-16."""
    await files.write(build_change(ASSISTANT, HOURS, "9-5", "sam", "opened"), by="sam")
    for user in (ANN, BOB):
        await Users(database).save(user)
    proposed = [
        replace(build_change(ASSISTANT, HOURS, text, "agent", f"told {text}"), user_id=user.id)
        for user, text in ((ANN, "zebrafish"), (BOB, "9-6"))
    ]
    read = await files.propose(proposed[0])
    report = await Erasures(database).erase(ANN.id)
    assert report.erased["agent_memory_revisions"] == 1
    other = await files.propose(proposed[1])
    assert other.revision == read.revision + 1
    with pytest.raises(ConflictError):
        await files.approve(ASSISTANT, HOURS, read.revision, by="kim")
    with pytest.raises(InputError):
        await files.roll_back(ASSISTANT, HOURS, read.revision, by="kim")
    [file] = await files.list_files([ASSISTANT])
    assert file.markdown == "9-5"
    emptied = await files.find(ASSISTANT, HOURS, read.revision)
    assert (emptied.markdown, emptied.cause, emptied.state) == (None, "(erased)", RevisionState.REJECTED)
    await files.approve(ASSISTANT, HOURS, other.revision, by="kim")
    await Erasures(database).erase(BOB.id)
    [file] = await files.list_files([ASSISTANT])
    assert file.markdown == "9-6", "what an operator made live is the agent's"


async def test_an_agent_proposes_a_file_and_has_it_in_every_session_once_it_is_approved(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The prompt changes with the approval, and with nothing else. Proves: AM-1, AM-2."""
    monkeypatch.setattr("gateway.housekeeping.BEAT_S", 0.02)
    model = ScriptedModel()
    proposal = {"name": HOURS, "text": "Support is open 9-5 EST.", "cause": "Ann asked and nobody knew"}
    model.add(calls(("propose_agent_memory", {**proposal})), says("Noted."))
    model.add(says("I do not know."))
    async with open_core(database_url, model, configure(AGENTIC)) as core:
        database = await Database.open(database_url, size=1)
        files = AgentMemories(database)
        await core.ask("when are you open?")
        [waiting] = await files.list_revisions(ASSISTANT, state=RevisionState.PROPOSED)
        assert (waiting.author, waiting.cause) == ("agent", proposal["cause"])
        assert (await run_sql(database_url, "SELECT user_id FROM agent_memory_revisions"))[0][0] == ANN.id
        await core.ask("open?", user=BOB, session_id=SessionId("web:demo:2"))
        assert "9-5" not in repr(model.requests[-1].system)
        await files.approve(ASSISTANT, HOURS, waiting.revision, by="kim")
        await core.gateway.knowledge.refresh()
        model.add(says("From nine."), may_move=True)
        model.add(says("To five."))
        await core.ask("and now?", user=BOB, session_id=SessionId("web:demo:2"))
        await core.ask("until?", user=BOB, session_id=SessionId("web:demo:2"))
        assert model.requests[-1].system == model.requests[-2].system
        assert "Support is open 9-5 EST." in repr(model.requests[-1].system)
        await database.close()


async def test_without_the_setting_there_are_no_files_and_with_auto_they_are_live_at_once(database_url: str) -> None:
    """Off by default; letting it through is the operator's choice. Proves: AM-1, AM-2."""
    model = ScriptedModel()
    call = calls(("propose_agent_memory", {"name": HOURS, "text": "9-5", "cause": "heard"}))
    model.add(says("hello"))
    async with open_core(database_url, model, configure(build_agent())) as core:
        await core.ask("hi")
        assert "propose_agent_memory" not in repr(model.requests[-1].tools)
    auto = replace(AGENTIC, agent_memory_review="auto")
    model.add(
        call, says("done"), calls(("propose_agent_memory", {"name": "X", "text": "9-5", "cause": "c"})), says("no")
    )
    async with open_core(database_url, model, configure(auto)) as core:
        await core.ask("go", session_id=SessionId("web:demo:3"))
        await core.ask("again", session_id=SessionId("web:demo:4"))
        assert "name: expected" in repr(model.requests[-1].messages)
    rows = await run_sql(database_url, "SELECT state, decided_by FROM agent_memory_revisions")
    assert [tuple(row) for row in rows] == [("live", "auto")]


@pytest.mark.parametrize("review", ["auto", "approve"])
async def test_an_agent_cannot_write_what_it_remembers_of_a_person_into_what_everybody_reads(
    database_url: str, review: Literal["approve", "auto"]
) -> None:
    """Its files stand in all people's prompts. Proves: UM-10."""
    model = ScriptedModel()
    arguments: JsonObject = {"name": HOURS, "text": "Ann likes   rare figs.", "cause": "so it is"}
    config = configure(replace(AGENTIC, memory_mode="manual", agent_memory_review=review))
    async with open_core(database_url, model, config) as core:
        await core.gateway.service.ensure_user(WEB, ANN)
        await core.gateway.service.memories.add_memory(ANN.id, MemoryDraft(memory="likes rare figs"))
        model.add(calls(("propose_agent_memory", arguments)), says("Sorry."))
        await core.ask("note what I like", user=ANN)
    assert await run_sql(database_url, "SELECT FROM agent_memory_revisions") == []


@pytest.mark.parametrize("audience", ["private", "shared"])
async def test_what_somebody_says_in_private_is_no_leave_to_tell_everybody(
    database_url: str, audience: Literal["private", "shared"]
) -> None:
    """What they say where others read, everybody may have. Proves: UM-10, UM-11."""
    model = ScriptedModel()
    arguments: JsonObject = {"name": HOURS, "text": "Some people have a rare illness.", "cause": "so it is"}
    config = configure(replace(AGENTIC, memory_mode="manual", agent_memory_review="auto"))
    async with open_core(database_url, model, config) as core:
        await core.gateway.service.ensure_user(WEB, ANN)
        await core.gateway.service.memories.add_memory(ANN.id, MemoryDraft(memory="have a rare illness"))
        model.add(calls(("propose_agent_memory", arguments)), says("Sorry."))
        await core.ask("I have a rare illness", user=ANN, audience=Audience(audience))
    assert len(await run_sql(database_url, "SELECT FROM agent_memory_revisions")) == (audience == "shared")


async def test_what_is_remembered_of_whoever_was_linked_meanwhile_is_kept_from_everybody_too(
    database_url: str,
) -> None:
    """A run is given its person as it begins; whoever they became has the facts. Proves: ID-3, UM-10."""
    model = ScriptedModel()
    arguments: JsonObject = {"name": HOURS, "text": "Ann likes rare figs.", "cause": "so it is"}

    async def link() -> None:
        await core.gateway.people.redeem_link_code(bob, PHONE, code.code)

    agent = build_agent(meddle(link), agent_memory="agentic", memory_mode="manual")
    async with open_core(database_url, model, configure(agent)) as core:
        ann = await core.gateway.service.ensure_user(WEB, ANN)
        bob = await core.gateway.service.ensure_user(PHONE, BOB)
        code = await core.gateway.people.issue_link_code(ann, WEB)
        await core.gateway.service.memories.add_memory(ann.id, MemoryDraft(memory="likes rare figs"))
        model.add(calls(("meanwhile", {})), calls(("propose_agent_memory", arguments)), says("Sorry."))
        await core.ask("note what I like", user=bob)
        assert PERSONAL in repr(model.requests[-1].messages)
    assert await run_sql(database_url, "SELECT FROM agent_memory_revisions") == []
