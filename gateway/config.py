"""The configuration: `parley.toml` and what it names, checked as a whole before anything is started.

environment ─► Settings ─┐
parley.toml ─► ConfigFile ─► load_configuration ─► Configuration
                           └─ tools and hooks are imported, secrets and texts read, names looked up
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from adapters.api.tokens import ApiToken, Scope
from adapters.slack.options import Setup as SlackSetup
from adapters.widget.limits import Limits as WidgetLimits
from adapters.widget.sites import Site, build_demo_site
from agent.budgets import Budgets
from agent.ports import Embedder
from agent.pricing import Price, Prices, build_prices, price_of
from agent.routing import Routes, Spot
from gateway.agents import Agents
from gateway.config_agents import build_agents
from gateway.config_budgets import build_budgets
from gateway.config_callers import DEMO_LOOK, OPERATOR, build_sites, build_tokens, check_starters
from gateway.config_errors import Report
from gateway.config_file import read_config
from gateway.config_imports import NotUsableError, Surroundings
from gateway.config_mcp import add_approvals, build_servers
from gateway.config_models import ConfigFile, PriceTable, RunsTable
from gateway.config_routes import build_routes
from gateway.config_search import build_embedder
from gateway.config_slack import build_slack
from gateway.endings import Limits as RunLimits
from gateway.handoffs import HandoffRules
from gateway.hooks import Hooks
from gateway.mcp_servers import ToolServer
from gateway.operator_token import provide_operator_token
from gateway.retention import FOR_EVER, Periods
from gateway.settings import Settings

NO_SITE = "  note      no website is configured, so no widget can connect: add [[sites]] to the configuration"


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """What the gateway is to be.

    `sites` by key. `source` is the file it was read from; none where there was none. `notices` are lines for the
    person who starts it.
    """

    agents: Agents
    routes: Routes
    sites: Mapping[str, Site]
    api_tokens: tuple[ApiToken, ...]
    limits: RunLimits
    widget_limits: WidgetLimits
    prices: Prices
    hooks: Hooks
    has_demo_page: bool
    source: Path | None
    notices: tuple[str, ...] = ()
    slack: SlackSetup | None = None
    budgets: Budgets = field(default_factory=Budgets)
    retention: Periods = FOR_EVER
    servers: tuple[ToolServer, ...] = ()
    handoff: HandoffRules = field(default_factory=HandoffRules)
    embedder: Embedder | None = None


def load_configuration(settings: Settings, environ: Mapping[str, str] | None = None) -> Configuration:
    """Read and check everything; modules that the file names are imported.

    While no site is configured and only this machine can reach the gateway, there is the site `demo`.
    Raises `ConfigFileError` with all that is wrong. `environ` stands for the process's own environment.
    """
    found = read_config(settings.config, must_exist=settings.is_config_given)
    file = found or ConfigFile()
    report = Report(str(settings.config))
    place = Surroundings(base=settings.config.parent, environ=os.environ if environ is None else environ)
    agents = build_agents(file.agents, place, report)
    sites = build_sites(file.sites, agents, place, report)
    check_starters(file.sites, file.widget.text_characters, report)
    if not file.sites and settings.is_loopback:
        sites = (build_demo_site(agents.default_id, DEMO_LOOK),)
    routes = build_routes(file, agents, report)
    sites = tuple(replace(site, agent_id=routes.choose(Spot(channel="widget", site=site.key))) for site in sites)
    tokens = build_tokens(file.api.tokens, place, report)
    if settings.operator_token is not None:
        tokens = (*tokens, _operator(settings.operator_token.get_secret_value()))
    hooks = _load_hooks(file, place, report)
    slack = build_slack(file.slack, settings, routes, agents, report)
    budgets = build_budgets(file.budgets, [site.key for site in sites], report)
    servers = add_approvals(file.agents, build_servers(file.mcp, agents, place, report), agents, report)
    embedder = build_embedder(file.search, hooks, place.base, report)
    report.close()
    return Configuration(
        agents=agents,
        routes=routes,
        sites={site.key: site for site in sites},
        api_tokens=tokens,
        limits=_run_limits(file.runs),
        widget_limits=WidgetLimits(**file.widget.model_dump()),
        prices=build_prices({name: _price(table) for name, table in file.prices.items()}),
        budgets=budgets,
        servers=servers,
        hooks=hooks,
        embedder=embedder,
        has_demo_page=file.demo.page,
        source=settings.config if found else None,
        slack=slack,
        retention=Periods(**file.retention.model_dump()),
        handoff=HandoffRules(**file.handoff.model_dump()),
        notices=tuple(_find_notices(settings, sites)),
    )


def add_operator_token(configuration: Configuration, settings: Settings) -> Configuration:
    """With an embedded database and no `PARLEY_OPERATOR_TOKEN`: the configuration with a drawn token.

    To be called once the embedded database has made the data directory. Raises `ConfigurationError`.
    """
    if settings.operator_token is not None or settings.database_url is not None:
        return configuration
    drawn = provide_operator_token(settings.data_dir)
    return replace(
        configuration,
        api_tokens=(*configuration.api_tokens, _operator(drawn.secret)),
        notices=(*configuration.notices, f"  operator  the token for the API is in {drawn.path}"),
    )


def _find_notices(settings: Settings, sites: Sequence[Site]) -> Iterator[str]:
    if not sites:
        yield NO_SITE
    if settings.slack_bot_token is not None or settings.slack_client_id is not None:
        ways = (("HTTP, POST /slack/events", settings.slack_signing_secret), ("Socket Mode", settings.slack_app_token))
        yield f"  slack     {' and '.join(way for way, key in ways if key is not None)}"
    if settings.slack_client_id is not None:
        yield "  slack     workspaces install it at /slack/install"


def _operator(secret: str) -> ApiToken:
    return ApiToken(name=OPERATOR, secret=secret, scopes=frozenset({Scope.OPERATOR}))


def _run_limits(table: RunsTable) -> RunLimits:
    return RunLimits(capacity=table.capacity, yield_after=table.yield_after, retry_s=tuple(table.retry_s))


def _price(table: PriceTable) -> Price:
    """What is left out of the cache's prices costs what it does for most models."""
    usual = price_of(str(table.input), str(table.output))
    return replace(usual, **{name: usd for name, usd in table if usd is not None})


def _load_hooks(file: ConfigFile, place: Surroundings, report: Report) -> Hooks:
    if file.hooks is None:
        return Hooks()
    try:
        return place.load_hooks(file.hooks.module)
    except NotUsableError as error:
        report.add("hooks.module", str(error))
        return Hooks()
