"""`parley slack installations`: where the app is installed, and how its tokens stand."""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict

from gateway.address import StoreAddress
from gateway.chat_screen import plain
from gateway.dead_letters import render_json, render_time
from gateway.reach import open_database, reach_store
from gateway.settings import Settings
from memory.sealing import Sealer
from memory.slack_installations import SlackInstallation, TokenState, list_installations

NONE = "No workspace has installed the app by itself."
_HOUR_S, _MINUTE_S = 3600, 60


def list_installed(settings: Settings, *, as_json: bool) -> str:
    """All of them, one a line."""
    secret = settings.secret_key.get_secret_value() if settings.secret_key else ""
    sealer = Sealer(secret.split(",") if secret else ())
    with reach_store(settings) as address:
        found = asyncio.run(_list(address, sealer))
    if as_json:
        return render_json([asdict(one) for one in found])
    return "\n".join(render_line(one) for one in found) or NONE


def render_line(one: SlackInstallation) -> str:
    """One of them in a list."""
    parts = [
        one.installation,
        str(one.about.get("name") or "-"),
        "organisation" if one.about.get("is_org_wide") else "workspace",
        f"since {render_time(one.installed_at)}",
        f"by {one.about.get('installed_by') or 'somebody'}",
        render_token(one),
    ]
    return "  ".join(plain(part).replace("\n", " ") for part in parts)


def render_token(one: SlackInstallation) -> str:
    """How its tokens stand, and what to do where that is needed."""
    match one.token:
        case TokenState.DELETED:
            ended = render_time(one.ended_at) if one.ended_at else "some time ago"
            return f"ended {ended} ({one.ended_by or 'not known why'})"
        case TokenState.LOCKED:
            return "PARLEY_SECRET_KEY does not open its token: put the key of that time after a comma, or install again"
        case TokenState.EXPIRED:
            return f"token expired {render_span(-(one.expires_in_s or 0.0))} ago: renewed by the next call"
        case TokenState.VALID if one.expires_in_s is not None:
            return f"token valid, renewed within {render_span(one.expires_in_s)}"
        case _:
            return "token valid"


def render_span(seconds: float) -> str:
    """So long, for people."""
    minutes = int(seconds // _MINUTE_S)
    return f"{int(seconds // _HOUR_S)} h" if seconds >= 2 * _HOUR_S else f"{max(1, minutes)} min"


async def _list(address: StoreAddress, sealer: Sealer) -> Sequence[SlackInstallation]:
    async with open_database(address) as database:
        return await list_installations(database, sealer)
