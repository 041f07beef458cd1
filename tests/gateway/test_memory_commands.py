"""`parley memories`: what operators see of memories, and how they write, forget and carry them about."""

import asyncio
import json
import stat
from pathlib import Path

import pytest
from pydantic import SecretStr

from agent.memories import MemoryDraft, SearchMethod
from gateway import memory_commands as commands
from gateway.memory_commands import Action, MemoryCommandError, run_action
from gateway.settings import Settings
from memory.database import Database
from memory.users import Users
from tests.gateway.configuring import go_to_bare_place
from tests.support.make import ANN, BOB
from tests.support.serving import run_command

WHO, OTHER = ANN.id, BOB.id


class Operator:
    """Somebody at a terminal."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def do(self, action: Action, *, needs_model: bool = False) -> str:
        """What is printed."""
        return await asyncio.to_thread(run_action, self._settings, action, needs_model=needs_model)

    async def add(self, text: str, **more: object) -> str:
        """Remember something of Ann; its id."""
        said = await self.do(commands.add(WHO, MemoryDraft(memory=text, **more)))  # type: ignore[arg-type]
        return said.split()[0]

    async def list(self, user_id: str = WHO) -> str:
        """What is remembered."""
        return await self.do(commands.list_page(user_id, topics=(), page=1, limit=50, as_json=False))


@pytest.fixture
async def operator(database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Operator:
    """At a database that knows Ann and Bob."""
    go_to_bare_place(monkeypatch, tmp_path)
    for user in (ANN, BOB):
        await Users(database).save(user)
    return Operator(Settings(database_url=SecretStr(database_url)))


async def test_an_operator_writes_finds_reads_and_forgets(operator: Operator) -> None:
    """Proves: UM-4, UM-6."""
    assert await operator.list() == "Nothing is remembered."
    home = await operator.add("lives in Berlin", slot="home_city", topics=("home",))
    tea = await operator.add("likes tea", visibility="thread")
    listed = (await operator.list()).splitlines()
    assert listed[0].endswith("likes tea  (thread)")
    assert listed[1].endswith("lives in Berlin  (private, home_city, #home)")
    assert listed[2] == "page 1 of 1, 2 in all"
    shown = await operator.do(commands.show(WHO, home, as_json=False))
    assert "home_city" in shown
    assert json.loads(await operator.do(commands.show(WHO, tea, as_json=True)))["memory"] == "likes tea"
    search = commands.search(WHO, "tea", method=SearchMethod.RELEVANCE, limit=5, as_json=False)
    assert (await operator.do(search)).startswith(tea)
    assert await operator.do(commands.list_topics(WHO)) == "     1  home"
    assert json.loads(await operator.do(commands.show_stats(WHO, as_json=True)))["total"] == 2
    assert await operator.do(commands.delete(WHO, [tea, "none"])) == "1 forgotten, with 0 older versions"
    with pytest.raises(MemoryCommandError, match="none of these"):
        await operator.do(commands.delete(WHO, [tea]))
    assert await operator.do(commands.clear(WHO)) == "1 forgotten, with 0 older versions"


async def test_memories_are_carried_from_one_person_to_another_in_a_file_of_its_owners(
    operator: Operator, tmp_path: Path
) -> None:
    """Proves: UM-6."""
    await operator.add("likes tea")
    file = tmp_path / "ann.json"
    await operator.do(commands.export_to(WHO, file, with_replaced=True))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with pytest.raises(MemoryCommandError, match="cannot be written"):
        await operator.do(commands.export_to(WHO, file, with_replaced=True))
    with pytest.raises(MemoryCommandError, match="memory_id"):
        await operator.do(commands.import_from(OTHER, file, with_new_ids=False))
    said = await operator.do(commands.import_from(OTHER, file, with_new_ids=True))
    assert said == "1 added, 0 replaced, 0 skipped"
    assert "likes tea" in await operator.list(OTHER)
    file.write_text("[")
    with pytest.raises(MemoryCommandError, match="JSON"):
        await operator.do(commands.import_from(OTHER, file, with_new_ids=False))


async def test_the_demo_model_is_asked_where_a_model_is_needed(operator: Operator) -> None:
    """It merges nothing, and says so; without a model there is nothing to ask. Proves: UM-7."""
    for text in ("likes tea", "likes milk"):
        await operator.add(text)
    said = await operator.do(commands.optimize(WHO, is_dry=False), needs_model=True)
    assert said == "2 -> 2 memories, 7 -> 7 tokens"
    with pytest.raises(MemoryCommandError, match="no model"):
        await operator.do(commands.optimize(WHO, is_dry=True))
    with pytest.raises(MemoryCommandError, match="no optimization"):
        await operator.do(commands.undo(WHO, None))


async def test_what_is_wrong_is_one_line_and_names_what(operator: Operator) -> None:
    """Proves: UM-6, UM-12."""
    for action, words in (
        (commands.add(WHO, MemoryDraft(memory="pays with 4111 1111 1111 1111")), "memory: expected no password"),
        (commands.add("nobody", MemoryDraft(memory="likes tea")), "user_id: there is no such user"),
        (commands.show(WHO, "mem_0", as_json=False), "memory_id: there is no such memory"),
    ):
        with pytest.raises(MemoryCommandError, match=words):
            await operator.do(action)


async def test_the_command_itself_writes_and_lists(operator: Operator, database_url: str) -> None:
    """As it is typed. Proves: UM-6."""
    environment = {"DATABASE_URL": database_url}
    code, out, err = await run_command("memories", "add", WHO, "likes tea", "--topic", "drinks", **environment)
    assert (code, err) == (0, "")
    assert out.rstrip().endswith("likes tea  (private, #drinks)")
    code, out, err = await run_command("memories", "list", "nobody", **environment)
    assert (code, out, err) == (1, "", "parley: user_id: there is no such user here\n")
