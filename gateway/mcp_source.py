"""Agents with the tools of the servers that are there just now."""

from collections.abc import Sequence
from typing import Protocol

from agent.ids import AgentId
from agent.tools import Tool
from gateway.agents import AgentConfig, AgentSource
from gateway.mcp_servers import ToolServer


class Offer(Protocol):
    """A server and what it offers now."""

    @property
    def server(self) -> ToolServer:
        """Which it is, and who may use it."""
        ...

    @property
    def tools(self) -> tuple[Tool, ...]:
        """Its tools; none while it is away."""
        ...


class ServedAgents:
    """`gateway.agents.AgentSource` over another one."""

    def __init__(self, source: AgentSource, offers: Sequence[Offer]) -> None:
        self._source = source
        self._offers = offers

    def get(self, agent_id: AgentId) -> AgentConfig:
        """The agent with what its servers offer; its own tools keep their names."""
        config = self._source.get(agent_id)
        for offer in self._offers:
            allowed = offer.server.agents
            if allowed is None or config.agent.agent_id in allowed:
                for tool in offer.tools:
                    config = config.with_tool(tool)
        return config
