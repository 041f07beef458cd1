"""Tools and crashes: a call is written down before it runs, and is not made twice by chance."""

import asyncio

import pytest

from agent.calling import OUTCOME_UNKNOWN
from agent.records import RunState
from agent.tasks import TaskState
from agent.tools import build_tool
from tests.support.gateway import build_agent, configure, open_core, run_sql
from tests.support.make import SESSION
from tests.support.model_steps import calls, fails, prompt_text, says
from tests.support.scripted_model import ScriptedModel, build_scripted_claude


class Counter:
    """Two tools that count how often they ran; the second never comes back the first time."""

    def __init__(self) -> None:
        self.looked = 0
        self.ordered = 0
        self.is_ordering = asyncio.Event()

    async def look(self) -> str:
        """Look at something."""
        self.looked += 1
        return "seen"

    async def order(self) -> str:
        """Order something."""
        self.ordered += 1
        self.is_ordering.set()
        if self.ordered == 1:
            await asyncio.Event().wait()
        return "ordered"


@pytest.mark.parametrize("is_repeatable", [False, True])
async def test_a_call_cut_off_by_a_crash_is_made_again_only_where_its_tool_says_that_this_is_safe(
    database_url: str, is_repeatable: bool
) -> None:
    """An order must not be placed twice because a process died. Proves: RE-5, RE-11."""
    counter, model = Counter(), ScriptedModel()
    tools = (
        build_tool(counter.look, is_repeatable=True),
        build_tool(counter.order, is_repeatable=is_repeatable),
    )
    model.add(calls(("look", {}), ("order", {}), text="One moment."))
    model.add(says("Here you are."))
    configuration = configure(build_agent(*tools))
    claude = build_scripted_claude(model)
    async with open_core(database_url, claude, configuration) as core:
        accepted = await core.say("order it")
        async with asyncio.timeout(5):
            await counter.is_ordering.wait()
        rows = await run_sql(database_url, "SELECT name, result FROM tool_calls ORDER BY k")
        assert [(row["name"], row["result"]) for row in rows] == [("look", None), ("order", None)]
    await claude.aclose()
    async with open_core(database_url, model, configuration) as core:
        status = await core.end_of(accepted)
        assert status.text == "One moment.\n\nHere you are."
        assert counter.ordered == (2 if is_repeatable else 1)
        assert (OUTCOME_UNKNOWN in prompt_text(model.requests[-1])) is not is_repeatable
        assert len(model.requests) == 2, "the first model call is not paid twice"
        _, run = (await core.gateway.service.list_runs(SESSION, None, 1))[0]
        assert [call.is_done for call in run.turns[0].tool_calls] == [True, True]


async def test_another_attempt_goes_on_after_the_tools_that_have_run(database_url: str) -> None:
    """A model that is away for a moment costs neither the calls that were made nor the tools that ran. Proves: RE-5."""
    counter, model = Counter(), ScriptedModel()
    model.add(calls(("look", {})))
    model.add(fails(529, "overloaded_error"))
    model.add(says("Seen."))
    async with open_core(database_url, model, configure(build_agent(build_tool(counter.look)))) as core:
        status = await core.ask("look")
        assert (status.state, status.text) == (TaskState.DONE, "Seen.")
        assert counter.looked == 1
        states = await core.states(status.run_id)
        assert states == [RunState.THINKING, RunState.TOOL, RunState.QUEUED, RunState.THINKING, RunState.DONE]
        [(_, run)] = await core.gateway.service.list_runs(SESSION, None, 1)
        assert run.usage.output_tokens > run.turns[0].usage.output_tokens > 0
