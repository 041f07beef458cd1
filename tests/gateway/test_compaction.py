"""Summaries in the place of older runs: stored behind the fence, refused when wrong, and never in anybody's way."""

import asyncio

import pytest
from structlog.testing import capture_logs

from agent.compaction import CompactionRules, Strategy
from agent.errors import LeaseLostError
from agent.ids import WorkerId
from agent.ports import ModelRequest
from agent.records import JsonObject, JsonValue, Usage
from agent.summary import HEAD
from agent.tools import Tool, build_tool
from gateway.config import Configuration
from gateway.demo.wire import WireRequest
from gateway.windows import TURNS_BETWEEN_COUNTS, Windows
from memory.compactions import Compactions, Fence
from memory.context import Sessions
from memory.database import Database
from memory.erasure import Erasures
from memory.task_records import Claim
from memory.tasks import Tasks
from tests.memory.compacting import compaction_of
from tests.memory.test_tasks import done, take
from tests.support.accounting_model import AccountingModel, texts_of, without_memory
from tests.support.gateway import Core, build_agent, configure, open_core, run_sql
from tests.support.make import ANN, BOB, SESSION
from tests.support.model_calls import MODEL, ask, user
from tests.support.model_steps import prompt_text

WORDS = "and here are many words about nothing in particular " * 12
RULES = CompactionRules(cap_tokens=2_500, window_tokens=4_000)


def configured(*tools: Tool, history_runs: int = 50, rules: CompactionRules = RULES) -> Configuration:
    """A gateway whose agent has a small window."""
    return configure(build_agent(*tools, history_runs=history_runs, compaction=rules, max_tokens=100))


async def talk(core: Core, runs: int, begin: int = 0) -> None:
    """So many runs; each summary is waited for."""
    for n in range(begin, begin + runs):
        await core.ask(f"We decided number {n}. {WORDS}")
        await core.gateway.compactor.wait_idle()


async def test_a_full_prompt_gets_a_summary_and_the_originals_stay(database_url: str) -> None:
    """Nothing is lost: it is only no longer sent. Proves: CX-1, CX-2."""
    model = AccountingModel(window_tokens=4_000)
    async with open_core(database_url, model, configured()) as core:
        await core.ask("Help us to plan the party.")
        await talk(core, 19, begin=1)
    texts = without_memory(texts_of(model.requests[-1]))
    assert texts[0].endswith("Help us to plan the party."), "the first words stay"
    assert texts[1].startswith(HEAD)
    assert "- Ann · " in texts[1]
    assert 3 <= len(texts) < 15
    said = await run_sql(database_url, "SELECT text FROM messages WHERE role = 'user' ORDER BY seq")
    assert [row["text"] for row in said[1:]] == [f"We decided number {n}. {WORDS}" for n in range(1, 20)]


@pytest.mark.parametrize("strategy", [Strategy.DISABLED, Strategy.SUMMARIZATION])
async def test_the_strategy_is_the_agents(database_url: str, strategy: Strategy) -> None:
    """Proves: CX-2."""
    model = AccountingModel(window_tokens=100_000)
    rules = CompactionRules(strategy=strategy, cap_tokens=2_500, window_tokens=4_000)
    async with open_core(database_url, model, configured(rules=rules)) as core:
        await talk(core, 14)
    texts = texts_of(model.requests[-1])
    if strategy is Strategy.DISABLED:
        assert len(texts) == 14
        assert model.summarized == []
    else:
        assert texts[0].startswith(HEAD)


async def test_with_few_history_runs_nothing_is_summarised_that_leaves_the_window_anyway(database_url: str) -> None:
    """A summary costs a call. Proves: CX-1, SE-3."""
    model = AccountingModel(window_tokens=4_000)
    rules = CompactionRules(cap_tokens=1_300, window_tokens=4_000)
    async with open_core(database_url, model, configured(history_runs=3, rules=rules)) as core:
        await talk(core, 12)
    assert model.summarized == []
    assert len(texts_of(model.requests[-1])) == 4


@pytest.mark.parametrize("summary", ["nonsense", {"decisions": [], "questions": [], "promises": [], "facts": []}])
async def test_a_summary_that_is_refused_leaves_the_history_and_costs_no_answer(
    database_url: str, summary: JsonValue
) -> None:
    """And it is not asked for again at every run. Proves: CX-1."""
    model = AccountingModel(window_tokens=100_000, summary=summary)
    async with open_core(database_url, model, configured()) as core:
        await talk(core, 16)
    assert len(texts_of(model.requests[-1])) == 16
    assert await run_sql(database_url, "SELECT FROM compactions") == []
    assert 1 <= len(model.summarized) < 12


async def test_a_request_that_does_not_fit_is_summarised_once_and_tried_again(database_url: str) -> None:
    """The window may be smaller than anybody said. Proves: CX-1."""
    model = AccountingModel(window_tokens=3_000)
    rules = CompactionRules(cap_tokens=100_000, window_tokens=100_000)
    async with open_core(database_url, model, configured(rules=rules)) as core:
        for n in range(22):
            status = await core.ask(f"We decided number {n}. {WORDS}")
            assert (status.text or "").startswith(f"Noted: We decided number {n}.")
    assert len(model.summarized) >= 1
    assert HEAD in prompt_text(model.requests[-1])


async def test_a_run_whose_own_results_fill_the_window_goes_on_with_short_ones(database_url: str) -> None:
    """There is nothing older to give way. Proves: CX-1, CX-3."""

    def look_up(item: str) -> str:
        """Look an item up."""
        return f"{item} " * 300

    class Curious(AccountingModel):
        """Looks up eight things before it answers."""

        def _answer(self, wire: WireRequest) -> list[JsonObject]:
            self._calls += 1
            if self._calls <= 8:
                use = {"type": "tool_use", "id": f"toolu_{self._calls}", "name": "look_up"}
                return [{**use, "input": {"item": f"item{self._calls}"}}]
            return [{"type": "text", "text": "I have seen enough."}]

    model = Curious(window_tokens=4_000)
    async with open_core(database_url, model, configured(build_tool(look_up))) as core:
        status = await core.ask("look everything up")
    assert status.text == "I have seen enough."
    assert max(bill.prompt for bill in model.bills) <= 3_000
    results = [b for _, blocks in model.requests[-1].messages for b in blocks if b["type"] == "tool_result"]
    assert len(results) == 8
    assert "The middle is left out" in str(results[0])
    assert "The middle is left out" not in str(results[-1])


class Held(AccountingModel):
    """Its summaries wait."""

    def __init__(self) -> None:
        super().__init__(window_tokens=4_000)
        self.begun, self.may_end = asyncio.Event(), asyncio.Event()

    async def complete_json(self, request: ModelRequest, schema: JsonObject) -> tuple[JsonValue, Usage]:
        """After it was let."""
        answer = await AccountingModel.complete_json(self, request, schema)
        self.begun.set()
        await self.may_end.wait()
        return answer


async def test_a_summary_of_somebody_who_is_erased_meanwhile_is_thrown_away(database_url: str) -> None:
    """Their words must not come back in it. Proves: UM-16, CX-6."""
    model = Held()
    database = await Database.open(database_url, size=2)
    async with open_core(database_url, model, configured()) as core:
        await core.ask("I am Bob and like it here", user=BOB)
        talking = asyncio.create_task(talk(core, 12))
        async with asyncio.timeout(10):
            await model.begun.wait()
        await Erasures(database).erase(BOB.id)
        model.may_end.set()
        await talking
        kept = await run_sql(database_url, "SELECT summary::text AS summary FROM compactions")
        assert not any("Bob" in row["summary"] for row in kept)
        await talk(core, 12, begin=20)
        assert await run_sql(database_url, "SELECT FROM compactions") != []
        await Erasures(database).erase(ANN.id)
        assert await run_sql(database_url, "SELECT FROM compactions") == []
    await database.close()


async def test_only_one_of_two_summaries_that_were_made_side_by_side_stands(database: Database) -> None:
    """The other would forget what the first one knows. Proves: CX-1."""
    tasks = Tasks(database, WorkerId("me"))
    claims = await some_runs(tasks, 4)
    compactions, sessions = Compactions(database), Sessions(database)
    context = await sessions.load_context(SESSION, None, 2**62, history_runs=10, memories=None)
    first, second = (compaction_of(context.history[:n]) for n in (2, 3))
    assert await compactions.save(SESSION, first, None)
    assert not await compactions.save(SESSION, second, None)
    assert not await compactions.save(SESSION, first, None)
    after = await sessions.load_context(SESSION, None, 2**62, history_runs=10, memories=None)
    assert after.earlier is not None
    assert after.earlier.upto == claims[1].position
    assert [run.position for run in after.history] == [claim.position for claim in claims[2:]]


async def test_the_summary_stands_only_as_long_as_its_runs_would_be_seen(database: Database) -> None:
    """The agent sees so many past runs as it is set to, these or their summary. Proves: SE-3."""
    tasks = Tasks(database, WorkerId("me"))
    await some_runs(tasks, 4)
    sessions = Sessions(database)
    context = await sessions.load_context(SESSION, None, 2**62, history_runs=10, memories=None)
    assert await Compactions(database).save(SESSION, compaction_of(context.history[:2]), None)
    for history_runs, is_there in ((3, True), (2, False), (0, False)):
        seen = await sessions.load_context(SESSION, None, 2**62, history_runs=history_runs, memories=None)
        assert (seen.earlier is not None) is is_there
        assert len(seen.history) == min(history_runs, 2)
        assert seen.summarized_upto == context.history[1].position


async def test_a_worker_that_lost_its_lease_stores_no_summary(database: Database) -> None:
    """Another process runs the session now. Proves: CX-1."""
    tasks = Tasks(database, WorkerId("me"))
    await some_runs(tasks, 3)
    claim = await take(tasks, "now")
    context = await Sessions(database).load_context(SESSION, None, 2**62, history_runs=10, memories=None)
    compaction = compaction_of(context.history[:2])
    with pytest.raises(LeaseLostError):
        await Compactions(database).save(SESSION, compaction, Fence(owner=WorkerId("other"), epoch=claim.epoch))
    assert await Compactions(database).save(SESSION, compaction, Fence(owner=WorkerId("me"), epoch=claim.epoch))


async def some_runs(tasks: Tasks, count: int) -> list[Claim]:
    """Runs that are over."""
    claims = []
    for n in range(count):
        claims.append(await take(tasks, f"question {n}"))
        await tasks.finish(claims[-1], done(), may_keep=False)
    return claims


async def test_a_size_is_asked_for_at_most_once_in_twenty_turns() -> None:
    """Counting costs a round trip in front of every answer. Proves: CX-1."""
    model = AccountingModel()
    windows = Windows(model)
    request = ask(user("hello"))
    counted = [await windows.count(SESSION, request) for _ in range(3 * TURNS_BETWEEN_COUNTS)]
    assert model.counts == 3
    assert counted[0] is not None
    assert sum(count is not None for count in counted) == 3


async def test_the_window_is_asked_of_the_server_once_and_not_for_small_prompts() -> None:
    """Most threads never come near it. Proves: CX-1."""
    model = AccountingModel(window_tokens=50_000)
    windows = Windows(model)
    assert await windows.limit_tokens(CompactionRules(), MODEL, 500) == 160_000
    assert await windows.limit_tokens(CompactionRules(), MODEL, 20_000) == 40_000
    assert await windows.limit_tokens(CompactionRules(window_tokens=10_000), MODEL, 500) == 8_000
    assert await Windows(None).limit_tokens(CompactionRules(), MODEL, 20_000) == 160_000


async def test_operators_hear_of_a_window_that_nothing_fits_in_once_it_is_known() -> None:
    """Only the server knew it, so the start could not refuse it. Proves: CX-1."""
    windows = Windows(AccountingModel(window_tokens=50_000), {MODEL: 60_000})
    with capture_logs() as told:
        for _ in range(2):
            await windows.limit_tokens(CompactionRules(), MODEL, 20_000)
    assert [(one["event"], one["window_tokens"], one["needed_tokens"]) for one in told] == [
        ("window_too_small", 50_000, 60_000)
    ]


async def test_a_large_window_that_begins_to_move_is_moved_by_a_summary_once_for_many_runs(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else each run would write the whole history to the cache anew. Proves: CX-5, SE-3."""
    monkeypatch.setattr("gateway.compactor.MOVING_TOKENS", 1_000)
    model = AccountingModel(window_tokens=200_000)
    async with open_core(database_url, model, configured(history_runs=20, rules=CompactionRules())) as core:
        await talk(core, 60)
    assert 2 <= len(model.summarized) <= 5
    assert model.cache_read_share >= 0.85
    seen = [texts for request in model.requests if (texts := texts_of(request))]
    assert max(len(texts) for texts in seen) <= 20 + 2
    assert HEAD in prompt_text(model.requests[-1])
    rows = await run_sql(database_url, "SELECT upto FROM compactions ORDER BY upto")
    assert len(rows) == len(model.summarized)
