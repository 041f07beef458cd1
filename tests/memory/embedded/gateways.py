"""Helpers: other processes, and what they leave behind."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import psutil

from memory.embedded.accounts import Account, choose_account
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
def run_gateway(data_dir: Path, *how: str, uid: int | None = None) -> Iterator[Gateway]:
    """A process that owns the server of `data_dir`, run as the user `uid` where one is given."""
    command = [sys.executable, "-B", "-m", "tests.memory.embedded.gateway_process", str(data_dir), *how]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        user=uid,
        group=uid,
        extra_groups=None if uid is None else [],
    ) as process:
        try:
            assert process.stdout is not None
            yield Gateway(process=process, said=json.loads(process.stdout.readline()))
        finally:
            process.kill()


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
    """Whether all these processes end within five seconds."""
    _, alive = psutil.wait_procs(processes, timeout=5)
    return not alive


def list_family(pid: int) -> list[psutil.Process]:
    """The process and all below it."""
    parent = psutil.Process(pid)
    return [parent, *parent.children(recursive=True)]


async def write_note(dsn: str, text: str) -> None:
    """Commit a row."""
    connection = await asyncpg.connect(dsn, timeout=5)
    try:
        await connection.execute("CREATE TABLE IF NOT EXISTS note (body text)")
        await connection.execute("INSERT INTO note VALUES ($1)", text)
    finally:
        await connection.close()


async def read_notes(dsn: str) -> list[str]:
    """The rows that `write_note` committed."""
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
