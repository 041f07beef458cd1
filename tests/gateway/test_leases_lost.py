"""A process that loses a lease and takes it again itself: its former worker must not get in the way of the next."""

import asyncio

from agent.records import Message
from tests.support.gateway import open_core, run_sql
from tests.support.make import SESSION
from tests.support.model_steps import Gate, says, says_slowly
from tests.support.scripted_model import ScriptedModel

TAKE_AWAY = """
WITH freed AS (UPDATE session_leases SET owner = NULL, epoch = epoch + 1, ready_at = now() RETURNING session_id)
UPDATE tasks t SET state = 'queued', run_at = now() FROM freed
WHERE t.session_id = freed.session_id AND t.state = 'running'
"""
"""What another process does with the leases of one that it takes for dead."""


async def test_a_session_that_comes_back_to_the_process_that_lost_it_is_answered_once(database_url: str) -> None:
    """Two workers on one session would end each other's runs, and leave a lease that nobody works on.

    Proves: RE-8.
    """
    gate, model = Gate(), ScriptedModel(checks_prefix=False)
    model.add(says_slowly(["Never ", "said."], gate), says("Said once."), says("And on."))
    async with open_core(database_url, model) as core:
        accepted = await core.say("one")
        async with asyncio.timeout(5):
            await gate.reached.wait()
        await run_sql(database_url, TAKE_AWAY)
        assert (await core.end_of(accepted)).text == "Said once."
        async with asyncio.timeout(5):
            await model.abandoned.wait()
        gate.open()
        assert (await core.ask("two")).text == "And on."
        log = await core.log()
        assert [e.text for e in log if isinstance(e, Message) and e.role == "assistant"] == ["Said once.", "And on."]


async def test_a_run_that_a_dying_worker_began_in_a_free_session_is_found(database_url: str) -> None:
    """A worker that wakes up while it is declared dead may begin the next task just after the running one was freed."""
    async with open_core(database_url, ScriptedModel()) as core:
        await core.gateway.drain(0)
        accepted = await core.say("one")
    await run_sql(database_url, "UPDATE tasks SET state = 'running', attempts = 1 WHERE session_id = $1", SESSION)
    model = ScriptedModel()
    model.add(says("Found."))
    async with open_core(database_url, model) as core:
        status = await core.end_of(accepted)
        assert (status.text, status.attempts) == ("Found.", 2)


async def test_what_a_process_could_not_hand_back_is_free_when_it_is_gone_without_an_attempt(database_url: str) -> None:
    """A lease that nobody knew of, as after a commit whose answer was lost, must not wait for the next recovery."""
    model = ScriptedModel()
    async with open_core(database_url, model) as core:
        await core.gateway.drain(0)
        await core.say("one")
        owner = core.gateway.service._tasks.worker_id
        await run_sql(database_url, "UPDATE session_leases SET owner = $1", owner)
        await run_sql(database_url, "UPDATE tasks SET state = 'running', attempts = 1")
    [row] = await run_sql(
        database_url, "SELECT owner, state, attempts FROM session_leases JOIN tasks USING (session_id)"
    )
    assert tuple(row) == (None, "queued", 0)
