"""The tools that every agent may be given by name."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, tzinfo
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field

from agent.errors import ToolError
from agent.tools import Tool, build_tool
from gateway.calculator import NotComputableError, compute

Clock = Callable[[], datetime]


def _utc_now() -> datetime:
    return datetime.now(UTC)


def build_current_time(clock: Clock = _utc_now) -> Tool:
    """The tool `current_time`; `clock` gives an aware time."""

    def current_time(
        timezone: Annotated[
            str, Field(max_length=100, description="An IANA time zone such as Europe/Paris, or UTC")
        ] = "UTC",
    ) -> str:
        """Tell the date, the day of the week and the time of day right now in a time zone."""
        now = clock().astimezone(_find_zone(timezone.strip()))
        return (
            f"{now:%A}, {now.day} {now:%B %Y}, {now:%H:%M} in {timezone.strip()} ({now.isoformat(timespec='seconds')})"
        )

    return build_tool(current_time, title="Looking at the clock", is_repeatable=True)


def build_calculate() -> Tool:
    """The tool `calculate`."""

    def calculate(expression: Annotated[str, Field(description="Such as (3 + 4) * 2.5 or sqrt(2)")]) -> str:
        """Work out an arithmetic expression exactly. Use it for every sum, rather than reckon yourself."""
        try:
            return compute(expression)
        except NotComputableError as error:
            raise ToolError(f"expression: {error}") from None

    return build_tool(calculate, title="Calculating", is_repeatable=True)


BUILTIN_TOOLS: Mapping[str, Callable[[], Tool]] = {"current_time": build_current_time, "calculate": build_calculate}


def _find_zone(name: str) -> tzinfo:
    if name.upper() in {"UTC", "GMT", "Z"}:
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ToolError("timezone: expected an IANA time zone such as Europe/Paris, or UTC") from None
