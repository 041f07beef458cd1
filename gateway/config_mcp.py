"""The servers of tools of a configuration."""

from collections.abc import Sequence

from agent.ids import AgentId
from gateway.agents import Agents
from gateway.config_errors import Report
from gateway.config_imports import NotUsableError, Surroundings
from gateway.config_outside import McpTable
from gateway.mcp_servers import Address, Program, ToolServer


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
        servers.append(_build_server(table, key, place, report))
    return tuple(servers)


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
        return Address(url=table.url, token=token)
    environ = {name: _read(name, f"{key}.env", place, report) for name in table.env}
    return Program(command=table.command or "", arguments=tuple(table.args), environ=environ)


def _read(name: str, key: str, place: Surroundings, report: Report) -> str:
    try:
        return place.read_variable(name)
    except NotUsableError as error:
        report.add(key, str(error))
        return ""
