"""`parley serve` as one process: what it prints, how it ends, and what becomes of turns that run meanwhile."""

import os
import shutil
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.gateway import run_sql
from tests.support.postgres import make_open_directory
from tests.support.serving import Visitor, run_command, served, texts

STORY = "tell me a long story"


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A directory for an embedded database."""
    directory = make_open_directory()
    yield directory
    shutil.rmtree(directory)


async def test_it_says_where_it_is_and_nothing_secret(database_url: str) -> None:
    """The lines go into logs and screenshots."""
    url = database_url.replace("parley@", "parley:sesame-open-9@")
    async with served(DATABASE_URL=url, PARLEY_OPERATOR_TOKEN="tKq8-vN3xR7mW2zL5pB9cD4f") as gateway:
        assert gateway.printed[0] == "Parley is up."
        assert (await gateway.get("/readyz")).status_code == 200
        gateway.send(signal.SIGTERM)
        assert await gateway.wait_gone() == 0
        said = "\n".join(gateway.printed) + gateway.log.read_text(encoding="utf-8")
    assert "sesame" not in said
    assert "tKq8" not in said


async def test_a_port_that_is_taken_is_one_line_and_nothing_was_started(data_dir: Path) -> None:
    """Known before the database is made; and the place is the only thing to change."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        for workers in ("1", "2"):
            code, out, err = await run_command(
                "serve", "--workers", workers, PARLEY_PORT=str(port), PARLEY_DATA_DIR=str(data_dir / "new")
            )
            assert (code, out) == (1, "")
            assert err == (
                f"parley: cannot listen on 127.0.0.1:{port}: Address already in use. Choose another with --port.\n"
            )
    assert not (data_dir / "new").exists()


async def test_a_database_that_is_not_there_is_one_line() -> None:
    """Not a traceback, and not the password."""
    code, _, err = await run_command("serve", DATABASE_URL="postgresql://u:sesame-9@127.0.0.1:1/none")
    assert code == 1
    assert err.startswith("parley: the database is not reachable: ")
    assert err.count("\n") == 1
    assert "sesame" not in err


async def test_a_stop_tells_the_balancer_then_the_people_and_burns_no_attempt(database_url: str) -> None:
    """A deploy must not cut an answer that is nearly there, nor count against one that takes too long.

    Proves: RE-9.
    """
    async with served(DATABASE_URL=database_url) as gateway:
        ann, bob = await Visitor().come(gateway.url), await Visitor().come(gateway.url)
        await bob.say(STORY)
        await ann.say("who are you?")
        await ann.wait_for("d")
        gateway.send(signal.SIGTERM)
        assert (await ann.wait_for("bye"))["reason"] == "restart"
        assert (await gateway.get("/readyz")).status_code == 503
        assert (await gateway.get("/healthz")).status_code == 200
        assert [await ann.wait_closed(), await bob.wait_closed()] == [1012, 1012]
        assert await gateway.wait_gone() == 0
    tasks = await run_sql(database_url, "SELECT state, attempts FROM tasks ORDER BY state")
    assert [tuple(task) for task in tasks] == [("done", 1), ("queued", 0)]
    assert await run_sql(database_url, "SELECT FROM session_leases WHERE owner IS NOT NULL") == []
    assert await run_sql(database_url, "SELECT FROM workers") == []


async def test_a_second_interrupt_hurries_and_the_turn_still_goes_back(database_url: str) -> None:
    """Who presses Ctrl-C twice does not want to wait for a story's end."""
    async with served(DATABASE_URL=database_url) as gateway:
        ann = await Visitor().come(gateway.url)
        await ann.say(STORY)
        await ann.wait_for("d")
        gateway.send(signal.SIGINT)
        await gateway.wait_said("stopping")
        gateway.send(signal.SIGINT)
        assert await gateway.wait_gone() == 0
    [task] = await run_sql(database_url, "SELECT state, attempts FROM tasks")
    assert tuple(task) == ("queued", 0)


async def test_an_embedded_database_that_dies_is_started_again_and_nothing_is_lost(data_dir: Path) -> None:
    """The gateway stays up, and a person who talks to it notices a pause at most."""
    async with served(PARLEY_DATA_DIR=str(data_dir)) as gateway:
        ann = await Visitor().come(gateway.url)
        await ann.say("who are you?")
        await ann.wait_for("d")
        os.kill(gateway.postmaster, signal.SIGQUIT)
        await gateway.wait_said("embedded_database_restarted")
        await ann.wait_for("run", state="done")
        await ann.say("hello")
        await ann.wait_for("run", state="done")
        assert len(texts(ann.seen, "user")) == len(texts(ann.seen, "assistant")) == 2
        assert len(gateway.said("embedded_database_ended")) == 1
        assert (await gateway.get("/readyz")).status_code == 200
        beside = await run_command("dead-letters", "list", "--json", PARLEY_DATA_DIR=str(data_dir))
        assert beside == (0, "[]\n", ""), "an operator can look into the embedded database of a gateway that runs"
        gateway.send(signal.SIGTERM)
        assert await gateway.wait_gone() == 0
