"""The gateway from Python: tasks, people, waiting for answers, and the hooks."""

import asyncio

import pytest

from agent.errors import ConflictError, InputError, UserInvalidError
from agent.ids import SessionId, TaskId, UserId
from agent.records import Message, Run, User
from agent.tasks import Task, TaskState
from gateway.agents import AgentConfig
from gateway.hooks import Hooks
from tests.support.agent_runs import EchoModel, all_text
from tests.support.gateway import Core, build_agent, configure, open_core, run_sql
from tests.support.make import ANN, SESSION
from tests.support.model_steps import Gate, says, says_slowly
from tests.support.scripted_model import ScriptedModel

REMEMBERS: AgentConfig = build_agent(memory_mode="agentic", extract_after_s=3600.0)


async def answer_of(core: Core, prompt: str, user: User | None, **more: str) -> tuple[str | None, UserId | None]:
    """The answer to a task from Python, and whose it was."""
    accepted = await core.gateway.service.create_task(prompt=prompt, user_details=user, **more)  # type: ignore[arg-type]
    status = await core.end_of(accepted)
    return status.text, status.user_id


async def test_a_task_from_python_is_answered_in_a_session_of_its_own(database_url: str) -> None:
    """The smallest use there is. Proves: ID-1, ID-6."""
    async with open_core(database_url, EchoModel()) as core:
        service = core.gateway.service
        ann = User(id=UserId("crm-17"), email="ann@example.org", first_name="Ann", last_name="Lee", timezone="UTC")
        accepted = await service.create_task(prompt="hi", user_details=ann)
        status = await core.end_of(accepted)
        assert (status.text, status.user_id) == ("hi", "crm-17")
        again = await service.create_task(prompt="hi", user_details=ann)
        assert (await core.end_of(again)).session_id != status.session_id
        session = await service.load_session(status.session_id, UserId("crm-17"))
        assert session is not None
        assert session.is_member
        log = await service.load_log(status.session_id, 0, 10)
        assert [entry.author.name for entry in log if isinstance(entry, Message)] == ["Ann Lee", "Assistant"]


async def test_the_same_id_is_the_same_person_and_so_is_the_same_address(database_url: str) -> None:
    """For ever, in every session, after a restart too. Proves: ID-1, ID-2."""
    by_id, by_mail = User(id=UserId("crm-17")), User(email="bob@example.org")
    seen: list[UserId | None] = []
    for _ in range(2):
        async with open_core(database_url, EchoModel()) as core:
            for n in range(2):
                seen += [(await answer_of(core, "hi", user, session_id=f"s{n}"))[1] for user in (by_id, by_mail)]
    assert set(seen[0::2]) == {UserId("crm-17")}
    assert len(set(seen[1::2])) == 1
    assert seen[1] not in {None, "", "crm-17", "bob@example.org"}


async def test_who_gives_neither_id_nor_address_is_told_what_is_missing() -> None:
    """Proves: ID-1."""
    with pytest.raises(UserInvalidError, match="an id or an email"):
        User(first_name="Ann")


@pytest.mark.parametrize("agent", [build_agent(), REMEMBERS], ids=["memories off", "memories on"])
async def test_a_task_that_nobody_gave_is_answered_and_nothing_is_remembered(
    database_url: str, agent: AgentConfig
) -> None:
    """Proves: ID-5."""
    model = EchoModel()
    async with open_core(database_url, model, configure(agent)) as core:
        assert await answer_of(core, "I like tea", None) == ("I like tea", None)
        assert "⟦memory⟧" not in all_text(model.requests[-1])
    assert await run_sql(database_url, "SELECT FROM jobs") == []
    assert await run_sql(database_url, "SELECT FROM users") == []


async def test_the_same_key_is_the_same_task_and_another_text_under_it_a_conflict(database_url: str) -> None:
    """A program that lost the answer asks again."""
    async with open_core(database_url, EchoModel()) as core:
        create = core.gateway.service.create_task
        first = await create(prompt="hi", session_id="s", idempotency_key="k")
        again = await create(prompt="hi", session_id="s", idempotency_key="k")
        assert (again.task_id, again.is_duplicate, first.is_duplicate) == (first.task_id, True, False)
        with pytest.raises(ConflictError):
            await create(prompt="ho", session_id="s", idempotency_key="k")
        await core.end_of(first)
        assert await core.talk(SessionId("s")) == ["Somebody: hi", "Assistant: hi"]


async def test_texts_that_no_store_takes_are_taken(database_url: str) -> None:
    """A prompt may come from anywhere."""
    async with open_core(database_url, EchoModel()) as core:
        odd = User(id=UserId("u"), first_name="A\x00\ud800", additional_attributes={"\x00": ["\udfff", float("nan")]})
        assert (await answer_of(core, "a\x00b\ud800", odd))[0] == "a\ufffdb\ufffd"


async def test_an_agent_that_there_is_not_is_refused_by_name(database_url: str) -> None:
    """Before anything is stored."""
    async with open_core(database_url, EchoModel()) as core:
        with pytest.raises(InputError, match="expected one of assistant"):
            await core.gateway.service.create_task(prompt="hi", agent="nobody")


async def test_waiting_ends_with_the_answer_or_with_the_time_and_for_nothing_at_once(database_url: str) -> None:
    """A caller never waits longer than they said."""
    gate, model = Gate(), ScriptedModel()
    model.add(says_slowly(["Done."], gate))
    async with open_core(database_url, model) as core:
        wait = core.gateway.service.wait_for_task
        accepted = await core.say("hi")
        async with asyncio.timeout(8):
            status = await wait(accepted.task_id, 0.05)
            assert status is not None
            assert (status.state, status.text) == (TaskState.RUNNING, None)
            assert await wait(TaskId("task_nothing"), 100) is None
            waiting = asyncio.gather(*(wait(accepted.task_id, 100) for _ in range(3)))
            gate.open()
            assert [one.text for one in await waiting if one] == ["Done."] * 3
            status = await wait(accepted.task_id, 100)
            assert status is not None
            assert status.text == "Done."


async def test_who_waits_in_a_lively_session_does_not_ask_the_database_without_end(database_url: str) -> None:
    """Whoever fell behind reading has to start over, and must not spin."""
    gate, model = Gate(), ScriptedModel()
    model.add(says_slowly(["Done."], gate))
    async with open_core(database_url, model) as core:
        service = core.gateway.service
        accepted = await core.say("hi")
        asked = 0
        load = service.load_task

        async def count(task_id: TaskId) -> object:
            nonlocal asked
            asked += 1
            return await load(task_id)

        service.load_task = count  # type: ignore[assignment]
        waiting = asyncio.create_task(service.wait_for_task(accepted.task_id, 100))
        async with asyncio.timeout(5):
            while not asked:
                await run_sql(database_url, "SELECT 1")
        note = (await core.log())[-1]
        for _ in range(100):
            core.gateway.dispatcher._hub.publish(SESSION, [note])
        for _ in range(20):
            await run_sql(database_url, "SELECT 1")
        assert asked < 6
        gate.open()
        async with asyncio.timeout(8):
            status = await waiting
        assert status is not None
        assert status.text == "Done."


class Seen:
    """Hooks that write down what they see."""

    def __init__(self, fault: Exception | None = None) -> None:
        self.calls: list[str] = []
        self.fault = fault

    def tell(self, line: str) -> None:
        """Write down, then fail if that is asked for."""
        self.calls.append(line)
        if self.fault:
            raise self.fault

    async def boot_later(self) -> None:
        """An async hook."""
        self.tell("boot")

    async def task_later(self, task: Task) -> None:
        """An async hook."""
        self.tell(f"task of {task.user.display_name if task.user else 'nobody'}: {task.prompt}, try {task.attempt}")

    async def finished_later(self, task: Task, run: Run) -> None:
        """An async hook."""
        self.tell(f"finished {task.run_id == run.run_id}: {run.text} {run.state}")

    def boot(self) -> None:
        """A plain hook."""
        self.tell("boot")

    def task(self, task: Task) -> None:
        """A plain hook."""
        self.tell(f"task of {task.user.display_name if task.user else 'nobody'}: {task.prompt}, try {task.attempt}")

    def finished(self, task: Task, run: Run) -> None:
        """A plain hook."""
        self.tell(f"finished {task.run_id == run.run_id}: {run.text} {run.state}")


@pytest.mark.parametrize("fault", [None, ValueError("the hook's own")], ids=["well", "raising"])
@pytest.mark.parametrize("is_async", [True, False], ids=["async", "plain"])
async def test_hooks_see_the_start_every_task_with_its_user_and_every_end(
    database_url: str, fault: Exception | None, is_async: bool
) -> None:
    """One that fails costs nobody an answer. Proves: AG-3."""
    seen = Seen(fault)
    hooks = (
        Hooks(on_boot=seen.boot_later, on_task=seen.task_later, on_run_finished=seen.finished_later)
        if is_async
        else Hooks(on_boot=seen.boot, on_task=seen.task, on_run_finished=seen.finished)
    )
    model = ScriptedModel()
    model.add(says("Hello."), says("Anybody there?"))
    async with open_core(database_url, model, configure(hooks=hooks)) as core:
        assert seen.calls == ["boot"]
        await core.ask("hi", user=ANN)
        await core.ask("ho", user=None)
        await core.gateway.drain(5)
    assert seen.calls == [
        "boot",
        "task of Ann: hi, try 1",
        "finished True: Hello. done",
        "task of nobody: ho, try 1",
        "finished True: Anybody there? done",
    ]
