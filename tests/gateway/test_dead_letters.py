"""`parley dead-letters`: what operators see of messages that were given up, and how they let them be tried again."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from pydantic import SecretStr

from agent.records import RunState
from agent.tasks import TaskState
from gateway.command_errors import CommandError
from gateway.dead_letters import DeadLetterError, list_dead_letters, replay_dead_letters, show_dead_letter
from gateway.settings import Settings
from tests.gateway.configuring import go_to_bare_place
from tests.support.gateway import Core, open_core
from tests.support.make import ANN, BOB
from tests.support.model_steps import fails, last_text_has, says
from tests.support.scripted_model import ScriptedModel
from tests.support.serving import run_command

WORDS = "my order\x1b[2J is late"


@pytest.fixture
def settings(database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Settings:
    """An operator's environment."""
    go_to_bare_place(monkeypatch, tmp_path)
    return Settings(database_url=SecretStr(database_url))


@asynccontextmanager
async def gateway_with_a_dead_letter(database_url: str) -> AsyncIterator[tuple[Core, str]]:
    """A running gateway whose model failed three times and is well again, and the id of the task that was given up."""
    model = ScriptedModel()
    model.add(*(fails(529, "overloaded_error", "busy") for _ in range(3)), says("It is on its way."))
    async with open_core(database_url, model) as core:
        accepted = await core.say(WORDS)
        assert (await core.end_of(accepted)).state is TaskState.DEAD
        yield core, accepted.task_id


async def test_a_replayed_message_is_answered_by_the_gateway_that_runs(settings: Settings, database_url: str) -> None:
    """At once, and once, however often it was asked for; people keep what they were told. Proves: RE-10."""
    async with gateway_with_a_dead_letter(database_url) as (core, task_id):
        said, unknown = await asyncio.to_thread(replay_dead_letters, settings, [task_id, "task_none"], as_json=False)
        assert (said, unknown) == (f"{task_id}  waits for another try", ["task_none"])
        again, _ = await asyncio.to_thread(replay_dead_letters, settings, [task_id], as_json=True)
        assert json.loads(again) == {task_id: "not_dead"}
        note = await core.wait_for_note(RunState.DONE)
        assert note.run_id == "run_" + task_id.removeprefix("task_")
        assert (await core.talk())[-1] == "Assistant: It is on its way."
        assert len(await core.talk()) == 3
        nothing = await asyncio.to_thread(replay_dead_letters, settings, None, as_json=False)
        assert nothing == ("There are no dead letters.", [])


async def test_what_was_said_is_shown_on_request_only_and_cannot_steer_the_terminal(
    settings: Settings, database_url: str
) -> None:
    """To read people's words is a decision; to be fooled by them is not."""
    async with gateway_with_a_dead_letter(database_url) as (core, task_id):
        listed = await asyncio.to_thread(list_dead_letters, settings, limit=5, as_json=False)
        assert listed.startswith(f"{task_id}  20")
        assert "3 attempts" in listed
        assert "order" not in listed
        shown = await asyncio.to_thread(show_dead_letter, settings, task_id, as_json=False)
        assert "my order�[2J is late" in shown
        assert "ModelUnavailableError: " in shown
        with pytest.raises(DeadLetterError, match="there is no dead letter task_none"):
            await asyncio.to_thread(show_dead_letter, settings, "task_none", as_json=False)
        [row] = json.loads(await asyncio.to_thread(list_dead_letters, settings, limit=5, as_json=True))
        assert (row["task_id"], row["user_id"], row["attempts"]) == (task_id, ANN.id, 3)
        opened = json.loads(await asyncio.to_thread(show_dead_letter, settings, task_id, as_json=True))
        assert opened["messages"][0] | {"at": ""} == {"author": "Ann", "text": WORDS, "at": ""}
        await asyncio.to_thread(replay_dead_letters, settings, [task_id], as_json=False)
        await core.wait_for_note(RunState.DONE)


async def test_all_are_replayed_at_once(settings: Settings, database_url: str) -> None:
    """After an outage there may be hundreds."""
    model = ScriptedModel()
    for word in ("one", "two"):
        model.add(*(fails(529, "overloaded_error", "busy") for _ in range(3)), when=last_text_has(word))
    for word in ("one", "two"):
        model.add(says(f"To {word}."), when=last_text_has(word), may_move=True)  # back at its old place
    async with open_core(database_url, model) as core:
        dead = []
        for word, user in (("one", ANN), ("two", BOB)):
            dead.append(await core.say(word, user=user))
            assert (await core.end_of(dead[-1])).state is TaskState.DEAD
        said, _ = await asyncio.to_thread(replay_dead_letters, settings, None, as_json=True)
        assert json.loads(said) == {accepted.task_id: "queued" for accepted in dead}
        for accepted in dead:
            await core.wait_for_note(RunState.DONE, run_id=accepted.run_id)
        assert set(await core.talk()) >= {"Assistant: To one.", "Assistant: To two."}


async def test_the_commands_say_what_is_wrong_in_one_line(database_url: str) -> None:
    """Code 1 for an id that is not there, 2 for a command line that says nothing."""
    given = {"DATABASE_URL": database_url}
    unknown = "parley: there is no dead letter task_none\n"
    assert await run_command("dead-letters", "show", "task_none", **given) == (1, "", unknown)
    assert await run_command("dead-letters", "replay", "task_none", **given) == (1, "", unknown)
    code, out, err = await run_command("dead-letters", "replay", **given)
    assert (code, out) == (2, "")
    assert "Error: name the dead letters to try again, or use --all" in err


async def test_a_database_that_is_not_fit_is_one_line(postgres_url: str, tmp_path: Path) -> None:
    """It is neither made nor changed."""
    for given, line in (
        ({"database_url": SecretStr(postgres_url)}, "the database lacks 0001_"),
        ({"data_dir": tmp_path / "gone"}, "there is no database in "),
    ):
        with pytest.raises(CommandError, match=line):
            await asyncio.to_thread(list_dead_letters, Settings(**given), limit=5, as_json=False)
    assert not (tmp_path / "gone").exists()
