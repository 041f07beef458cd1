"""An agent as this gateway runs it: how it thinks, what it reads, what it remembers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

from agent.compaction import CompactionRules
from agent.errors import InputError
from agent.ids import AgentId
from agent.loop import Agent
from agent.tools import Tool

MemoryMode = Literal["off", "manual", "agentic"]
"""off: no user memories; manual: only what is written on purpose; agentic: facts are read from what people say."""

AgentMemoryMode = Literal["off", "manual", "agentic"]
"""off: no files; manual: operators write them; agentic: the agent proposes changes too."""
AgentMemoryReview = Literal["approve", "auto"]
"""approve: an operator decides on what the agent proposes; auto: it is live at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentConfig:
    """One agent's settings. `small_model` reads for facts; `history_runs` is 0 to 100.

    `is_stored`: what is said in its sessions stays; else it goes once it is answered and nobody will ask for it again.
    `may_hand_off`: it may ask for a person of the team.
    Tools that are added later and named in `needs_approval` run only when the person who asked says so within
    `approval_s`.
    """

    agent: Agent
    small_model: str
    is_stored: bool = True
    history_runs: int = 5
    memory_mode: MemoryMode = "off"
    capture_instructions: str = ""
    extract_after_s: float = 2.0
    has_titles: bool = False
    title_after_s: float = 5.0
    agent_memory: AgentMemoryMode = "off"
    agent_memory_review: AgentMemoryReview = "approve"
    compaction: CompactionRules = field(default_factory=CompactionRules)
    may_hand_off: bool = False
    needs_approval: frozenset[str] = frozenset()
    approval_s: float = 86_400.0

    def with_tool(self, tool: Tool) -> "AgentConfig":
        """The same with one tool more, unless it has one of that name."""
        if tool.name in self.needs_approval:
            tool = replace(tool, needs_approval=True)
        return replace(self, agent=replace(self.agent, tools={tool.name: tool, **self.agent.tools}))

    def on_channel(self, channel: str) -> "AgentConfig":
        """The same without the tools that may not be used there."""
        tools = {
            name: tool for name, tool in self.agent.tools.items() if tool.channels is None or channel in tool.channels
        }
        return self if len(tools) == len(self.agent.tools) else replace(self, agent=replace(self.agent, tools=tools))


class AgentSource(Protocol):
    """Where an agent is had from, as it is to think just now."""

    def get(self, agent_id: AgentId) -> AgentConfig:
        """The agent of that id, or the default one."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Agents:
    """All agents by id, and the one that answers where none is named."""

    by_id: Mapping[AgentId, AgentConfig]
    default_id: AgentId

    def get(self, agent_id: AgentId) -> AgentConfig:
        """The agent of that id; the default one for an id that is no longer configured, so that no task is stuck."""
        return self.by_id.get(agent_id) or self.by_id[self.default_id]

    @property
    def default(self) -> AgentConfig:
        """The agent that answers where none is named."""
        return self.by_id[self.default_id]

    @property
    def unstored(self) -> Sequence[AgentId]:
        """Those whose sessions are not stored."""
        return [agent_id for agent_id, config in self.by_id.items() if not config.is_stored]

    @property
    def unread(self) -> Sequence[AgentId]:
        """Those of which nothing that they are told is read for facts."""
        return [agent_id for agent_id, config in self.by_id.items() if config.memory_mode != "agentic"]

    def with_model(self, model: str) -> "Agents":
        """The same agents, all with this model."""
        by_id = {
            agent_id: replace(config, small_model=model, agent=replace(config.agent, model=model))
            for agent_id, config in self.by_id.items()
        }
        return replace(self, by_id=by_id)

    def with_tools(self, find: Callable[[AgentConfig], Sequence[Tool]]) -> "Agents":
        """The same agents, each with the tools more that are found for it."""
        by_id = dict(self.by_id)
        for agent_id, config in by_id.items():
            for tool in find(config):
                by_id[agent_id] = by_id[agent_id].with_tool(tool)
        return replace(self, by_id=by_id)

    def with_tool(self, tool: Tool, mode: MemoryMode) -> "Agents":
        """The same agents, those with this memory mode with one tool more."""
        return replace(
            self,
            by_id={
                agent_id: config.with_tool(tool) if config.memory_mode == mode else config
                for agent_id, config in self.by_id.items()
            },
        )

    def require(self, name: str | None) -> AgentId:
        """The id for a name that a caller gave. Raises `InputError`."""
        if name is None:
            return self.default_id
        if AgentId(name) not in self.by_id:
            raise InputError(f"agent: expected one of {', '.join(sorted(self.by_id))}")
        return AgentId(name)
