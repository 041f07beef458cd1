"""Who answers where: `[[routes]]` in their order, then what sites and Slack say of themselves, then the first agent."""

from collections.abc import Iterator, Mapping

from adapters.widget.sites import DEMO
from agent.ids import AgentId
from agent.routing import Route, Routes
from gateway.agents import Agents
from gateway.config_callers import OPERATOR
from gateway.config_errors import Report
from gateway.config_models import ConfigFile
from gateway.config_outside import RouteTable
from gateway.route_commands import CHANNEL_OF


def build_routes(file: ConfigFile, agents: Agents, report: Report) -> Routes:
    """All rules. One that names nobody, fits nowhere or never decides goes into the report."""
    sites = {site.key for site in file.sites} or {DEMO}
    known = {"site": sites, "caller": {OPERATOR, *(token.name for token in file.api.tokens)}}
    rules: list[Route] = []
    for index, table in enumerate(file.routes):
        rule = _build_route(table, f"routes[{index}]")
        _check_route(rule, table, agents, known, report)
        rules.append(rule)
    routes = Routes(default_id=agents.default_id, rules=(*rules, *_list_own(file)))
    for rule, earlier in routes.find_covered():
        report.add(rule.key, f"never decides: {earlier.key} comes first and holds wherever this does")
    return routes


def _build_route(table: RouteTable, key: str) -> Route:
    named = next((name for name in CHANNEL_OF if getattr(table, name) is not None), None)
    return Route(
        key=key,
        agent_id=AgentId(table.agent),
        channel=table.channel or (CHANNEL_OF[named] if named else None),
        site=table.site,
        workspace=table.workspace,
        conversation=table.conversation,
        caller=table.caller,
    )


def _check_route(rule: Route, table: RouteTable, agents: Agents, known: Mapping[str, set[str]], report: Report) -> None:
    if rule.agent_id not in agents.by_id:
        report.add(f"{rule.key}.agent", f"there is no agent {rule.agent_id}; expected one of {', '.join(agents.by_id)}")
    for name, channel in CHANNEL_OF.items():
        value: str | None = getattr(table, name)
        if value is None:
            continue
        if rule.channel != channel:
            report.add(f"{rule.key}.{name}", f"expected with the channel {channel} only; found it with {rule.channel}")
        elif name in known and value not in known[name]:
            report.add(
                f"{rule.key}.{name}", f"there is no {name} {value}; expected one of {', '.join(sorted(known[name]))}"
            )


def _list_own(file: ConfigFile) -> Iterator[Route]:
    """What sites, Slack's conversations and Slack as a whole say of themselves, the narrower first."""
    for index, site in enumerate(file.sites):
        if site.agent is not None:
            yield Route(key=f"sites[{index}].agent", agent_id=AgentId(site.agent), channel="widget", site=site.key)
    for index, one in enumerate(file.slack.conversations):
        if one.agent is not None:
            yield Route(
                key=f"slack.conversations[{index}].agent",
                agent_id=AgentId(one.agent),
                channel="slack",
                conversation=one.id,
            )
    if file.slack.agent is not None:
        yield Route(key="slack.agent", agent_id=AgentId(file.slack.agent), channel="slack")
