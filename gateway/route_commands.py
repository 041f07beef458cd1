"""`parley routes`: which agent answers where, in words."""

from collections.abc import Mapping

from agent.routing import NAMES, Route, Routes, Spot
from gateway.command_errors import CommandError

CHANNEL_OF = {"site": "widget", "workspace": "slack", "conversation": "slack", "caller": "api"}


def list_routes(routes: Routes) -> str:
    """The rules, one a line, and who answers where none fits."""
    lines = [f"{rule.agent_id}  {_describe(rule)}  ({rule.key})" for rule in routes.rules]
    return "\n".join([*lines, f"{routes.default_id}  everywhere else  (the first agent)"])


def explain_spot(routes: Routes, channel: str | None, names: Mapping[str, str | None]) -> str:
    """Who answers in a place, and which rule says so. Raises `CommandError` for a place that cannot be."""
    channels = {CHANNEL_OF[name] for name, value in names.items() if value} | ({channel} if channel else set())
    if len(channels) != 1:
        raise CommandError(f"expected names of one channel; found {' and '.join(sorted(channels))}")
    spot = Spot(channel=channels.pop(), **names)
    rule = routes.find(spot)
    return f"{rule.agent_id}  ({rule.key})" if rule else f"{routes.default_id}  (no rule fits: the first agent)"


def _describe(rule: Route) -> str:
    return ", ".join(f"{name} {getattr(rule, name)}" for name in NAMES if getattr(rule, name)) or "everywhere"
