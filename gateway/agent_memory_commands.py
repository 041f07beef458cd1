"""`parley agent-memory`: what each command does, and what it shows. Each gives what is to be printed."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import TypeAlias

from agent.agent_memories import Revision, RevisionState
from agent.errors import InputError
from agent.ids import AgentId
from gateway.address import StoreAddress
from gateway.agent_memories import build_change
from gateway.chat_screen import plain
from gateway.command_errors import CommandError
from gateway.dead_letters import render_json
from gateway.reach import open_database, reach_store
from gateway.settings import Settings
from memory.agent_memories import AgentMemories

Action: TypeAlias = Callable[[AgentMemories], Awaitable[str]]
OPERATOR = "operator"
_TIME = "%Y-%m-%d %H:%M:%S"


def run_action(settings: Settings, action: Action) -> str:
    """Do something with the files. Raises `CommandError` and `StoreUnavailableError`."""
    with reach_store(settings) as address:
        try:
            return asyncio.run(_run(address, action))
        except InputError as error:
            raise CommandError(str(error) or error.sentence) from error


async def _run(address: StoreAddress, action: Action) -> str:
    async with open_database(address) as database:
        return await action(AgentMemories(database))


def list_files(agent_id: str, *, as_json: bool) -> Action:
    """The live files and their revisions."""

    async def act(store: AgentMemories) -> str:
        files = await store.list_files([AgentId(agent_id)])
        if as_json:
            return render_json([asdict(file) for file in files])
        lines = [f"{file.name}  revision {file.revision}  {len(file.markdown)} characters" for file in files]
        return "\n".join(lines) or f"The agent {plain(agent_id)} has no files."

    return act


def show_file(agent_id: str, name: str, revision: int | None) -> Action:
    """The text of a file: the live one, or a revision."""

    async def act(store: AgentMemories) -> str:
        if revision is not None:
            text = (await store.find(AgentId(agent_id), name, revision)).markdown
        else:
            files = await store.list_files([AgentId(agent_id)])
            text = next((file.markdown for file in files if file.name == name), None)
        if text is None:
            raise CommandError(f"there is no text of {plain(name)}")
        return text

    return act


def edit_file(agent_id: str, name: str, text: str | None, cause: str, by: str) -> Action:
    """Write a file's text, live at once; without one the file is taken away."""

    async def act(store: AgentMemories) -> str:
        return render_line(await store.write(build_change(agent_id, name, text, by, cause), by=by))

    return act


def list_revisions(agent_id: str, name: str | None, *, is_proposed: bool, as_json: bool) -> Action:
    """Revisions, the newest first; only those that wait for a decision where that is asked for."""

    async def act(store: AgentMemories) -> str:
        state = RevisionState.PROPOSED if is_proposed else None
        found = await store.list_revisions(AgentId(agent_id), name, state)
        if as_json:
            return render_json([asdict(revision) for revision in found])
        return "\n".join(map(render_line, found)) or "There are none."

    return act


def approve(agent_id: str, name: str, revision: int, by: str) -> Action:
    """Make a proposed revision live."""

    async def act(store: AgentMemories) -> str:
        return render_line(await store.approve(AgentId(agent_id), name, revision, by=by))

    return act


def reject(agent_id: str, name: str, revision: int, by: str) -> Action:
    """Decline a proposed revision."""

    async def act(store: AgentMemories) -> str:
        return render_line(await store.reject(AgentId(agent_id), name, revision, by=by))

    return act


def roll_back(agent_id: str, name: str, revision: int, by: str) -> Action:
    """Make an earlier revision's text live again."""

    async def act(store: AgentMemories) -> str:
        return render_line(await store.roll_back(AgentId(agent_id), name, revision, by=by))

    return act


def render_line(revision: Revision) -> str:
    """A revision in a list."""
    what = "takes the file away" if revision.markdown is None else f"{len(revision.markdown)} characters"
    decided = f"by {plain(revision.decided_by)}" if revision.decided_by else f"on revision {revision.based_on}"
    parts = [
        revision.name,
        f"revision {revision.revision}",
        f"{revision.state} {decided}",
        revision.made_at.strftime(_TIME),
        plain(revision.author),
        what,
        plain(revision.cause),
    ]
    return "  ".join(parts)
