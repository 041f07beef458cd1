"""The agents' part of the composition root: what they know, may do and pay, and their work off the reply path."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from agent.ports import Model
from gateway.agent_memories import AgentKnowledge, build_agent_memory_tool
from gateway.agents import Agents
from gateway.compactor import Compactor
from gateway.config import Configuration
from gateway.config_agents import find_needed_windows
from gateway.embedder import HookEmbedder
from gateway.extractor import Extractor
from gateway.ground import Ground
from gateway.handoff_tool import build_handoff_tool
from gateway.handoffs import Handoffs
from gateway.housekeeping import Chore
from gateway.hub import Hub
from gateway.mcp_servers import ToolServer
from gateway.mcp_source import ServedAgents
from gateway.memories import UserMemories
from gateway.memory_tool import build_memory_tool
from gateway.poller import Poller
from gateway.ports import ModelSizes
from gateway.reading_desk import ReadingDesk
from gateway.runner import Runner
from gateway.session_tools import add_session_tools
from gateway.spending import Spending
from gateway.titler import Titler
from gateway.used_memories import UsedMemories
from gateway.windows import Windows
from memory.agent_memories import AgentMemories
from memory.compactions import Compactions
from memory.context import Sessions
from memory.database import Database
from memory.jobs import TITLE, Jobs
from memory.memories import Memories
from memory.memory_optimizations import MemoryOptimizations
from memory.memory_records import MemoryRecords
from memory.search import Search
from memory.spend import Ledger
from memory.tasks import Tasks
from memory.titles import Titles

if TYPE_CHECKING:
    from gateway.mcp_connection import Connection

EXTRACTIONS_AT_ONCE = 4
COMPACTIONS_AT_ONCE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentParts:
    """What runs need of agents in this process. `workers` are to be run beside them, each entry once."""

    agents: Agents
    knowledge: AgentKnowledge
    memories: UserMemories
    search: Search
    spending: Spending
    used: UsedMemories
    compactor: Compactor
    runner: Runner
    workers: "Sequence[Poller | Compactor | Connection]"

    @property
    def chores(self) -> Sequence[Chore]:
        """What is to be done with every beat."""
        return (self.used.write, self.knowledge.refresh, self.spending.charge_lost)


async def build_agents(
    configuration: Configuration,
    model: Model,
    ground: Ground,
    tasks: Tasks,
    hub: Hub,
    lease_s: float,
    handoffs: Handoffs,
) -> AgentParts:
    """All of it, ready but for the workers, which do not run yet. Raises `StoreUnavailableError`."""
    database = ground.back
    sessions, memories = Sessions(database), Memories(database)
    spending = Spending(model, Ledger(database, ground.worker_id), configuration.budgets, configuration.prices)
    user_memories = UserMemories(
        MemoryRecords(database),
        memories,
        MemoryOptimizations(database),
        lambda user_id: spending.model_for(user_id, None),
        configuration.agents.default.small_model,
    )
    files = AgentMemories(database)
    hook = configuration.hooks.embed_texts
    search = Search(database, embedder=HookEmbedder(hook) if hook else configuration.embedder)
    agents = _equip(configuration, sessions, search, user_memories, files)
    request_human = build_handoff_tool(handoffs.ask)
    agents = agents.with_tools(lambda config: [request_human] if config.may_hand_off else [])
    knowledge = AgentKnowledge(files, agents)
    await knowledge.refresh()
    connections = _build_connections(configuration.servers)
    used = UsedMemories(memories)
    windows = Windows(model if isinstance(model, ModelSizes) else None, find_needed_windows(agents))
    compactor = Compactor(sessions, Compactions(database), spending, windows)
    served = ServedAgents(knowledge, connections)
    return AgentParts(
        agents=agents,
        knowledge=knowledge,
        memories=user_memories,
        search=search,
        spending=spending,
        used=used,
        compactor=compactor,
        runner=Runner(tasks, sessions, hub, compactor, served, configuration.hooks, used, lease_s),
        workers=[
            *_build_readers(database, spending, agents),
            *[compactor] * COMPACTIONS_AT_ONCE,
            *connections,
        ],
    )


def _equip(
    configuration: Configuration,
    sessions: Sessions,
    search: Search,
    memories: UserMemories,
    files: AgentMemories,
) -> Agents:
    """The configured agents with the tools that are built in."""
    agents = configuration.agents.with_tool(build_memory_tool(memories, sessions), "manual")
    agents = add_session_tools(agents, sessions, search, has_servers=bool(configuration.servers))
    propose = build_agent_memory_tool(files, agents, memories, sessions)
    return agents.with_tools(lambda config: [propose] if config.agent_memory == "agentic" else [])


def _build_readers(database: Database, spending: Spending, agents: Agents) -> list[Poller]:
    """Who reads what was said, for facts and for titles."""
    facts = ReadingDesk(jobs=Jobs(database), sessions=Sessions(database), spending=spending, agents=agents)
    names = replace(facts, jobs=Jobs(database, (TITLE,)))
    extractor = Extractor(facts, Memories(database))
    extracting = Poller("jobs", extractor.work, facts.jobs.next_in)
    titling = Poller("titles", Titler(names, Titles(database)).work, names.jobs.next_in)
    return [*[extracting] * EXTRACTIONS_AT_ONCE, titling]


def _build_connections(servers: Sequence[ToolServer]) -> "list[Connection]":
    """The library is imported only where a server is configured: it takes a while."""
    if not servers:
        return []
    from gateway.mcp_connection import Connection

    return [Connection(server) for server in servers]
