"""The run's own server: there for every test, and gone with the run."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest

from memory.embedded import pidfile
from tests.memory.embedded.gateways import has_ended
from tests.support.postgres import VARIABLE, SharedPostgres, remove_leftovers

ROOT = Path(__file__).resolve().parents[2]
RUN = f"""
import os, sys
os.environ.pop("{VARIABLE}", None)
from tests.support.postgres import SharedPostgres
print(SharedPostgres().url(), flush=True)
sys.stdin.read()
"""


@contextmanager
def another_run() -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """A process that has a run's server, and the directory where it keeps it."""
    command = [sys.executable, "-c", RUN]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            address = urlsplit(process.stdout.readline().strip())
            yield process, Path(parse_qs(address.query)["host"][0]).parents[1]
        finally:
            process.kill()


async def test_the_run_has_a_postgresql_that_takes_connections(postgres_url: str) -> None:
    """Everything that stores is tested against the real thing."""
    connection = await asyncpg.connect(postgres_url, timeout=5)
    try:
        assert await connection.fetchval("SELECT current_setting('server_version_num')::int") >= 160000
    finally:
        await connection.close()


def test_a_server_that_is_named_is_used_and_none_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    """That is how the workers of one run share theirs, and how a person brings their own."""
    monkeypatch.setenv(VARIABLE, "postgresql://somewhere/else")
    shared = SharedPostgres()
    assert shared.url() == "postgresql://somewhere/else"
    shared.stop()
    assert SharedPostgres().url() == "postgresql://somewhere/else"


def test_a_killed_run_leaves_no_server_and_the_next_removes_its_files() -> None:
    """Runs are killed all the time, and neither memory nor disk may fill up."""
    with another_run() as (process, directory):
        server_pid = pidfile.read_pid(directory / "postgres" / "data")
        assert server_pid is not None
        remove_leftovers()
        assert directory.exists()
        process.kill()
        assert has_ended(server_pid)
    remove_leftovers()
    assert not directory.exists()
