"""The servers of tools of a configuration."""

from collections.abc import Sequence
from dataclasses import replace

from agent.ids import AgentId
from gateway.agents import Agents
from gateway.config_errors import Report
from gateway.config_imports import NotUsableError, Surroundings
from gateway.config_models import AgentTable
from gateway.config_outside import McpTable
from gateway.mcp_servers import SEPARATOR, Address, Program, ToolServer
from gateway.secret_rules import find_emptiness


def build_servers(
    tables: Sequence[McpTable], agents: Agents, place: Surroundings, report: Report
) -> tuple[ToolServer, ...]:
    """All servers. What cannot be used goes into the report."""
    names: set[str] = set()
    servers = []
    for index, table in enumerate(tables):
        key = f"mcp[{index}]"
        if table.name in names:
            report.add(f"{key}.name", f"expected a name of its own; {table.name} stands there twice")
        names.add(table.name)
        for agent in table.agents or ():
            if AgentId(agent) not in agents.by_id:
                report.add(f"{key}.agents", f"expected agents that are configured; there is no {agent}")
        _check_tools(table, key, report)
        servers.append(_build_server(table, key, place, report))
    return tuple(servers)


def add_approvals(
    tables: Sequence[AgentTable], servers: Sequence[ToolServer], agents: Agents, report: Report
) -> tuple[ToolServer, ...]:
    """The servers, which know now what agents want to approve of theirs. A name that fits none goes into the report."""
    for index, table in enumerate(tables):
        own = agents.by_id[AgentId(table.id)].agent.tools
        for place, name in enumerate(table.needs_approval):
            key = f"agents[{index}].needs_approval[{place}]"
            if SEPARATOR in name and name not in own and not any(_may_have(one, table.id, name) for one in servers):
                report.add(key, f"expected a tool of this agent; no server in [[mcp]] offers it {name}")
    named = {name for table in tables for name in table.needs_approval}
    return tuple(replace(one, agents_approve=_tools_of(one, named)) for one in servers)


def _may_have(server: ToolServer, agent: str, name: str) -> bool:
    is_for = server.agents is None or AgentId(agent) in server.agents
    return is_for and any(server.may_use(tool) for tool in _tools_of(server, {name}))


def _tools_of(server: ToolServer, names: set[str]) -> frozenset[str]:
    prefix = server.full_name("")
    return frozenset(name.removeprefix(prefix) for name in names if name.startswith(prefix))


def _check_tools(table: McpTable, key: str, report: Report) -> None:
    """A name that is misspelt here would let the tool run unasked."""
    for field in ("needs_approval", "repeatable"):
        for index, name in enumerate(getattr(table, field)):
            if table.tools is not None and name not in table.tools:
                report.add(f"{key}.{field}[{index}]", f"expected one of the tools; there is no {name} among them")


def _build_server(table: McpTable, key: str, place: Surroundings, report: Report) -> ToolServer:
    return ToolServer(
        name=table.name,
        place=_find_place(table, key, place, report),
        tools=None if table.tools is None else frozenset(table.tools),
        agents=None if table.agents is None else frozenset(map(AgentId, table.agents)),
        channels=None if table.channels is None else frozenset(table.channels),
        repeatable=frozenset(table.repeatable),
        needs_approval=frozenset(table.needs_approval),
        timeout_s=table.timeout_s,
        result_bytes=table.result_bytes,
    )


def _find_place(table: McpTable, key: str, place: Surroundings, report: Report) -> Program | Address:
    if table.url is not None:
        token = _read(table.token_env, f"{key}.token_env", place, report) if table.token_env else None
        if token is not None and (fault := find_emptiness(token)):
            report.add(f"{key}.token_env", f"expected the variable to hold a token; found {fault}")
        return Address(url=table.url, token=token)
    environ = {name: _read(name, f"{key}.env", place, report) or "" for name in table.env}
    return Program(command=table.command or "", arguments=tuple(table.args), environ=environ)


def _read(name: str, key: str, place: Surroundings, report: Report) -> str | None:
    try:
        return place.read_variable(name)
    except NotUsableError as error:
        report.add(key, str(error))
        return None
