"""`parley memories`: what each command does, and what it shows. Each gives what is to be printed."""

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TypeAlias

from agent.errors import InputError, ModelError
from agent.ids import MemoryId, UserId
from agent.memories import Forgotten, MemoryDraft, SearchMethod
from agent.ports import Model
from agent.records import JsonValue, UserMemory
from gateway.address import StoreAddress
from gateway.chat_screen import plain
from gateway.command_errors import CommandError
from gateway.dead_letters import render_json
from gateway.memories import UserMemories
from gateway.reach import open_database, reach_store
from gateway.settings import Settings
from memory.database import Database
from memory.memories import Memories
from memory.memory_optimizations import MemoryOptimizations
from memory.memory_records import MemoryRecords

Action: TypeAlias = Callable[[UserMemories], Awaitable[str]]


class MemoryCommandError(CommandError):
    """The command cannot do what it should. The text is for the person at the terminal."""


def run_action(settings: Settings, action: Action, *, needs_model: bool = False) -> str:
    """Do something with the memories. Raises `CommandError` and `StoreUnavailableError`."""
    with reach_store(settings) as address:
        try:
            return asyncio.run(_run(settings, address, action, needs_model=needs_model))
        except InputError as error:
            raise MemoryCommandError(str(error) or error.sentence) from error
        except ModelError as error:
            raise MemoryCommandError(error.sentence) from error


async def _run(settings: Settings, address: StoreAddress, action: Action, *, needs_model: bool) -> str:
    async with (
        open_database(address) as database,
        _open_memories(settings, database, needs_model=needs_model) as memories,
    ):
        return await action(memories)


@asynccontextmanager
async def _open_memories(
    settings: Settings, database: Database, *, needs_model: bool
) -> AsyncGenerator[UserMemories, None]:
    stores = (MemoryRecords(database), Memories(database), MemoryOptimizations(database))
    if not needs_model:
        yield UserMemories(*stores, None, "")
        return
    from gateway.config import load_configuration
    from gateway.server import build_model

    configuration, model = build_model(settings, load_configuration(settings))

    async def find_model(user_id: UserId) -> Model:
        return model

    try:
        yield UserMemories(*stores, find_model, configuration.agents.default.small_model)
    finally:
        await model.aclose()


def list_page(user_id: str, *, topics: Sequence[str], page: int, limit: int, as_json: bool) -> Action:
    """The live memories, the one that changed last first."""

    async def act(memories: UserMemories) -> str:
        found = await memories.list_memories(UserId(user_id), topics=topics, page=page, limit=limit)
        if as_json:
            return render_json([asdict(memory) for memory in found.memories])
        lines = [*map(render_line, found.memories), f"page {found.page} of {found.pages}, {found.total} in all"]
        return "\n".join(lines) if found.total else "Nothing is remembered."

    return act


def show(user_id: str, memory_id: str, *, as_json: bool) -> Action:
    """One memory with all that is known of it."""

    async def act(memories: UserMemories) -> str:
        memory = await memories.load_memory(UserId(user_id), MemoryId(memory_id))
        return render_json(asdict(memory)) if as_json else render_memory(memory)

    return act


def add(user_id: str, draft: MemoryDraft) -> Action:
    """Remember something."""

    async def act(memories: UserMemories) -> str:
        return render_line(await memories.add_memory(UserId(user_id), draft))

    return act


def delete(user_id: str, memory_ids: Sequence[str]) -> Action:
    """Forget some. Raises `MemoryCommandError` when none of them is there."""

    async def act(memories: UserMemories) -> str:
        gone = await memories.delete_memories(UserId(user_id), [MemoryId(memory_id) for memory_id in memory_ids])
        if not gone.memory_ids:
            raise MemoryCommandError("none of these memories is there")
        return _tell_forgotten(gone)

    return act


def clear(user_id: str) -> Action:
    """Forget everything."""

    async def act(memories: UserMemories) -> str:
        return _tell_forgotten(await memories.clear_memories(UserId(user_id)))

    return act


def search(user_id: str, query: str, *, method: SearchMethod, limit: int, as_json: bool) -> Action:
    """Look for memories."""

    async def act(memories: UserMemories) -> str:
        found = await memories.search_memories(UserId(user_id), query, method=method, limit=limit)
        if as_json:
            return render_json([asdict(memory) for memory in found])
        return "\n".join(map(render_line, found)) or "Nothing is found."

    return act


def list_topics(user_id: str) -> Action:
    """The topics."""

    async def act(memories: UserMemories) -> str:
        topics = await memories.list_topics(UserId(user_id))
        return "\n".join(f"{total:>6}  {plain(topic)}" for topic, total in topics) or "There are no topics."

    return act


def show_stats(user_id: str, *, as_json: bool) -> Action:
    """Figures."""

    async def act(memories: UserMemories) -> str:
        figures = asdict(await memories.load_stats(UserId(user_id)))
        if as_json:
            return render_json(figures)
        return "\n".join(f"{name:<14}{plain(str(value))}" for name, value in figures.items())

    return act


def export_to(user_id: str, file: Path | None, *, with_replaced: bool) -> Action:
    """Everything as JSON: printed, or written to a file that only its owner can read."""

    async def act(memories: UserMemories) -> str:
        exported = await memories.export_memories(UserId(user_id), with_replaced=with_replaced)
        text = json.dumps(exported, ensure_ascii=False, indent=2)
        if file is None:
            return text
        _write_private(file, f"{text}\n")
        return f"{file}: written"

    return act


def import_from(user_id: str, file: Path, *, with_new_ids: bool) -> Action:
    """Write what was exported."""

    async def act(memories: UserMemories) -> str:
        report = await memories.import_memories(UserId(user_id), _read_json(file), with_new_ids=with_new_ids)
        return f"{report.added} added, {report.replaced} replaced, {report.skipped} skipped"

    return act


def optimize(user_id: str, *, is_dry: bool) -> Action:
    """Make the memories fewer, or show what would be done."""

    async def act(memories: UserMemories) -> str:
        done = await memories.optimize_memories(UserId(user_id), apply=not is_dry)
        merges = [f"{plain(merge.draft.memory)}  <- {len(merge.sources)} memories" for merge in done.merges]
        figures = (
            f"{done.count_before} -> {done.count_after} memories, {done.tokens_before} -> {done.tokens_after} tokens"
        )
        undo = (
            [f"to undo: parley memories undo {plain(user_id)} {done.optimization_id}"] if done.optimization_id else []
        )
        return "\n".join([*merges, figures, *undo])

    return act


def undo(user_id: str, optimization_id: str | None) -> Action:
    """Part what the newest optimisation merged."""

    async def act(memories: UserMemories) -> str:
        revived = await memories.undo_optimization(UserId(user_id), optimization_id)
        return f"{len(revived)} memories are as they were"

    return act


def _write_private(file: Path, text: str) -> None:
    try:
        file.touch(mode=0o600, exist_ok=False)
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise MemoryCommandError(f"{file} cannot be written: {error.strerror}") from error


def _read_json(file: Path) -> JsonValue:
    try:
        value: JsonValue = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        raise MemoryCommandError(f"{file} cannot be read as JSON") from None
    return value


def render_line(memory: UserMemory) -> str:
    """A memory in a list."""
    marks = [memory.visibility, *([memory.slot] if memory.slot else []), *(f"#{topic}" for topic in memory.topics)]
    return plain(f"{memory.memory_id}  {memory.updated_at:%Y-%m-%d %H:%M}  {memory.memory}  ({', '.join(marks)})")


def render_memory(memory: UserMemory) -> str:
    """All there is to know of a memory, one field a line."""
    fields = {name: value for name, value in asdict(memory).items() if value not in (None, (), "")}
    return "\n".join(f"{name:<18}{plain(_as_text(value))}" for name, value in fields.items())


def _as_text(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _tell_forgotten(gone: Forgotten) -> str:
    return f"{len(gone.memory_ids)} forgotten, with {gone.versions} older versions"
