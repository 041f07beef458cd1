"""Sessions get names off the reply path, and nobody's prompt holds them."""

import json

from agent.budgets import Budgets
from agent.errors import ModelUnavailableError
from agent.ids import SessionId, WorkerId
from agent.ports import ModelRequest
from agent.pricing import build_prices
from agent.records import JsonObject, JsonValue, Usage
from agent.titles import SessionTitle
from gateway.agents import AgentConfig, Agents
from gateway.reading_desk import ReadingDesk
from gateway.spending import Spending
from gateway.titler import ATTEMPTS, Titler
from memory.context import Sessions
from memory.database import Database
from memory.jobs import TITLE, Jobs
from memory.spend import Ledger
from memory.titles import Titles
from tests.support.gateway import ASSISTANT, build_agent, configure, open_core, run_sql
from tests.support.make import SESSION
from tests.support.model_steps import says
from tests.support.scripted_model import ScriptedModel

NAMED: AgentConfig = build_agent(has_titles=True, title_after_s=3_600.0)
DUE = "UPDATE jobs SET run_at = now(), locked_until = '-infinity'"


class Namer:
    """A model that gives one title, or fails."""

    def __init__(self, answer: JsonValue, fault: Exception | None = None) -> None:
        self.answer = answer
        self.fault = fault
        self.asked: list[ModelRequest] = []

    def stream(self, request: ModelRequest) -> object:
        """Never."""
        raise AssertionError(request)

    async def complete_json(self, request: ModelRequest, schema: JsonObject) -> tuple[JsonValue, Usage]:
        """The title."""
        self.asked.append(request)
        if self.fault is not None:
            raise self.fault
        return self.answer, Usage(input_tokens=10)


def titler(database: Database, model: Namer, agent: AgentConfig = NAMED) -> Titler:
    """A titler with that model."""
    agents = Agents(by_id={ASSISTANT: agent}, default_id=ASSISTANT)
    spending = Spending(model, Ledger(database, WorkerId("w")), Budgets(), build_prices({}))  # type: ignore[arg-type]
    jobs, sessions = Jobs(database, (TITLE,)), Sessions(database)
    return Titler(ReadingDesk(jobs=jobs, sessions=sessions, spending=spending, agents=agents), Titles(database))


async def talk(database_url: str, database: Database, *texts: str) -> ScriptedModel:
    """A session in which that was said; its job is due."""
    model = ScriptedModel(checks_prefix=False)
    model.add(*(says(f"answer {n}") for n in range(len(texts))))
    async with open_core(database_url, model, configure(NAMED)) as core:
        for text in texts:
            await core.ask(text)
    await database.execute(DUE)
    return model


TITLED: JsonValue = {"title": "A bicycle for Ann", "summary": "Ann wants a bicycle.", "topics": ["bicycles"]}


async def test_a_session_gets_a_title_a_summary_and_topics_with_one_call(database_url: str, database: Database) -> None:
    """People who watch many threads find the one they look for. Proves: SE-6."""
    await talk(database_url, database, "I want a bicycle", "A red one")
    model = Namer(TITLED)
    assert await titler(database, model).work()
    assert not await titler(database, model).work()
    assert len(model.asked) == 1
    session = await Sessions(database).load_session(SESSION, None)
    assert session is not None
    assert (session.title, session.summary, session.topics) == (
        "A bicycle for Ann",
        "Ann wants a bicycle.",
        ("bicycles",),
    )


async def test_a_title_never_stands_in_a_prompt_of_the_agent(database_url: str, database: Database) -> None:
    """It is made for people; the agent reads what was said itself. Proves: SE-6."""
    await talk(database_url, database, "I want a bicycle")
    await titler(database, Namer(TITLED)).work()
    model = await talk(database_url, database, "And a bell")
    assert "A bicycle for Ann" not in json.dumps([[r.system, r.messages] for r in model.requests])
    assert "I want a bicycle" in json.dumps(model.requests[-1].messages)


async def test_a_session_with_a_title_is_left_alone_until_much_was_said(database_url: str, database: Database) -> None:
    """One call for one answer is one too many. Proves: SE-6."""
    await talk(database_url, database, "I want a bicycle")
    await titler(database, Namer(TITLED)).work()
    await talk(database_url, database, "And a bell")
    model = Namer(TITLED)
    assert await titler(database, model).work()
    assert model.asked == []
    assert await run_sql(database_url, "SELECT 1 FROM jobs") == []


async def test_an_agent_whose_titles_are_off_asks_for_none(database_url: str, database: Database) -> None:
    """Who wants no summaries pays for none. Proves: SE-6."""
    model = ScriptedModel()
    model.add(says("Hello."))
    async with open_core(database_url, model, configure(build_agent())) as core:
        await core.ask("hello")
    assert await run_sql(database_url, "SELECT 1 FROM jobs") == []
    await talk(database_url, database, "hello again")
    off = Namer(TITLED)
    assert await titler(database, off, build_agent()).work()
    assert off.asked == []


async def test_a_model_that_is_away_is_asked_again_a_few_times(database_url: str, database: Database) -> None:
    """A title is worth a few calls and no more. Proves: SE-6."""
    await talk(database_url, database, "I want a bicycle")
    model = Namer(None, ModelUnavailableError("away"))
    for _ in range(ATTEMPTS):
        assert await titler(database, model).work()
        await database.execute(DUE)
    assert not await titler(database, model).work()
    assert len(model.asked) == ATTEMPTS


async def test_what_was_made_before_words_were_erased_is_not_written_after(
    database_url: str, database: Database
) -> None:
    """A summary must not bring back what a person had erased. Proves: SE-6, UM-16."""
    await talk(database_url, database, "I want a bicycle")
    titles = Titles(database)
    state = await titles.load(SESSION)
    assert state is not None
    await run_sql(database_url, "UPDATE sessions SET title_epoch = title_epoch + 1")
    await titles.save(SESSION, state, SessionTitle(title="A bicycle", summary=None, topics=()))
    found = await titles.load(SESSION)
    assert found is not None
    assert found.title is None
    assert await titles.load(SessionId("none")) is None
