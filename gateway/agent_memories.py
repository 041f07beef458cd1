"""Agent memories as the gateway uses them: read into prompts, proposed by agents, decided on by operators."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Annotated, Protocol

import structlog
from pydantic import Field

from agent.agent_memories import (
    CAUSE_CHARACTERS,
    FILE_CHARACTERS,
    AgentFile,
    Revision,
    add_files,
    check_cause,
    check_markdown,
    check_name,
)
from agent.errors import InputError, ToolError
from agent.ids import AgentId, SessionId, UserId
from agent.memories import Asked
from agent.records import Audience, Session, UserMemory
from agent.repeated_memories import repeats_memory
from agent.tasks import Task
from agent.text import storable
from agent.tools import Tool, ToolContext, build_tool
from gateway.agents import AgentConfig, Agents
from gateway.memories import PAGE_LIMIT, UserMemories
from memory.agent_memories import AgentMemories, Change

log = structlog.get_logger(__name__)
AGENT_AUTHOR = "agent"
PERSONAL = "It holds what is remembered about a person, and everybody would read it. Leave that out."


class AgentKnowledge:
    """`gateway.agents.AgentSource`: the agents with their live files, which are read again every second."""

    def __init__(self, store: AgentMemories, agents: Agents) -> None:
        self._store = store
        self._agents = agents
        self._agent_ids = [one for one, config in agents.by_id.items() if config.agent_memory != "off"]
        self._files: Mapping[AgentId, tuple[AgentFile, ...]] = {}

    async def refresh(self) -> None:
        """Read them. Raises `StoreUnavailableError`."""
        if self._agent_ids:
            files = await self._store.list_files(self._agent_ids)
            grouped = groupby(files, key=lambda file: file.agent_id)
            self._files = {agent_id: tuple(found) for agent_id, found in grouped}

    def get(self, agent_id: AgentId) -> AgentConfig:
        """The agent with its files in its instructions."""
        config = self._agents.get(agent_id)
        files = self._files.get(config.agent.agent_id, ())
        if not files:
            return config
        instructions = add_files(config.agent.instructions, files)
        return replace(config, agent=replace(config.agent, instructions=instructions))


class AgentFileDesk:
    """`adapters.operating_ports.AgentFiles`: the operators' way to the files over HTTP."""

    def __init__(self, store: AgentMemories) -> None:
        self._store = store
        self.list_files, self.list_revisions = store.list_files, store.list_revisions
        self.approve, self.reject, self.roll_back = store.approve, store.reject, store.roll_back

    async def write_file(self, agent_id: AgentId, name: str, markdown: str | None, *, by: str, cause: str) -> Revision:
        """Make a text live at once; without one the file goes. Raises `InputError`."""
        return await self._store.write(build_change(agent_id, name, markdown, by, cause), by=by)


def build_change(agent_id: str, name: str, markdown: str | None, author: str, cause: str) -> Change:
    """A checked change of a file; no text takes the file away. Raises `InputError`."""
    return Change(
        agent_id=AgentId(agent_id),
        name=check_name(name),
        markdown=None if markdown is None else check_markdown(storable(markdown)),
        author=author,
        cause=check_cause(storable(cause)),
    )


class SessionReader(Protocol):
    """What the tool has to know of the place: who else reads there."""

    async def load_session(self, session_id: SessionId, user_id: UserId | None) -> Session | None:
        """The session."""
        ...


def build_agent_memory_tool(
    store: AgentMemories, agents: Agents, memories: UserMemories, sessions: SessionReader
) -> Tool:
    """The tool `propose_agent_memory`, for agents that manage their files themselves."""

    async def propose_agent_memory(
        context: ToolContext,
        name: Annotated[str, Field(max_length=64, description="The file, such as support-hours.md")],
        text: Annotated[
            str, Field(max_length=FILE_CHARACTERS, description="The whole new text of the file, in markdown")
        ],
        cause: Annotated[str, Field(max_length=CAUSE_CHARACTERS, description="Why, in one line")],
    ) -> str:
        """Propose a file of what you know, or a new text of one, for everybody who will ever talk to you.

        For lasting facts about the work itself, such as opening hours, products and rules, that were wrong or missing.
        Never anything about a person, nothing that was told in confidence, no passwords or numbers of accounts. An
        operator may have to approve it.
        """
        task = context.task
        try:
            user_id, known = await _load_known(memories, task)
            if repeats_memory(f"{text}\n{cause}", await _said_openly(sessions, task), known):
                raise ToolError(PERSONAL)
            change = build_change(task.agent_id, name, text, AGENT_AUTHOR, cause)
            change = replace(change, user_id=user_id)
            if agents.get(task.agent_id).agent_memory_review == "auto":
                return _tell(await store.write(change, by="auto"))
            return _tell(await store.propose(change))
        except InputError as error:
            raise ToolError(str(error)) from error

    return build_tool(propose_agent_memory, title="Noting what I learned")


async def _load_known(memories: UserMemories, task: Task) -> tuple[UserId | None, Sequence[UserMemory]]:
    """Who asked, by the id they have now, and what is remembered of them. Raises `InputError`.

    They may have been linked since the run began; of who was erased nothing is known, and nothing is to be written.
    """
    if task.user is None:
        return None, ()
    user_id = await memories.find_asker(Asked(session_id=task.session_id, position=task.position)) or task.user.id
    return user_id, (await memories.list_memories(user_id, limit=PAGE_LIMIT)).memories


async def _said_openly(sessions: SessionReader, task: Task) -> str:
    """What this run answers, where others read it too: whoever says it there tells it to everybody."""
    session = await sessions.load_session(task.session_id, None)
    return task.prompt if session is not None and session.audience is Audience.SHARED else ""


def _tell(revision: Revision) -> str:
    log.info("agent_memory_changed", agent_id=revision.agent_id, revision=revision.revision, state=revision.state)
    if revision.decided_at is not None:
        return f"{revision.name} is written, as revision {revision.revision}."
    return f"{revision.name} waits as revision {revision.revision} for an operator to approve it."
