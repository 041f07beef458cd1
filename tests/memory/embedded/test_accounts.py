"""Started by root, by an ordinary user, and by one without a name."""

import os
import pwd
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from memory.embedded import binaries, home
from memory.embedded.errors import BinariesMissingError, DataDirectoryUnusableError
from memory.embedded.owner import EmbeddedPostgres
from tests.memory.embedded.gateways import (
    Stranger,
    copy_tree,
    find_python,
    list_family,
    read_notes,
    run_bystander,
    run_gateway,
    run_owner,
    server_account,
    write_note,
)
from tests.support.postgres import make_open_directory

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can try this")
as_user = pytest.mark.skipif(os.geteuid() == 0, reason="only an ordinary user can try this")


def owned_by(path: Path, name: str) -> Path:
    """Make a directory of that user's."""
    entry = pwd.getpwnam(name)
    path.mkdir()
    os.chown(path, entry.pw_uid, entry.pw_gid)
    return path


@pytest.fixture(scope="module")
def open_tree() -> Iterator[Path]:
    """The code where every user can read it, wherever the project lies."""
    directory = make_open_directory()
    copy_tree(directory)
    yield directory
    shutil.rmtree(directory)


def stranger(name: str, tree: Path) -> Stranger:
    uid = pwd.getpwnam(name).pw_uid
    return Stranger(uid=uid, python=find_python(uid), tree=tree)


@as_root
def test_roots_server_runs_as_somebody_who_may_do_little(data_dir: Path) -> None:
    """PostgreSQL refuses root, and a hole in it should not be one in the machine."""
    with run_owner(data_dir) as owner:
        for process in list_family(owner.pid):
            assert 0 not in (*process.uids(), *process.gids())
            status = Path(f"/proc/{process.pid}/status").read_text()
            assert "CapEff:\t0000000000000000" in status
            assert [line for line in status.splitlines() if line.startswith("Groups:")] == ["Groups:\t "]
        assert (owner.home / "data").stat().st_uid == psutil.Process(owner.pid).uids().real
        for kept in (data_dir, owner.home, owner.home / "server.lock", owner.home / "server.log"):
            assert kept.stat().st_uid == 0


@as_root
async def test_root_in_a_users_directory_leaves_everything_to_that_user(place: Path, open_tree: Path) -> None:
    """Who once started with sudo starts without it the next day."""
    theirs = owned_by(place / "theirs", "daemon")
    with run_owner(theirs / "parley") as owner:
        await write_note(owner.dsn, "by root")
        assert psutil.Process(owner.pid).username() == "daemon"
    with run_gateway(theirs / "parley", stranger=stranger("daemon", open_tree)) as gateway:
        assert await read_notes(gateway.dsn) == ["by root"]


@as_root
async def test_below_closed_parents_root_keeps_the_data_in_the_systems_place(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The wheel's own manager opened the parents (such as /root) to everybody instead."""
    monkeypatch.setattr(home, "SYSTEM_PLACE", place / "system")
    closed = place / "closed"
    closed.mkdir(mode=0o700)
    data_dir = closed / "project" / ".parley"
    with run_owner(data_dir) as owner:
        await write_note(owner.dsn, "kept elsewhere")
        assert owner.home.parent == place / "system"
        assert (data_dir / "postgres").readlink() == owner.home
        assert (owner.home / "data").stat().st_mode & 0o777 == 0o700
        assert str(data_dir) in (owner.home / "origin.txt").read_text()
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    with run_owner(data_dir) as owner:
        assert await read_notes(owner.dsn) == ["kept elsewhere"]
    assert len(list((place / "system").iterdir())) == 1


@as_root
def test_data_that_was_kept_elsewhere_and_is_gone_is_not_replaced_by_an_empty_one(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An empty database in the place of a lost one would look like a fresh start."""
    monkeypatch.setattr(home, "SYSTEM_PLACE", place / "system")
    (place / "parley").mkdir()
    (place / "parley" / "postgres").symlink_to(place / "gone")
    with pytest.raises(DataDirectoryUnusableError, match="which is gone"):
        EmbeddedPostgres(place / "parley").start()


@as_root
def test_data_moved_behind_closed_parents_gets_a_line(place: Path) -> None:
    """Nothing is opened and nothing is copied behind the person's back."""
    with run_owner(place / "parley"):
        pass
    closed = place / "closed"
    closed.mkdir(mode=0o700)
    (place / "parley").rename(closed / "parley")
    with pytest.raises(DataDirectoryUnusableError, match="cannot reach it"):
        EmbeddedPostgres(closed / "parley").start()


@as_root
async def test_programs_below_closed_parents_are_copied_once(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A clone in /root has its .venv there, out of reach for the server's user."""
    closed = place / "closed"
    closed.mkdir(mode=0o700)
    for part in (binaries.PACKAGE, f"{binaries.PACKAGE}.libs"):
        (closed / part).symlink_to(binaries.find_binaries().root / part)
    monkeypatch.setattr(binaries, "find_binaries", lambda: binaries.Binaries(root=closed))
    with run_owner(place / "parley") as owner:
        await write_note(owner.dsn, "by a copy")
        program = Path(psutil.Process(owner.pid).exe())
        assert program.is_relative_to(owner.home / "runtime")
        assert program.stat().st_uid == 0
        assert (program.stat().st_mode & 0o022) == 0
    made_at = program.stat().st_ctime_ns
    (stale := program.parents[4] / "older").mkdir()
    with run_owner(place / "parley") as owner:
        assert await read_notes(owner.dsn) == ["by a copy"]
    assert program.stat().st_ctime_ns == made_at
    program.unlink()
    with run_owner(place / "parley") as owner:
        assert await read_notes(owner.dsn) == ["by a copy"]
    assert not stale.exists()


@as_root
def test_an_ordinary_users_gateway_keeps_everything_to_that_user(place: Path, open_tree: Path) -> None:
    """The same as above for who is not root, tried by a process that has dropped to one."""
    theirs = owned_by(place / "theirs", "daemon")
    daemon = stranger("daemon", open_tree)
    with run_gateway(theirs / "parley", stranger=daemon) as gateway:
        family = list_family(gateway.pid)
        assert all(process.uids().real == daemon.uid for process in family)
        for path in (theirs / "parley", theirs / "parley" / "postgres", theirs / "parley" / "postgres" / "data"):
            assert stat.S_IMODE(path.stat().st_mode) == 0o700
        gateway.kill()
        with run_gateway(theirs / "parley", stranger=daemon) as second:
            assert second.pid


@as_user
def test_an_ordinary_users_directory_is_closed_to_others(data_dir: Path) -> None:
    """The same, where the tests themselves are run by an ordinary user."""
    with run_owner(data_dir) as owner:
        assert psutil.Process(owner.pid).uids().real == os.geteuid()
        assert stat.S_IMODE(owner.home.stat().st_mode) == 0o700


@as_root
def test_a_user_without_a_name_gets_a_line(place: Path, open_tree: Path) -> None:
    """Containers run under numbers that no list knows; initdb would say no more than that it failed."""
    (place / "theirs").mkdir()
    os.chown(place / "theirs", 54321, 54321)
    nameless = Stranger(uid=54321, python=find_python(54321), tree=open_tree)
    with run_gateway(place / "theirs" / "parley", stranger=nameless) as gateway:
        assert gateway.said["kind"] == "NoServerAccountError"
        assert "The user 54321 has no name" in str(gateway.said["error"])
        assert "DATABASE_URL" in str(gateway.said["error"])


@as_root
def test_another_users_data_gets_a_line(data_dir: Path, open_tree: Path) -> None:
    """Root's database, and then somebody starts without root."""
    with run_gateway(data_dir, stranger=stranger("daemon", open_tree)) as gateway:
        assert gateway.said["kind"] == "DataDirectoryUnusableError"
        assert "belongs to another user" in str(gateway.said["error"])


@as_root
def test_data_that_root_owns_gets_a_line(place: Path) -> None:
    """Restored by root from an archive, for one."""
    with run_owner(place / "parley") as owner:
        data = owner.home / "data"
    os.chown(data, 0, 0)
    with pytest.raises(DataDirectoryUnusableError, match=f"must belong to the user {server_account().name}"):
        EmbeddedPostgres(place / "parley").start()


@as_root
async def test_a_living_process_of_another_user_is_not_in_the_way(data_dir: Path) -> None:
    """The number in a stale file may be anybody's."""
    with run_bystander(uid=1) as bystander:
        (data_dir / "postgres" / "data" / "postmaster.pid").write_text(f"{bystander.pid}\n")
        with run_owner(data_dir):
            assert bystander.status() == psutil.STATUS_SLEEPING


def test_programs_that_are_missing_get_a_line(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The wheel does not exist for every machine."""
    monkeypatch.setattr(binaries, "PACKAGE", "no_such_package")
    with pytest.raises(BinariesMissingError, match=r"no package no_such_package.*DATABASE_URL"):
        EmbeddedPostgres(data_dir).start()


def test_programs_that_do_not_run_get_a_line(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One made for another machine, or a file system that runs nothing."""
    folder = place / binaries.PACKAGE / binaries.INSTALL
    shutil.copytree(binaries.find_binaries().root / binaries.PACKAGE / binaries.INSTALL / "share", folder / "share")
    (folder / "bin").mkdir()
    for name in ("postgres", "initdb"):
        (folder / "bin" / name).write_bytes(b"\x7fELF of some other machine")
        (folder / "bin" / name).chmod(0o755)
    monkeypatch.setattr(binaries, "find_binaries", lambda: binaries.Binaries(root=place))
    with pytest.raises(BinariesMissingError):
        EmbeddedPostgres(place / "parley").start()
