"""`parley slack installations`: what operators see of who installed the app."""

import asyncio
import json
from pathlib import Path

import pytest
from pydantic import SecretStr

from gateway.settings import Settings
from gateway.slack_installed import NONE, list_installed, render_span
from memory.database import Database
from memory.sealing import Sealer
from memory.slack_installations import SlackInstallations
from tests.gateway.configuring import go_to_bare_place
from tests.support.serving import run_command

KEY, OTHER = "0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"
TOKEN = "xoxb-not-to-be-shown"


def settings_with(url: str, key: str | None) -> Settings:
    """An operator's environment."""
    return Settings(database_url=SecretStr(url), secret_key=SecretStr(key) if key else None)


async def install(database: Database, installation: str, expires_in_s: float | None, **about: object) -> None:
    """Somebody installed the app there."""
    named = {"name": f"Company {installation}", "installed_by": "U1", "is_org_wide": False, **about}
    store = SlackInstallations(database, Sealer([KEY]))
    await store.save(installation, {"bot_token": TOKEN}, named, expires_in_s)  # type: ignore[arg-type]


async def test_operators_see_who_installed_the_app_and_how_each_token_stands(
    database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Without it, why a workspace gets no answers is a matter of guessing. Proves: SL-39."""
    go_to_bare_place(monkeypatch, tmp_path)
    settings = settings_with(database_url, KEY)
    assert await asyncio.to_thread(list_installed, settings, as_json=False) == NONE
    await install(database, "T4GONE", None)
    await SlackInstallations(database, Sealer([KEY])).end("T4GONE", 1, 4e9, "app_uninstalled")
    await install(database, "T1", None)
    await install(database, "E2", 7_300.0, is_org_wide=True, name="Group\x1b[2J")
    await install(database, "T3LATE", -120.0)
    shown = await asyncio.to_thread(list_installed, settings, as_json=False)
    first, group, late, gone = shown.splitlines()
    assert first.startswith("T1  Company T1  workspace  since 20")
    assert first.endswith("  by U1  token valid")
    assert group.startswith("E2  Group")
    assert "\x1b" not in group
    assert "organisation" in group
    assert group.endswith("token valid, renewed within 2 h")
    assert late.endswith("token expired 2 min ago: renewed by the next call")
    assert gone.startswith("T4GONE")
    assert gone.endswith("(app_uninstalled)")
    listed = await asyncio.to_thread(list_installed, settings, as_json=True)
    assert [(one["installation"], one["token"]) for one in json.loads(listed)] == [
        ("T1", "valid"),
        ("E2", "valid"),
        ("T3LATE", "expired"),
        ("T4GONE", "deleted"),
    ]
    assert TOKEN not in shown + listed


async def test_a_token_under_another_key_is_told_from_a_good_one(
    database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Who replaced the key has to learn which workspaces it cut off. Proves: SL-39, SL-28."""
    go_to_bare_place(monkeypatch, tmp_path)
    await install(database, "T1", None)
    for key, told in ((OTHER, "does not open"), (f"{OTHER},{KEY}", "token valid"), (None, "token valid")):
        line = await asyncio.to_thread(list_installed, settings_with(database_url, key), as_json=False)
        assert told in line


async def test_the_command_prints_the_list(database: Database, database_url: str) -> None:
    """It runs beside a gateway. Proves: SL-39."""
    await install(database, "T1", None)
    code, out, _ = await run_command("slack", "installations", DATABASE_URL=database_url)
    assert (code, out[:4]) == (0, "T1  ")


def test_spans_are_told_in_minutes_and_then_in_hours() -> None:
    """Nobody reads 40,123 s."""
    assert [render_span(seconds) for seconds in (1, 119, 7_199, 7_200, 43_200)] == [
        "1 min",
        "1 min",
        "119 min",
        "2 h",
        "12 h",
    ]
