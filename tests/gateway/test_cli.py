"""The command line: quick to answer, one line for each fault, exit codes to rely on, and all of it documented."""

import asyncio
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from gateway.cli import parley, run
from tests.gateway.configuring import TOKEN, go_to_bare_place
from tests.support.database import new_database

DOC = Path(__file__).parents[2] / "docs" / "operations.md"
HEAVY = "anthropic asyncpg httpx2 jwt pydantic pydantic_settings starlette structlog uvicorn websockets"


@pytest.fixture(autouse=True)
def bare_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An empty directory and none of our variables."""
    go_to_bare_place(monkeypatch, tmp_path)


async def execute(*arguments: str, **environ: str) -> tuple[int, str, str]:
    """The exit code, the output and the errors of a command in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        env={**os.environ, "PYTHONPATH": str(DOC.parents[1]), **environ},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


def commands(group: click.Group, path: str = "parley") -> Iterator[tuple[str, click.Command]]:
    """Every command there is, by what one types."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, f"{path} {name}")
        else:
            yield f"{path} {name}", command


async def test_help_needs_nothing_heavy() -> None:
    """`parley --help` has to answer at once, so what a command needs is imported when it runs."""
    code = "import sys, gateway.cli; print(sorted(set(sys.argv[1].split()) & set(sys.modules)))"
    assert await execute("-c", code, HEAVY) == (0, "[]\n", "")


def test_every_command_and_option_is_documented() -> None:
    """Docs are tests."""
    text = DOC.read_text()
    for name, command in commands(parley):
        assert f"`{name}`" in text
        assert command.help
        for option in command.params:
            if isinstance(option, click.Option):
                assert all(f"`{flag}`" in text for flag in option.opts)


def test_every_documented_command_is_there() -> None:
    """A command that was renamed must not live on in the docs."""
    told = set(re.findall(r"^\| `(parley [a-z -]+)` \|", DOC.read_text(), re.MULTILINE))
    assert told == {name for name, _ in commands(parley)}


async def test_a_wrong_configuration_is_one_line_each_and_code_2() -> None:
    """Of the environment and of the file; nothing is started."""
    code, out, err = await execute("-m", "gateway.cli", "serve", PARLEY_PORT="x", PARLEY_OPERATOR_TOKEN="changeme")
    assert (code, out) == (2, "")
    assert [line.partition(": expected")[0] for line in err.splitlines()] == [
        "parley: environment: PARLEY_OPERATOR_TOKEN",
        "parley: environment: PARLEY_PORT",
    ]
    Path("parley.toml").write_text("[[site]]\n[widgets]\n")
    code, out, err = await execute("-m", "gateway.cli", "serve")
    assert (code, out, err.splitlines()) == (
        2,
        "",
        [
            "parley: parley.toml: site: unknown key; did you mean sites?",
            "parley: parley.toml: widgets: unknown key; did you mean widget?",
        ],
    )
    assert os.listdir() == ["parley.toml"]  # noqa: PTH208


@pytest.mark.parametrize("arguments", [["gone"], ["serve", "--port", "x"], ["serve", "--workers", "0"], ["db", "dump"]])
def test_a_wrong_command_line_is_code_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """And says what was expected."""
    assert run(arguments) == 2
    assert "Error: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["db", "dump", "a.dump"], "parley: there is no database in .parley\n"),
        (["db", "restore", "a.dump"], "parley: there is no file a.dump\n"),
        (["chat", "--token-file", "gone"], "parley: gone: the file cannot be read\n"),
        (["chat", "--url", "here"], "parley: --url: expected an address such as http://127.0.0.1:8080; found 'here'\n"),
        (
            ["chat", "--url", "http://127.0.0.1:1"],
            "parley: there is no gateway at http://127.0.0.1:1: Connection refused\n",
        ),
    ],
)
async def test_what_fails_is_one_line_and_code_1(arguments: list[str], line: str) -> None:
    """Never a traceback."""
    assert await execute("-m", "gateway.cli", *arguments) == (1, "", line)


async def test_a_gateway_is_looked_for_where_it_would_be_served(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who sets a port for `parley serve` talks to that one."""
    monkeypatch.setenv("PARLEY_PORT", "1")
    line = "parley: there is no gateway at http://127.0.0.1:1: Connection refused\n"
    assert await execute("-m", "gateway.cli", "chat") == (1, "", line)


async def test_help_and_version_are_code_0(capsys: pytest.CaptureFixture[str]) -> None:
    """Somebody looks around."""
    assert run(["--help"]) == run(["db", "dump", "--help"]) == run(["--version"]) == 0
    assert re.search(r"^\d+\.\d+\.\d+$", capsys.readouterr().out, re.MULTILINE)


async def test_the_doctor_fails_when_something_is_wrong() -> None:
    """Deployment scripts ask it first."""
    assert (await execute("-m", "gateway.cli", "doctor", "--quiet", PARLEY_PORT="0"))[0] == 0
    code, out, err = await execute("-m", "gateway.cli", "doctor", "--quiet", PARLEY_PORT="x")
    assert (code, err) == (1, "")
    assert "error    environment: PARLEY_PORT: expected a whole number; found other text" in out.splitlines()


async def test_migrate_says_what_it_did(postgres_url: str) -> None:
    """And the second time that there was nothing to do; a database that is away is one line."""
    async with new_database(postgres_url, is_migrated=False) as url:
        code, out, _ = await execute("-m", "gateway.cli", "migrate", DATABASE_URL=url)
        assert code == 0
        assert out.startswith("applied 0001_")
        assert await execute("-m", "gateway.cli", "migrate", DATABASE_URL=url) == (
            0,
            "PostgreSQL (DATABASE_URL): nothing to do\n",
            "",
        )
    code, out, err = await execute("-m", "gateway.cli", "migrate", DATABASE_URL=f"postgresql://x:{TOKEN}@127.0.0.1:1/y")
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert err.startswith("parley: the database is not reachable: ")
    assert TOKEN not in err
