"""A `postmaster.pid` that a crash left behind. By now its number may be anybody's."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from memory.embedded import pidfile
from memory.embedded.accounts import choose_account
from memory.embedded.binaries import provide_binaries
from memory.embedded.errors import ServerStillRunningError
from memory.embedded.owner import EmbeddedPostgres
from memory.embedded.server import Limits
from memory.embedded.settings import server_command
from tests.memory.embedded.gateways import FAST, is_gone, list_family, read_setting, run_bystander, run_owner


def leave_pid_file(data_dir: Path, text: str) -> None:
    """Put a file there as a server that was killed leaves it: the server's own user's."""
    data = data_dir / "postgres" / "data"
    path = data / "postmaster.pid"
    path.write_text(text)
    path.chmod(0o600)
    os.chown(path, data.stat().st_uid, data.stat().st_gid)


def stale_text(data_dir: Path, pid: int) -> str:
    """What a server wrote that ran as `pid`."""
    home = data_dir / "postgres"
    return f"{pid}\n{home}/data\n1700000000\n5432\n{home}/run\n\n  8192000 32768\nready   \n"


@pytest.mark.parametrize("sign", [1, -1], ids=["server", "single-user"])
def test_a_living_process_that_has_the_number_is_not_touched_and_not_in_the_way(data_dir: Path, sign: int) -> None:
    """The wheel's own manager ended it. PostgreSQL by itself would refuse to start."""
    with run_bystander() as bystander:
        leave_pid_file(data_dir, stale_text(data_dir, sign * bystander.pid))
        with run_owner(data_dir) as owner:
            assert owner.pid != bystander.pid
            assert bystander.status() == psutil.STATUS_SLEEPING
        assert bystander.status() == psutil.STATUS_SLEEPING


def test_the_sockets_own_lock_file_is_not_in_the_way_either(data_dir: Path) -> None:
    """It holds a process number too, and PostgreSQL asks it the same question."""
    with run_bystander() as bystander:
        sockets = data_dir / "postgres" / "run"
        sockets.mkdir()
        (sockets / ".s.PGSQL.5432.lock").write_text(stale_text(data_dir, bystander.pid))
        (sockets / ".s.PGSQL.5432.lock").chmod(0o644)
        with run_owner(data_dir):
            assert bystander.status() == psutil.STATUS_SLEEPING


@pytest.mark.parametrize("text", ["", "\n", "no number\n", "0\n"])
def test_a_file_that_a_loss_of_power_cut_off_is_not_in_the_way(data_dir: Path, text: str) -> None:
    """PostgreSQL takes an empty one for a server that is just starting."""
    leave_pid_file(data_dir, text)
    with run_owner(data_dir) as owner:
        assert owner.is_running


def test_a_file_that_names_nobody_is_left_for_postgresql_to_judge(data_dir: Path) -> None:
    """It also looks at the memory that backends of the dead server may still share."""
    with run_bystander() as bystander:
        gone = bystander.pid
    leave_pid_file(data_dir, stale_text(data_dir, gone))
    pidfile.remove_foreign(data_dir / "postgres" / "data")
    assert pidfile.read_pid(data_dir / "postgres" / "data") == gone
    with run_owner(data_dir) as owner:
        assert owner.is_running


@contextmanager
def run_foreign_server(data_dir: Path) -> Iterator[int]:
    """A server of another tool on the same data, ready; its process number."""
    data = data_dir / "postgres" / "data"
    account = choose_account(data_dir, data)
    binaries = provide_binaries(account, data_dir / "postgres" / "runtime")
    user = None if account.is_self else account.uid
    command = server_command(binaries, data, data, FAST)
    with subprocess.Popen(command, user=user, group=user, cwd="/", stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "ready to accept connections" in line:
                break
        yield process.pid
        process.send_signal(signal.SIGQUIT)
        process.communicate(timeout=5)


async def test_a_real_server_of_somebody_else_is_left_alone_and_named(data_dir: Path) -> None:
    """Two servers on the same files would ruin them, and the other one is not ours to end."""
    with run_foreign_server(data_dir) as pid:
        family = list_family(pid)
        owner = EmbeddedPostgres(data_dir, limits=Limits(predecessor_s=0.05))
        with pytest.raises(ServerStillRunningError, match=rf"process {pid}\b") as caught:
            owner.start()
        assert "\n" not in str(caught.value)
        assert all(process.is_running() for process in family)
    assert is_gone(family)
    with run_owner(data_dir) as own:
        assert await read_setting(own.dsn, "cluster_name") == "parley"


def test_readiness_is_believed_of_our_own_child_only(tmp_path: Path) -> None:
    """A file that an earlier server left says `ready` too."""
    (tmp_path / "postmaster.pid").write_text("41\n/d\n1\n5432\n/s\n\n 1 2\nready   \n")
    assert pidfile.is_ready(tmp_path, 41)
    assert not pidfile.is_ready(tmp_path, 42)
    (tmp_path / "postmaster.pid").write_text("41\n/d\n1\n5432\n/s\n\n 1 2\nstarting\n")
    assert not pidfile.is_ready(tmp_path, 41)
    (tmp_path / "postmaster.pid").unlink()
    assert not pidfile.is_ready(tmp_path, 41)
