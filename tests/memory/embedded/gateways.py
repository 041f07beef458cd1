"""Helpers: other processes, and what they leave behind."""

import asyncio
import json
import os
import select
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import psutil
import pytest

from memory.embedded.accounts import Account, choose_account
from memory.embedded.binaries import PACKAGE, Binaries, copy_binaries, find_binaries
from memory.embedded.owner import EmbeddedPostgres

ROOT = Path(__file__).resolve().parents[3]
FAST = {"fsync": "off"}
"""Only the loss of power, which no test here brings about, would show the difference."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """A process that owns a server. `said`: the line it printed."""

    process: subprocess.Popen[str]
    said: dict[str, str | int]

    @property
    def pid(self) -> int:
        return int(self.said["pid"])

    @property
    def dsn(self) -> str:
        return str(self.said["dsn"])

    def kill(self) -> None:
        """End the owner as `kill -9` does."""
        self.process.kill()
        self.process.wait(5)


@contextmanager
def run_gateway(data_dir: Path, *how: str, stranger: "Stranger | None" = None) -> Iterator[Gateway]:
    """A process that owns the server of `data_dir`, run as another user where one is given."""
    who = stranger or Stranger(uid=None, python=sys.executable, tree=ROOT)
    with subprocess.Popen(
        [who.python, "-B", "-m", "tests.memory.embedded.gateway_process", str(data_dir), *how],
        cwd=who.tree,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        user=who.uid,
        group=who.uid,
        extra_groups=None if who.uid is None else [],
    ) as process:
        server_pid = 0
        try:
            assert process.stdout is not None
            gateway = Gateway(process=process, said=json.loads(process.stdout.readline()))
            server_pid = int(gateway.said.get("pid", 0))
            yield gateway
        finally:
            process.kill()
            assert server_pid == 0 or has_ended(server_pid)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stranger:
    """A user, a Python, and the code in a place where that user can read it."""

    uid: int | None
    python: str
    tree: Path


def find_python(uid: int) -> str:
    """A Python that is new enough and that the user can run; without one the test is skipped."""
    script = "import sys; sys.exit(sys.version_info < (3, 11))"
    for python in (sys.executable, "/usr/bin/python3", "/usr/local/bin/python3"):
        command = ["/bin/sh", "-c", '"$1" -c "$2"', "sh", python, script]
        probe = subprocess.run(command, cwd="/", user=uid, group=uid, extra_groups=[], capture_output=True, check=False)
        if probe.returncode == 0:
            return python
    pytest.skip(f"the user {uid} can run no Python 3.11 or newer on this machine")


def copy_tree(target: Path) -> None:
    """Copy what a gateway process needs, the server's programs included, to where every user can read it."""
    for part in ("memory/embedded", "tests/memory/embedded"):
        shutil.copytree(ROOT / part, target / part, ignore=shutil.ignore_patterns("__pycache__"))
    copy_binaries(find_binaries(), Binaries(root=target / "packages" / "build"))
    package = target / "packages" / "build" / PACKAGE
    for folder in (package, target / "memory", target / "tests", target / "tests" / "memory"):
        (folder / "__init__.py").touch()
    for name in (PACKAGE, f"{PACKAGE}.libs"):
        (target / name).symlink_to(package.parent / name)
    for path in (target, *target.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o055 if path.is_dir() else 0o044))


@contextmanager
def run_owner(data_dir: Path) -> Iterator[EmbeddedPostgres]:
    """An owner in this process, started."""
    owner = EmbeddedPostgres(data_dir, settings=FAST)
    owner.start()
    try:
        yield owner
    finally:
        owner.stop(is_immediate=True)


@contextmanager
def run_bystander(uid: int | None = None) -> Iterator[psutil.Process]:
    """A process that has nothing to do with any database, of the user that servers here run as unless told."""
    owner_uid = uid if uid is not None else server_account().uid
    drop = owner_uid if os.geteuid() == 0 else None
    with subprocess.Popen(["/bin/sleep", "60"], cwd="/", user=drop) as process:
        try:
            yield psutil.Process(process.pid)
        finally:
            process.kill()


def server_account() -> Account:
    """The user that servers in an ordinary new directory run as."""
    return choose_account(Path("/nowhere"), Path("/nowhere/postgres/data"))


def is_gone(processes: list[psutil.Process]) -> bool:
    """Whether each of these processes ends within ten seconds (one that waits for its parent to look has ended)."""
    return all(has_ended(process.pid) for process in processes)


def has_ended(pid: int) -> bool:
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([fd], [], [], 10)[0])
    finally:
        os.close(fd)


def list_family(pid: int) -> list[psutil.Process]:
    """The process and all below it."""
    parent = psutil.Process(pid)
    return [parent, *parent.children(recursive=True)]


async def until_sleeping(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Return when some backend is in the middle of `pg_sleep`."""
    async with asyncio.timeout(5):
        while not await connection.fetchval("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"):
            pass


async def write_note(dsn: str, text: str) -> None:
    """Commit a row, the only one of its table."""
    connection = await asyncpg.connect(dsn, timeout=5)
    try:
        await connection.execute("DROP TABLE IF EXISTS note")
        await connection.execute("CREATE TABLE note (body text)")
        await connection.execute("INSERT INTO note VALUES ($1)", text)
    finally:
        await connection.close()


async def read_notes(dsn: str) -> list[str]:
    """The row that `write_note` committed, in a list."""
    connection = await asyncpg.connect(dsn, timeout=5)
    try:
        return [row["body"] for row in await connection.fetch("SELECT body FROM note")]
    finally:
        await connection.close()


async def read_setting(dsn: str, name: str) -> str:
    """A setting as the server has it."""
    connection = await asyncpg.connect(dsn, timeout=5)
    try:
        return str(await connection.fetchval("SELECT current_setting($1)", name))
    finally:
        await connection.close()
