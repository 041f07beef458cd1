"""What `kill -9` of the gateway leaves: nothing that runs, and nothing that keeps the next from starting."""

import asyncio
import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path

import asyncpg
import psutil
import pytest

from memory.embedded.errors import ServerStillRunningError
from memory.embedded.owner import EmbeddedPostgres
from memory.embedded.server import Limits
from tests.memory.embedded.gateways import (
    FAST,
    ROOT,
    is_gone,
    list_family,
    read_notes,
    run_gateway,
    run_owner,
    until_sleeping,
    write_note,
)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")


async def test_no_postmaster_and_no_backend_outlives_a_killed_gateway(data_dir: Path) -> None:
    """A server without its gateway would hold the directory and the memory for ever, even one in mid-query.

    Proves: OP-2.
    """
    with run_gateway(data_dir) as gateway:
        connection = await asyncpg.connect(gateway.dsn, timeout=5)
        working = asyncio.create_task(connection.execute("SELECT pg_sleep(600)"))
        busy = await asyncpg.connect(gateway.dsn, timeout=5)
        await until_sleeping(busy)
        family = list_family(gateway.pid)
        assert len(family) > 5
        gateway.kill()
        assert is_gone(family)
        with pytest.raises((asyncpg.PostgresError, ConnectionError)):
            await working
        busy.terminate()
        connection.terminate()


async def test_the_next_gateway_finds_all_that_was_committed(data_dir: Path) -> None:
    """It may start while the killed one's server is still going. Proves: OP-2."""
    with run_gateway(data_dir) as gateway:
        await write_note(gateway.dsn, "committed, then killed")
        gateway.kill()
        with run_owner(data_dir) as owner:
            assert await read_notes(owner.dsn) == ["committed, then killed"]


def test_a_database_left_half_made_is_made_anew(place: Path) -> None:
    """A first start that was cut off must not spoil the directory."""
    data_dir = place / "parley"
    with run_gateway(data_dir, "half") as gateway:
        family = list_family(gateway.process.pid)
        assert (data_dir / "postgres" / "data.new").is_dir()
        assert len(family) > 1
        gateway.kill()
        with run_owner(data_dir) as owner:
            assert owner.is_running
            assert is_gone(family)
    assert not (data_dir / "postgres" / "data.new").exists()


def test_a_server_that_is_still_going_is_waited_for(data_dir: Path) -> None:
    """Its processes hold a lock until the last has gone; meanwhile nothing is started and nobody is harmed."""
    lock_fd = os.open(data_dir / "postgres" / "server.lock", os.O_RDWR)
    fcntl.flock(lock_fd, fcntl.LOCK_EX)
    owner = EmbeddedPostgres(data_dir, settings=FAST)
    starting = owner._start()
    before = {child.pid for child in psutil.Process().children()}
    for _ in range(3):
        assert next(starting) > 0
    assert {child.pid for child in psutil.Process().children()} == before
    os.close(lock_fd)
    for _ in starting:
        pass
    assert owner.is_running
    owner.stop(is_immediate=True)


def test_waiting_for_an_earlier_server_has_an_end(data_dir: Path) -> None:
    """One clear line instead of a start that hangs."""
    lock_fd = os.open(data_dir / "postgres" / "server.lock", os.O_RDWR)
    try:
        fcntl.flock(lock_fd, fcntl.LOCK_EX)
        owner = EmbeddedPostgres(data_dir, limits=Limits(predecessor_s=0))
        with pytest.raises(ServerStillRunningError, match="still serves"):
            owner.start()
    finally:
        os.close(lock_fd)


def test_a_child_whose_parent_has_already_gone_does_not_start() -> None:
    """Between fork and the request for the signal the parent may die, and then no signal ever comes."""
    script = "import signal; from memory.embedded.spawn import tie_to_parent; tie_to_parent(signal.SIGKILL)()"
    orphan = subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=False)  # its parent is not itself
    assert orphan.returncode == 127


def test_a_gateway_that_ends_without_a_word_takes_its_server_along(data_dir: Path) -> None:
    """An end by any other signal, or by an error nobody caught, is no different."""
    with run_gateway(data_dir) as gateway:
        family = list_family(gateway.pid)
        gateway.process.send_signal(signal.SIGTERM)
        assert is_gone(family)
