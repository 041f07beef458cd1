"""The agents of a configuration, and the one that answers while none is configured."""

import json
from collections.abc import Sequence
from dataclasses import replace

from agent.compaction import CompactionRules, Strategy
from agent.ids import AgentId
from agent.loop import Agent
from agent.payloads import ResultRules
from agent.prompt import build_system
from agent.text import estimate_tokens
from agent.tools import Tool
from gateway.agents import AgentConfig, Agents
from gateway.builtin_tools import BUILTIN_TOOLS
from gateway.config_errors import Report
from gateway.config_imports import NotUsableError, Surroundings
from gateway.config_models import DEFAULT_MODEL, DEFAULT_SMALL_MODEL, AgentContext, AgentTable
from gateway.mcp_servers import SEPARATOR

BUILT_IN_ID = AgentId("assistant")
BUILT_IN_INSTRUCTIONS = """\
You are a friendly, capable assistant in a chat. Answer in the language you are written to, briefly and plainly; go into
detail where it is asked for. Several people may talk to you in one conversation: mind who said what. If you do not know
something, say so. Use your tools for the time and for sums."""


def build_built_in() -> AgentConfig:
    """The agent used while none is configured: five history runs, agentic user memories."""
    agent = Agent(
        agent_id=BUILT_IN_ID,
        model=DEFAULT_MODEL,
        instructions=BUILT_IN_INSTRUCTIONS,
        tools={name: build() for name, build in BUILTIN_TOOLS.items()},
    )
    return AgentConfig(
        agent=agent, small_model=DEFAULT_SMALL_MODEL, history_runs=5, memory_mode="agentic", has_titles=True
    )


def build_agents(tables: Sequence[AgentTable], place: Surroundings, report: Report) -> Agents:
    """All agents; the first is the default. What cannot be used goes into the report."""
    if not tables:
        return Agents(by_id={BUILT_IN_ID: build_built_in()}, default_id=BUILT_IN_ID)
    by_id: dict[AgentId, AgentConfig] = {}
    for index, table in enumerate(tables):
        key = f"agents[{index}]"
        if AgentId(table.id) in by_id:
            report.add(f"{key}.id", f"expected an id of its own; {table.id} stands there twice")
        by_id[AgentId(table.id)] = _build_agent(table, key, place, report)
    return Agents(by_id=by_id, default_id=AgentId(tables[0].id))


def _build_agent(table: AgentTable, key: str, place: Surroundings, report: Report) -> AgentConfig:
    agent = Agent(
        agent_id=AgentId(table.id),
        model=table.model,
        instructions=_read_instructions(table, key, place, report),
        tools={
            name: replace(tool, needs_approval=tool.needs_approval or name in table.needs_approval)
            for name, tool in _load_tools(table, key, place, report).items()
        },
        max_tokens=table.max_tokens,
        max_tool_calls=table.max_tool_calls,
        run_s=table.run_s,
        results=ResultRules(
            result_tokens=table.context.result_tokens,
            condense_after=table.context.condense_after,
            condense_instructions=table.context.condense_instructions,
            history_calls=table.context.max_tool_calls_from_history,
        ),
    )
    for index, name in enumerate(table.needs_approval):
        if name not in agent.tools and SEPARATOR not in name:
            report.add(f"{key}.needs_approval[{index}]", f"expected a tool of this agent; it has none named {name}")
    rules = _build_rules(table.context)
    _check_window(agent, rules, table, key, report)
    return AgentConfig(
        agent=agent,
        small_model=table.small_model,
        is_stored=table.storage,
        history_runs=table.history_runs if table.storage else 0,
        memory_mode=table.memory.mode,
        has_titles=table.titles and table.storage,
        capture_instructions=table.memory.capture_instructions,
        agent_memory=table.agent_memory.mode,
        agent_memory_review=table.agent_memory.review,
        compaction=rules,
        may_hand_off=table.handoff,
        needs_approval=frozenset(table.needs_approval),
        approval_s=table.approval_s,
    )


def _build_rules(table: AgentContext) -> CompactionRules:
    return CompactionRules(
        strategy=Strategy(table.strategy),
        cap_tokens=table.cap_tokens,
        window_tokens=table.window_tokens,
        model=table.model,
    )


def count_fixed_tokens(agent: Agent) -> int:
    """About what the instructions and the agent's own tools take of every prompt."""
    fixed = sum(estimate_tokens(text.text) for text in build_system(agent.instructions))
    return fixed + sum(estimate_tokens(json.dumps(tool.spec.input_schema)) for tool in agent.tools.values())


def find_needed_windows(agents: Agents) -> dict[str, int]:
    """By model, the tokens that its window has to be larger than: what agents without a window of their own need."""
    needed: dict[str, int] = {}
    for config in agents.by_id.values():
        if config.compaction.window_tokens is None:
            model, tokens = config.agent.model, count_fixed_tokens(config.agent) + config.agent.max_tokens
            needed[model] = max(needed.get(model, 0), tokens)
    return needed


def _check_window(agent: Agent, rules: CompactionRules, table: AgentTable, key: str, report: Report) -> None:
    """A prompt that is full before anybody has said anything could never be answered."""
    fixed = count_fixed_tokens(agent)
    if rules.window_tokens is not None and fixed + agent.max_tokens >= rules.window_tokens:
        text = f"expected more than {fixed + agent.max_tokens}: the instructions, the tools and max_tokens have to fit"
        report.add(f"{key}.context.window_tokens", text)
    elif 2 * fixed >= rules.cap_tokens:
        text = f"expected more than {2 * fixed}: the instructions and tools alone take about {fixed} tokens"
        report.add(f"{key}.context.cap_tokens", text)
    elif table.context.result_tokens * 2 > rules.limit_tokens(rules.window_tokens or rules.cap_tokens * 2):
        report.add(f"{key}.context.result_tokens", "expected less than half of what a prompt may hold")


def _read_instructions(table: AgentTable, key: str, place: Surroundings, report: Report) -> str:
    if table.instructions_file is None:
        name, text = "instructions", (table.instructions or "").strip()
    else:
        name = "instructions_file"
        try:
            text = place.read_text(table.instructions_file)
        except NotUsableError as error:
            report.add(f"{key}.{name}", str(error))
            return ""
    if not text:
        report.add(f"{key}.{name}", "expected text; found a blank value")
    return text


def _load_tools(table: AgentTable, key: str, place: Surroundings, report: Report) -> dict[str, Tool]:
    tools: dict[str, Tool] = {}
    for index, name in enumerate(table.tools):
        try:
            tool = place.load_tool(name)
        except NotUsableError as error:
            report.add(f"{key}.tools[{index}]", str(error))
            continue
        if tool.name in tools:
            report.add(f"{key}.tools[{index}]", f"expected each tool once; there is already one named {tool.name}")
        tools[tool.name] = tool
    return tools
