"""Slack's part of the configuration: on when its tokens are set, with the rules of `[slack]`."""

import re

from pydantic import SecretStr

from adapters.slack.deciding import Rule
from adapters.slack.ladder import Rung
from adapters.slack.options import Conversation, Keys, Options, Setup
from agent.ids import AgentId
from agent.routing import Routes
from gateway.agents import Agents
from gateway.config_errors import Report
from gateway.config_models import SlackConversationTable, SlackTable
from gateway.settings import Settings


def build_slack(table: SlackTable, settings: Settings, routes: Routes, agents: Agents, report: Report) -> Setup | None:
    """What the gateway needs to be in Slack; none while it has no token. The table is checked in any case."""
    default = _build_conversation(table, "slack", agents, report)
    conversations: dict[str, Conversation] = {}
    for index, one in enumerate(table.conversations):
        key = f"slack.conversations[{index}]"
        if one.id in conversations:
            report.add(f"{key}.id", f"expected an id of its own; {one.id} stands there twice")
        conversations[one.id] = _build_conversation(one, key, agents, report)
    keys = _read_keys(settings)
    if keys is None:
        return None
    options = Options(
        default=default,
        routes=routes,
        conversations=conversations,
        direct_messages=table.direct_messages,
        bot_name=table.bot_name,
        first_rung=Rung[table.preview.upper()],
        unknown_policy=table.unknown_posts,
        retention_days=table.retention_days,
        workspaces=frozenset(table.workspaces),
        trusted=None if keys.bot_token is not None else frozenset(table.workspaces),
    )
    sealing = settings.secret_key.get_secret_value() if settings.secret_key else ""
    return Setup(keys=keys, options=options, sealing_keys=tuple(sealing.split(",")) if sealing else ())


def _build_conversation(
    table: SlackTable | SlackConversationTable, key: str, agents: Agents, report: Report
) -> Conversation:
    if table.agent is not None and AgentId(table.agent) not in agents.by_id:
        report.add(f"{key}.agent", f"there is no agent {table.agent}; expected one of {', '.join(agents.by_id)}")
    patterns: list[re.Pattern[str]] = []
    for index, pattern in enumerate(table.patterns):
        try:
            patterns.append(re.compile(pattern, re.IGNORECASE))
        except re.error as error:
            report.add(f"{key}.patterns[{index}]", f"expected a regular expression; {error}")
    if table.when == "conditions" and not (table.words or table.patterns or table.rule):
        report.add(f"{key}.when", "expected words, patterns or a rule beside conditions")
    rule = Rule(
        mode=table.when,
        words=tuple(table.words),
        patterns=tuple(patterns),
        question=table.rule,
        bots=frozenset(table.bots),
        bot_hops=table.bot_hops,
    )
    return Conversation(rule=rule)


def _read_keys(settings: Settings) -> Keys | None:
    if settings.slack_bot_token is None and settings.slack_client_id is None:
        return None
    return Keys(
        bot_token=_reveal(settings.slack_bot_token),
        client_id=settings.slack_client_id,
        client_secret=_reveal(settings.slack_client_secret),
        signing_secret=_reveal(settings.slack_signing_secret),
        app_token=_reveal(settings.slack_app_token),
        api_url=settings.slack_api_url,
    )


def _reveal(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret is not None else None
