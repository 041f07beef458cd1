"""`parley posts`: what operators see of answers that were left, and what they decide."""

import asyncio
import json
from pathlib import Path

import pytest
from pydantic import SecretStr

from gateway.command_errors import CommandError
from gateway.left_posts import NONE, list_left_posts, settle_posts
from gateway.ports import CannotLookError, PostError, PostUnknownError
from gateway.settings import Settings
from memory.database import Database
from tests.gateway.configuring import go_to_bare_place
from tests.memory.test_outbox import DUE, Channel, answer, deliver, state
from tests.support.make import SESSION
from tests.support.serving import run_command


@pytest.fixture
def settings(database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Settings:
    """An operator's environment."""
    go_to_bare_place(monkeypatch, tmp_path)
    return Settings(database_url=SecretStr(database_url))


async def leave_one_unknown(database: Database) -> Channel:
    """A channel that took a post, lost its answer and lets nobody look."""
    channel = Channel(faults=[PostUnknownError()], look_faults=[CannotLookError()])
    await answer(database, "one")
    for _ in range(2):
        await deliver(database, channel).work()
        await database.execute(DUE)
    assert await state(database) == ["unknown"]
    return channel


async def find_key(settings: Settings) -> str:
    """The key of the one that is left."""
    [listed] = json.loads(await asyncio.to_thread(list_left_posts, settings, limit=5, as_json=True))
    return str(listed["post_key"])


async def test_an_answer_nobody_knows_of_is_shown_without_its_words_and_posted_again_when_told(
    settings: Settings, database: Database
) -> None:
    """At most once is the gateway's promise; somebody who has looked may know better. Proves: RE-12."""
    channel = await leave_one_unknown(database)
    line = await asyncio.to_thread(list_left_posts, settings, limit=5, as_json=False)
    key = await find_key(settings)
    assert line.startswith(f"{key}  20")
    assert f"unknown  2 attempts  slack  {SESSION}  an earlier try may stand there" in line
    assert "re: one" not in line
    said = await asyncio.to_thread(settle_posts, settings, [key], is_repost=True)
    assert said == f"{key}  is posted again"
    assert await deliver(database, channel).work()
    assert channel.posts == [("re: one", key)]
    assert await asyncio.to_thread(list_left_posts, settings, limit=5, as_json=False) == NONE


async def test_one_that_somebody_has_seen_is_taken_off_the_list_and_not_posted(
    settings: Settings, database: Database
) -> None:
    """The list is what is still to be looked at. Proves: RE-12."""
    channel = await leave_one_unknown(database)
    key = await find_key(settings)
    await asyncio.to_thread(settle_posts, settings, [key], is_repost=False)
    assert not await deliver(database, channel).work()
    assert await asyncio.to_thread(list_left_posts, settings, limit=5, as_json=False) == NONE
    with pytest.raises(CommandError, match=f"{key}: there is no such answer"):
        await asyncio.to_thread(settle_posts, settings, [key], is_repost=True)


async def test_the_commands_list_and_settle_and_say_what_is_not_there(
    settings: Settings, database: Database, database_url: str
) -> None:
    """What was refused for good is on the same list."""
    await answer(database, "two")
    await deliver(database, Channel(faults=[PostError("is_archived", retry_after_s=None)])).work()
    key = await find_key(settings)
    given = {"DATABASE_URL": database_url}
    code, out, _ = await run_command("posts", "list", **given)
    assert (code, "failed  1 attempts" in out) == (0, True)
    code, _, err = await run_command("posts", "dismiss", key, "msg_none", **given)
    assert (code, "msg_none: there is no such answer" in err) == (1, True)
    assert await state(database) == ["sent"]
