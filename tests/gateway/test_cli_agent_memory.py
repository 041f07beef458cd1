"""`parley agent-memory`, as an operator types it."""

import asyncio
import json
from pathlib import Path

import pytest

from gateway.cli import FAILED, MISUSED, run
from tests.gateway.test_agent_memories import HOURS
from tests.support.gateway import run_sql


async def command(*arguments: str) -> int:
    """The exit code; the command makes an event loop of its own."""
    return await asyncio.to_thread(run, ["agent-memory", *arguments])


async def test_an_operator_writes_decides_and_goes_back(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """From the terminal, against the same store that the gateway reads. Proves: AM-2."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    text = tmp_path / "hours.md"
    for n, hours in enumerate(("9-5", "9-6"), 1):
        text.write_text(f"# Hours\n{hours}", encoding="utf-8")
        assert (
            await command("edit", "support", HOURS, "--text-file", str(text), "--cause", f"no. {n}", "--by", "sam") == 0
        )
    await run_sql(
        database_url,
        "INSERT INTO agent_memory_revisions (agent_id, name, revision, markdown, state, author, cause, based_on)"
        " SELECT 'support', 'hours.md', n, 'x', 'proposed', 'agent', 'heard', 2 FROM unnest(ARRAY[3, 4]) n",
    )
    capsys.readouterr()
    assert await command("list", "support") == 0
    assert capsys.readouterr().out == "hours.md  revision 2  11 characters\n"
    assert await command("show", "support", HOURS) == 0
    assert capsys.readouterr().out == "# Hours\n9-6\n"
    assert await command("revisions", "support", "--proposed", "--json") == 0
    assert {row["revision"] for row in json.loads(capsys.readouterr().out)} == {3, 4}
    assert await command("reject", "support", HOURS, "3") == 0
    assert await command("approve", "support", HOURS, "4", "--by", "kim") == 0
    assert await command("rollback", "support", HOURS, "1") == 0
    capsys.readouterr()
    assert await command("show", "support", HOURS) == 0
    assert capsys.readouterr().out == "# Hours\n9-5\n"
    assert await command("approve", "support", HOURS, "3") == FAILED
    assert await command("show", "support", "other.md") == FAILED
    assert await command("edit", "support", HOURS, "--cause", "x") == MISUSED
    assert await command("edit", "support", "other.md", "--remove", "--cause", "closed") == FAILED
    assert await command("edit", "support", HOURS, "--remove", "--cause", "closed") == 0
    capsys.readouterr()
    assert await command("list", "support") == 0
    assert capsys.readouterr().out == "The agent support has no files.\n"
    assert await command("revisions", "support", HOURS) == 0
    assert "takes the file away" in capsys.readouterr().out
    assert await command("edit", "support", HOURS, "--remove", "--cause", "closed") == FAILED
