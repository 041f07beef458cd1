"""Deploys, kills, partitions and a database that is away: every accepted message is answered, and answered once."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TypeVar

import pytest

from adapters.deadlines import TOLD_S
from agent.errors import StoreUnavailableError
from agent.ids import SessionId
from agent.records import Message, RunState
from agent.tasks import TaskState
from memory.task_records import Claim, Finish, Intake, Outcome
from memory.tasks import Tasks
from tests.support.agent_runs import EchoModel
from tests.support.gateway import Core, configure, open_core, run_sql
from tests.support.make import ANN, BOB, SESSION
from tests.support.model_steps import Gate, says, says_slowly
from tests.support.pg_proxy import PgProxy, open_proxy
from tests.support.scripted_model import ScriptedModel

T = TypeVar("T")
LET_DIE = "UPDATE workers SET beat = beat - interval '1 hour'"
"""Time goes by."""
IS_WHOLE = """
SELECT EXISTS (SELECT FROM watchers) AND EXISTS (
    SELECT FROM pg_locks k JOIN workers w ON k.objid = (w.lock_key % 2147483648)::oid
    WHERE k.locktype = 'advisory' AND k.classid = 7261
      AND k.database = (SELECT oid FROM pg_database WHERE datname = current_database())
)
"""
"""Others know what is watched in this process, and that it lives."""


@pytest.fixture
def quick_beats(monkeypatch: pytest.MonkeyPatch) -> None:
    """Housekeeping is done twenty times a second."""
    monkeypatch.setattr("gateway.housekeeping.BEAT_S", 0.05)


@pytest.fixture
async def wire(database_url: str) -> AsyncIterator[PgProxy]:
    """A wire to the database."""
    async with open_proxy(database_url) as proxy:
        yield proxy


@asynccontextmanager
async def open_doomed(wire: PgProxy, model: ScriptedModel | EchoModel) -> AsyncIterator[Core]:
    """A gateway that never gets to say goodbye: at the end its wire is cut."""
    with suppress(StoreUnavailableError, ExceptionGroup):
        async with open_core(wire.url, model) as core:
            yield core
            wire.cut()


async def answers(core: Core, session_id: SessionId = SESSION) -> list[str]:
    """What the agent said in a session."""
    log = await core.log(session_id)
    return [entry.text for entry in log if isinstance(entry, Message) and entry.role == "assistant"]


async def test_a_deploy_hands_running_and_waiting_tasks_over_without_burning_an_attempt(database_url: str) -> None:
    """A restart is not the task's fault. Proves: RE-9."""
    gate, model = Gate(), ScriptedModel()
    model.add(says_slowly(["Half ", "never"], gate))
    async with open_core(database_url, model) as core:
        running = await core.say("one")
        waiting = await core.say("two", user=BOB)
        async with asyncio.timeout(5):
            await gate.reached.wait()
        await core.gateway.drain(0)
        assert (await core.say("three", user=BOB)).seq > waiting.seq, "what comes now is kept for the next"
        assert (await core.states(running.run_id))[-1] is RunState.QUEUED
    async with open_core(database_url, EchoModel()) as core:
        ended = [await core.end_of(one) for one in (running, waiting)]
        assert [(status.text, status.attempts) for status in ended] == [("one", 1), ("two + three", 1)]
        assert await answers(core) == ["one", "two + three"]


async def test_a_turn_that_ends_in_time_is_not_cut_by_a_deploy(database_url: str) -> None:
    """Most answers take less than a deploy waits. Proves: RE-9."""
    gate, model = Gate(), ScriptedModel()
    model.add(says_slowly(["All of it."], gate))
    async with open_core(database_url, model) as core:
        accepted = await core.say("one")
        async with asyncio.timeout(8):
            await gate.reached.wait()
            leaving = asyncio.create_task(core.gateway.drain(5))
            gate.open()
            await leaving
        assert (await core.end_of(accepted)).text == "All of it."
        assert core.gateway.dispatcher.active_sessions == []


async def test_what_a_killed_process_worked_on_is_answered_once_by_the_next(database_url: str, wire: PgProxy) -> None:
    """Nothing that was acked is lost. Proves: RE-5."""
    gate, model = Gate(), ScriptedModel()
    model.add(says_slowly(["Half ", "never"], gate))
    async with open_doomed(wire, model) as core:
        running = await core.say("one")
        waiting = await core.say("two", user=BOB)
        async with asyncio.timeout(5):
            await gate.reached.wait()
    await run_sql(database_url, LET_DIE)
    async with open_core(database_url, EchoModel()) as core:
        ended = [await core.end_of(one) for one in (running, waiting)]
        assert [(status.text, status.attempts) for status in ended] == [("one", 2), ("two", 1)]
        assert await answers(core) == ["one", "two"]


async def test_a_process_that_was_cut_off_and_comes_back_does_not_answer_again(
    database_url: str, wire: PgProxy, quick_beats: None
) -> None:
    """A paused process is worse than a dead one. Proves: RE-5, RE-8."""
    gate, model = Gate(), ScriptedModel(checks_prefix=False)
    model.add(says_slowly(["Mine."], gate), says("Alive."))
    async with open_core(wire.url, model) as first, open_core(database_url, EchoModel()) as second:
        accepted = await first.say("one")
        async with asyncio.timeout(5):
            await gate.reached.wait()
        wire.cut()
        await run_sql(database_url, LET_DIE)
        assert (await second.end_of(accepted)).text == "one"
        wire.mend()
        gate.open()
        async with asyncio.timeout(10):
            while first.gateway.dispatcher.active_sessions:
                await run_sql(database_url, "SELECT 1")
        assert await answers(second) == ["one"]
        assert (await first.ask("alive?", session_id=SessionId("web:demo:other"))).text in {"Alive.", "alive?"}
        model._steps.clear()


async def test_a_process_that_was_declared_dead_is_known_anew_with_its_lock_and_all_that_is_watched_in_it(
    database_url: str, quick_beats: None
) -> None:
    """It goes on as if nothing had been, and the next short silence must not be taken for its death. Proves: RE-8."""
    await run_sql(database_url, "INSERT INTO workers (worker_id, beat) VALUES ('another', now() + interval '1 hour')")
    async with open_core(database_url, EchoModel()) as core, core.gateway.service.follow(SESSION, 0):
        for _ in range(2):
            async with asyncio.timeout(5):
                while not (await run_sql(database_url, IS_WHOLE))[0][0]:
                    pass
            await run_sql(database_url, "DELETE FROM watchers")
            await run_sql(database_url, "DELETE FROM workers WHERE worker_id <> 'another'")


async def test_a_process_that_wakes_first_from_a_silence_of_all_leaves_the_others_their_work(
    database_url: str, wire: PgProxy, quick_beats: None
) -> None:
    """A run that goes on elsewhere must not start anew because the database stood still. Proves: RE-8."""
    late = "SELECT FROM workers WHERE worker_id <> 'slow' AND beat < now() - interval '3 seconds'"
    is_known = "SELECT FROM workers WHERE worker_id = 'slow'"
    async with open_core(wire.url, EchoModel(), lease_s=4.0) as core:
        await core.ask("one")
        wire.stall()
        async with asyncio.timeout(20):
            while not await run_sql(database_url, late):
                pass
        await run_sql(database_url, "INSERT INTO workers (worker_id, beat) VALUES ('slow', now() - interval '5 s')")
        mended_at_s = time.monotonic()
        wire.mend()
        async with asyncio.timeout(30):
            while await run_sql(database_url, is_known):
                await core.ask("and on")
        assert time.monotonic() - mended_at_s >= 4.0, "it has a whole lease to say that it is there"


class Forgetful:
    """The store behind a wire that loses one answer after the commit."""

    def __init__(self, tasks: Tasks, *names: str) -> None:
        self._tasks = tasks
        self._names = set(names)

    def __getattr__(self, name: str) -> object:
        return getattr(self._tasks, name)

    async def accept(self, *arguments: object, **more: object) -> Intake:
        """Commits, and loses the answer."""
        return self._lose("accept", await self._tasks.accept(*arguments, **more))  # type: ignore[arg-type]

    async def start(self, claim: Claim) -> object:
        """Commits, and loses the answer."""
        return self._lose("start", await self._tasks.start(claim))

    async def finish(self, claim: Claim, outcome: Outcome, *, may_keep: bool) -> Finish:
        """Commits, and loses the answer."""
        return self._lose("finish", await self._tasks.finish(claim, outcome, may_keep=may_keep))

    def _lose(self, name: str, result: T) -> T:
        if name in self._names:
            self._names.discard(name)
            raise StoreUnavailableError("the answer was lost")
        return result


def lose_answer(core: Core, name: str) -> None:
    """The next such statement commits, and nobody is told."""
    dispatcher = core.gateway.dispatcher
    dispatcher._tasks = Forgetful(dispatcher._tasks, name)  # type: ignore[assignment]
    dispatcher._intake = Forgetful(dispatcher._intake, name)  # type: ignore[assignment]


async def test_a_message_whose_commit_was_not_heard_of_is_answered_once_although_it_is_sent_again(
    database_url: str, quick_beats: None
) -> None:
    """Its sender was told to send it again, and its lease is held by a process that does not know. Proves: RE-5."""
    async with open_core(database_url, EchoModel()) as core:
        lose_answer(core, "accept")
        with pytest.raises(StoreUnavailableError):
            await core.say("one", key="k")
        again = await core.say("one", key="k")
        assert again.is_duplicate
        status = await core.end_of(again)
        assert (status.text, status.attempts) == ("one", 1)
        assert await core.talk() == ["Ann: one", "Assistant: one"]


async def test_a_run_whose_start_was_not_heard_of_starts_again(database_url: str, quick_beats: None) -> None:
    """And the burst that was merged into it stays merged. Proves: RE-5."""
    model = EchoModel()
    model.may_answer.clear()
    async with open_core(database_url, model) as core:
        first = await core.say("zero")
        burst = [await core.say(text) for text in ("one", "two")]
        lose_answer(core, "start")
        model.may_answer.set()
        assert [(await core.end_of(one)).text for one in (first, *burst)] == ["zero", "one + two", "one + two"]
        assert await answers(core) == ["zero", "one + two"]
        for one in burst:
            assert (await core.states(one.run_id))[-1] is RunState.DONE


async def test_an_end_whose_commit_was_not_heard_of_is_shown_to_who_watches_and_the_thread_goes_on(
    database_url: str, quick_beats: None
) -> None:
    """Nobody may sit before half an answer that is whole in the database. Proves: RE-5."""
    model = EchoModel()
    model.may_answer.clear()
    async with open_core(database_url, model) as core:
        await core.say("one")
        await model.wait_until_running(1)
        async with core.gateway.service.follow(SESSION, 0) as events, asyncio.timeout(10):
            lose_answer(core, "finish")
            model.may_answer.set()
            async for event in events:
                if isinstance(event, Message) and event.role == "assistant":
                    break
        assert (await core.ask("two", user=BOB)).text == "two"
        assert await answers(core) == ["one", "two"]


async def test_while_the_database_is_away_nothing_is_accepted_and_nobody_waits_long(
    database_url: str, wire: PgProxy
) -> None:
    """No commit, no ack: the sender is told in under two seconds, and sends again. Proves: RE-14."""
    async with open_core(wire.url, EchoModel()) as core:
        assert (await core.ask("one")).text == "one"
        wire.cut()
        async with asyncio.timeout(2):
            with pytest.raises(StoreUnavailableError):
                await core.say("two", key="k")
        wire.mend()
        async with asyncio.timeout(10):
            while True:
                with suppress(StoreUnavailableError):
                    assert (await core.ask("two", key="k")).text == "two"
                    break
        assert await core.talk() == ["Ann: one", "Assistant: one", "Ann: two", "Assistant: two"]


async def test_while_the_database_stalls_every_sender_is_told_in_time(
    database_url: str, wire: PgProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also the tenth of one thread, who waits behind the others, and one who was never seen before.

    Proves: RE-14.
    """
    async with open_core(wire.url, EchoModel()) as core:
        await core.ask("one")
        monkeypatch.setattr("adapters.deadlines.TOLD_S", TOLD_S)
        wire.stall()
        async with asyncio.timeout(3):
            told = await asyncio.gather(
                *(core.say(f"m{n}", user=(ANN, BOB)[n % 2]) for n in range(10)), return_exceptions=True
            )
        assert {type(one) for one in told} == {StoreUnavailableError}
        wire.mend()


async def test_an_answer_that_was_being_written_while_the_database_went_away_is_kept_and_stored(
    database_url: str, wire: PgProxy
) -> None:
    """The model was paid for it."""
    gate, model = Gate(), ScriptedModel()
    model.add(says_slowly(["Kept."], gate))
    async with open_core(wire.url, model) as core:
        accepted = await core.say("one")
        async with asyncio.timeout(5):
            await gate.reached.wait()
        wire.cut()
        gate.open()
        async with asyncio.timeout(5), core.gateway.service.follow(SESSION, 0) as events:
            with suppress(StoreUnavailableError):
                await anext(events)
        wire.mend()
        async with asyncio.timeout(10):
            status = None
            while status is None or status.finished_at is None:
                with suppress(StoreUnavailableError):
                    status = await core.gateway.service.wait_for_task(accepted.task_id, 5)
        assert (status.state, status.text, status.attempts) == (TaskState.DONE, "Kept.", 1)
        assert await answers(core) == ["Kept."]


async def test_two_processes_on_one_database_share_the_threads_and_answer_each_message_once(database_url: str) -> None:
    """People of one thread are spread over processes. Proves: RE-5."""
    model = EchoModel()
    async with open_core(database_url, model) as one, open_core(database_url, model, configure()) as other:
        places = [SessionId(f"web:demo:{n}") for n in range(5)]
        accepted = await asyncio.gather(
            *(
                (one, other)[n % 2].say(f"m{n}", user=(ANN, BOB)[n // 5 % 2], session_id=places[n % 5])
                for n in range(60)
            )
        )
        ended = await asyncio.gather(*((other, one)[n % 2].end_of(a) for n, a in enumerate(accepted)))
        assert {status.state for status in ended} == {TaskState.DONE}
        said = Counter([part for p in places for text in await answers(one, p) for part in text.split(" + ")])
        assert said == Counter(f"m{n}" for n in range(60))
