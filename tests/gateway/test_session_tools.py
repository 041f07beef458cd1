"""What an agent can look up in its own thread: long results, and what was said long ago."""

from collections.abc import Sequence
from dataclasses import replace

from agent.ids import SessionId
from agent.payloads import ResultRules
from agent.tools import build_tool
from tests.support.gateway import build_agent, configure, open_core, run_sql
from tests.support.model_steps import calls, prompt_text, says
from tests.support.scripted_model import ScriptedModel

REPORT = "\n".join(f"row {n}: ok" for n in range(30_000)) + "\nrow 30000: FAILED with code 4711\n" + "tail\n" * 9_000


def fetch_report() -> str:
    """Fetch the report."""
    return REPORT


AGENT = build_agent(build_tool(fetch_report))


async def test_a_long_result_is_cut_in_the_prompt_and_read_whole_by_page_and_by_query(database_url: str) -> None:
    """Eight thousand tokens of a report are enough to see what it is; the rest is there when it is needed.

    Proves: CX-3, AG-2.
    """
    model = ScriptedModel()
    model.add(calls(("fetch_report", {})), says("It is long."))
    async with open_core(database_url, model, configure(AGENT)) as core:
        await core.ask("what does the report say?")
        [row] = await run_sql(database_url, "SELECT call_id, result, excerpt FROM tool_calls")
        assert row["result"] == REPORT
        assert len(row["excerpt"].encode()) <= 24_000
        found = {"id": row["call_id"], "query": "failed"}
        model.add(calls(("read_result", found), ("read_result", {"id": row["call_id"], "page": 2})), says("4711."))
        model.add(
            calls(("read_result", {"id": row["call_id"], "page": 999}), ("read_result", {"id": "x"})), says("No.")
        )
        await core.ask("which code?")
        await core.ask("and page 999?")
    first = prompt_text(model.requests[1])
    assert row["excerpt"] in first
    assert prompt_text(model.requests[2]).startswith(first), "it stands in the history as it stood in its run"
    second = prompt_text(model.requests[3])
    assert "FAILED with code 4711" in second
    assert REPORT[6_000:12_000] in second
    last = prompt_text(model.requests[5])
    assert "page: expected 1 to" in last
    assert "there is no result with this id in this conversation" in last


async def test_a_result_of_another_thread_cannot_be_read(database_url: str) -> None:
    """The id may be known; the thread is not the model's to choose. Proves: UM-10."""
    model = ScriptedModel()
    model.add(calls(("fetch_report", {})), says("It is long."))
    async with open_core(database_url, model, configure(AGENT)) as core:
        await core.ask("what does the report say?")
        [row] = await run_sql(database_url, "SELECT call_id FROM tool_calls")
        model.add(calls(("read_result", {"id": row["call_id"]})), says("No."))
        await core.ask("and here?", session_id=SessionId("web:demo:other"))
    assert "there is no result with this id" in prompt_text(model.requests[-1])


async def test_what_was_said_before_the_window_can_be_found(database_url: str) -> None:
    """The window forgets; the thread does not. Proves: AG-2."""
    model = ScriptedModel(checks_prefix=False)
    async with open_core(database_url, model, configure(build_agent(history_runs=1))) as core:
        for text in ("the password of the printer is hidden in the drawer", "hello", "how are you?"):
            model.add(says("Noted."))
            await core.ask(text)
        model.add(calls(("search_conversation", {"query": "where is the printer's password?"})), says("In the drawer."))
        await core.ask("where was it?")
    assert "Ann · " in prompt_text(model.requests[-1])
    assert "hidden in the drawer" in prompt_text(model.requests[-1])
    assert "hidden in the drawer" not in prompt_text(model.requests[-2])


class Listener:
    """An embedder that notes what it is asked, and to which all is alike."""

    def __init__(self) -> None:
        self.asked: list[Sequence[str]] = []

    async def embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        """The same for all."""
        self.asked.append(texts)
        return [[1.0] for _ in texts]


async def test_the_configured_model_is_asked_by_the_search_of_a_thread(database_url: str) -> None:
    """A key that is read and never used would pass every check of the configuration. Proves: UM-13."""
    model, embedder = ScriptedModel(), Listener()
    model.add(says("Noted."), calls(("search_conversation", {"query": "where is my kite?"})), says("There."))
    async with open_core(database_url, model, replace(configure(build_agent()), embedder=embedder)) as core:
        await core.ask("my kite hangs in the oak")
        await core.ask("where is it?")
    [[question, *texts]] = embedder.asked
    assert question == "where is my kite?"
    assert "my kite hangs in the oak" in texts


async def test_condensed_results_stand_in_the_prompt_and_the_whole_ones_stay(database_url: str) -> None:
    """Also in the history of later runs. Proves: CX-4."""
    model = ScriptedModel(checks_prefix=False)
    rules = ResultRules(condense_after=1)
    condensed = '{"results": [{"number": 1, "text": "row 30000 failed with 4711"}]}'
    model.add(calls(("fetch_report", {})), calls(("fetch_report", {})))
    model.add(says(condensed), says("It failed."), says("4711."))
    agent = build_agent(build_tool(fetch_report), results=rules)
    async with open_core(database_url, model, configure(agent)) as core:
        await core.ask("what does the report say?")
        await core.ask("which code?")
        rows = await run_sql(database_url, "SELECT result, excerpt FROM tool_calls ORDER BY n")
    assert [row["result"] == REPORT for row in rows] == [True, True]
    assert "row 30000 failed with 4711" in rows[0]["excerpt"]
    for request in (model.requests[3], model.requests[4]):
        assert "row 30000 failed with 4711" in prompt_text(request)
        assert prompt_text(request).count("The middle is left out here") == 1
