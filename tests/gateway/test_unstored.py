"""An agent whose storage is off: it answers, remembers people if it is to, and its threads do not stay."""

from dataclasses import replace

from agent.ids import AgentId, SessionId
from gateway.agents import AgentConfig
from gateway.retention import FOR_EVER, Retention
from memory.database import Database
from memory.retention import Expiry
from tests.gateway.test_core_memory import Learner, learned
from tests.support.agent_runs import EchoModel, all_text
from tests.support.gateway import build_agent, configure, find_text, open_core, run_sql

OFF: AgentConfig = replace(build_agent(memory_mode="agentic", extract_after_s=0.0, history_runs=0), is_stored=False)
THREAD, OTHER = SessionId("web:demo:fleeting"), SessionId("web:demo:kept")


async def grow_old(url: str, minutes: int) -> None:
    """All sessions fell silent so long ago, as a superuser."""
    await run_sql(url, f"UPDATE sessions SET updated_at = now() - interval '{minutes} minutes'")


async def test_what_is_said_to_an_agent_without_storage_goes_when_the_thread_is_silent(
    database_url: str, database: Database
) -> None:
    """Nothing of the thread is left, and of others everything; what was learned of the person stays. Proves: SE-4."""
    model, configuration = Learner(), configure(OFF)
    retention = Retention(Expiry(database), FOR_EVER, configuration.agents.unstored)
    async with open_core(database_url, model, configuration) as core:
        await core.ask("I like zebrafish", session_id=THREAD)
        await learned(database_url)
        await core.ask("and again?", session_id=THREAD)
        assert "I like zebrafish" not in all_text(model.requests[-1]), "it sees no history"
        await learned(database_url)
    await grow_old(database_url, 50)
    await retention.work()
    assert "messages" in await find_text(database_url, THREAD), "a client may still ask for its answer"
    await run_sql(
        database_url,
        "INSERT INTO jobs (kind, session_id, user_id, agent_id, run_at)"
        f" VALUES ('extract', '{THREAD}', 'ann', 'assistant', now())",
    )
    await grow_old(database_url, 70)
    await retention.work()
    assert "messages" in await find_text(database_url, THREAD), "it was not read for facts yet"
    await run_sql(database_url, "DELETE FROM jobs")
    await retention.work()
    assert await find_text(database_url, THREAD) == {"user_memories"}, "which tell where they were heard"
    assert [row[0] for row in await run_sql(database_url, "SELECT memory FROM user_memories")] == ["likes zebrafish"]


async def test_threads_of_other_agents_stay(database_url: str, database: Database) -> None:
    """Storage is on by default. Proves: SE-4."""
    async with open_core(database_url, EchoModel(), configure(build_agent())) as core:
        await core.ask("keep this", session_id=OTHER)
    await grow_old(database_url, 600)
    await Retention(Expiry(database), FOR_EVER, ()).work()
    await Retention(Expiry(database), FOR_EVER, [AgentId("other")]).work()
    assert "messages" in await find_text(database_url, OTHER)


async def test_a_thread_that_was_missed_for_days_is_found_by_the_next_process(
    database_url: str, database: Database
) -> None:
    """The first look goes through everything, later ones only through the last days. Proves: SE-4."""
    configuration = configure(OFF)
    async with open_core(database_url, EchoModel(), configuration) as core:
        await core.ask("old words", session_id=THREAD)
    await run_sql(database_url, "DELETE FROM jobs")
    await grow_old(database_url, 60 * 24 * 30)
    await Retention(Expiry(database), FOR_EVER, configuration.agents.unstored).work()
    assert await find_text(database_url, THREAD) == set()
