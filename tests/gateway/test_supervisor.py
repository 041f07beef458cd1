"""`parley serve --workers`: several processes behind one port, and one that looks after them."""

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest

from tests.support.gateway import run_sql
from tests.support.postgres import make_open_directory
from tests.support.serving import Visitor, run_command, served, texts, until

SECRET = "sesame-open-9"


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A directory for an embedded database."""
    directory = make_open_directory()
    yield directory
    shutil.rmtree(directory)


async def test_two_workers_serve_one_port_and_end_together(database_url: str) -> None:
    """Said once, when both are up. A stop and a hurry reach both, and the turn that ran goes back. Proves: OP-1."""
    url = database_url.replace("parley@", f"parley:{SECRET}@")
    async with served("--workers", "2", DATABASE_URL=url) as gateway:
        assert [line for line in gateway.printed if line.startswith("  workers")] == ["  workers   2"]
        assert len(gateway.workers) == 2
        listening = [
            {c.laddr.port for c in psutil.Process(pid).net_connections("tcp") if c.status == "LISTEN"}
            for pid in gateway.workers
        ]
        assert listening[0] == listening[1] == {int(gateway.url.rpartition(":")[2])}
        assert all(SECRET not in " ".join(child.cmdline()) for child in gateway.children)
        assert len(await run_sql(database_url, "SELECT FROM workers")) == 2
        ann = await Visitor().come(gateway.url)
        await ann.say("tell me a long story")
        await ann.wait_for("d")
        gateway.send(signal.SIGTERM)
        assert (await ann.wait_for("bye"))["reason"] == "restart"
        assert await ann.wait_closed() == 1012
        gateway.send(signal.SIGINT)
        assert await gateway.wait_gone() == 0
        assert SECRET not in "\n".join(gateway.printed) + gateway.log.read_text(encoding="utf-8")
    assert await run_sql(database_url, "SELECT FROM workers") == []
    [task] = await run_sql(database_url, "SELECT state, attempts FROM tasks")
    assert tuple(task) == ("queued", 0)


async def test_a_worker_that_is_killed_is_replaced_and_its_turn_is_taken_over(database_url: str) -> None:
    """A crash costs the people in one worker a second or two, and nobody an answer. Proves: OP-1."""
    async with served("--workers", "2", DATABASE_URL=database_url) as gateway:
        ann = await Visitor().come(gateway.url)
        await ann.say("who are you?")
        await ann.wait_for("d")
        before = gateway.workers
        for pid in before:  # one of them runs the turn, and Ann may be with the other
            os.kill(pid, signal.SIGKILL)
        await until(lambda: len(gateway.workers) == 2 and not set(gateway.workers) & set(before))
        await gateway.wait_said("recovered")
        await ann.come(gateway.url)
        await ann.wait_for("run", state="done")
        assert len(texts(ann.seen, "assistant")) == 1
        assert {line["status"] for line in gateway.said("worker_ended")} == {-9}
        gateway.send(signal.SIGTERM)
        assert await gateway.wait_gone() == 0
    [task] = await run_sql(database_url, "SELECT state, attempts FROM tasks")
    assert tuple(task) == ("done", 2)


async def test_the_workers_keep_going_while_their_embedded_database_is_started_again(data_dir: Path) -> None:
    """And when the supervisor is killed outright, workers and database go with it."""
    async with served("--workers", "2", PARLEY_DATA_DIR=str(data_dir)) as gateway:
        workers = gateway.workers
        ann = await Visitor().come(gateway.url)
        await ann.say("who are you?")
        await ann.wait_for("d")
        os.kill(gateway.postmaster, signal.SIGQUIT)
        await gateway.wait_said("embedded_database_restarted")
        await ann.wait_for("run", state="done")
        assert gateway.workers == workers
        family = gateway.children
        assert len(family) > 5
        gateway.send(signal.SIGKILL)
        assert psutil.wait_procs(family, timeout=5)[1] == []


async def test_workers_that_do_not_fit_into_the_database_are_one_line(database_url: str) -> None:
    """Before any of them is started."""
    other = await asyncpg.connect(database_url)
    try:
        name = await other.fetchval("SELECT current_database()")
        await other.execute(f"ALTER DATABASE {name} CONNECTION LIMIT 9")
        code, out, err = await run_command("serve", "--workers", "4", DATABASE_URL=database_url)
    finally:
        await other.close()
    assert (code, out) == (1, "")
    assert err.startswith("parley: 4 workers need 25 connections, and the database has ")
    assert err.count("\n") == 1
