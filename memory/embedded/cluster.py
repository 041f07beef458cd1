"""The database on disk: made whole or not at all, and looked at before a server is let near it."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Generator, Sequence
from dataclasses import dataclass

from memory.embedded.binaries import SERVER_VERSION, Binaries, open_to_shells
from memory.embedded.errors import (
    DataDirectoryUnusableError,
    InitFailedError,
    NoServerAccountError,
    WrongServerVersionError,
)
from memory.embedded.home import Home, make_private, sync_directory
from memory.embedded.log import read_tail
from memory.embedded.spawn import spawn
from memory.embedded.steps import Steps

USER = "parley"
DATABASE = "parley"
RENAME = f"ALTER DATABASE postgres RENAME TO {DATABASE};\n"
INITDB_OPTIONS = (
    f"--username={USER}",
    "--encoding=UTF8",
    "--locale-provider=builtin",
    "--locale=C.UTF-8",
    "--auth-local=trust",
    "--auth-host=reject",
    "--no-instructions",
    "--no-sync",  # once, at the end
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """What the programs that make the database work with: where, which, and the descriptors they write to and hold.

    `is_durable`: all of it has to be on disk before it counts as made.
    """

    home: Home
    binaries: Binaries
    log_fd: int
    lock_fd: int
    is_durable: bool


def prepare_cluster(shop: Workshop) -> Steps:
    """Make the database where there is none; refuse one that this server cannot serve.

    Raises WrongServerVersionError, DataDirectoryUnusableError, NoServerAccountError, InitFailedError.
    """
    home = shop.home
    if home.staging.exists():  # left by one that was killed; the lock says that nobody works in it any more
        shutil.rmtree(home.staging)
    if home.data.exists():
        check_cluster(home)
    else:
        yield from make_cluster(shop)


def check_cluster(home: Home) -> None:
    """Whether the data is of this server's version and user."""
    version_file = home.data / "PG_VERSION"
    try:
        found = version_file.read_text().strip()
        owner_uid = home.data.stat().st_uid
    except FileNotFoundError as error:
        raise DataDirectoryUnusableError(home.data, "there is no database in it; move it away") from error
    except PermissionError as error:
        raise DataDirectoryUnusableError(
            home.data, "it belongs to another user; start the gateway as that one"
        ) from error
    if owner_uid != home.account.uid:
        raise DataDirectoryUnusableError(home.data, f"it must belong to the user {home.account.name}; chown -R it")
    if found != SERVER_VERSION:
        raise WrongServerVersionError(home.data, found=found, expected=SERVER_VERSION)


def make_cluster(shop: Workshop) -> Steps:
    """Make the database beside its place and move it there when it is whole and on disk."""
    home = shop.home
    if not home.account.name:
        reason = f"The user {home.account.uid} has no name on this system; give it one in /etc/passwd"
        raise NoServerAccountError(reason)
    make_private(home.staging, home.account)
    with open_to_shells(shop.binaries) as binaries:
        yield from fill_cluster(shop, binaries)
    home.staging.rename(home.data)
    sync_directory(home.path)
    sync_directory(home.path.parent)


def fill_cluster(shop: Workshop, binaries: Binaries) -> Steps:
    """Make the database in the staging directory, and all of it reach the disk."""
    home = shop.home
    staging, begin = str(home.staging), os.fstat(shop.log_fd).st_size
    commands = [
        ([binaries.initdb, "-D", staging, *INITDB_OPTIONS], ""),
        ([binaries.postgres, "--single", "-D", staging, "-F", "-c", "exit_on_error=on", "template1"], RENAME),
    ]
    if shop.is_durable:
        commands.append(([binaries.initdb, "-D", staging, "--sync-only"], ""))
    for command, sql in commands:
        status = yield from run_program(shop, command, sql)
        if status != 0:
            what = f"The database could not be set up ({command[0]} ended with {status})."
            raise InitFailedError(what, home.log, read_tail(shop.log_fd, begin))


def run_program(shop: Workshop, command: Sequence[str], stdin: str) -> Generator[float, None, int]:
    """Run a program of the server's to its end; the result is its exit status."""
    with tempfile.TemporaryFile() as source:
        source.write(stdin.encode())
        source.seek(0)
        process = spawn(
            command,
            account=shop.home.account,
            output_fd=shop.log_fd,
            lock_fd=shop.lock_fd,
            death_signal=signal.SIGKILL,
            stdin_fd=source.fileno(),
        )
    return (yield from await_end(process))


def await_end(process: subprocess.Popen[bytes]) -> Generator[float, None, int]:
    """Wait for the program to end; should the waiting itself be ended, so is the program."""
    try:
        while (status := process.poll()) is None:
            yield 0.005
        return status
    finally:
        if process.returncode is None:
            process.kill()
            process.wait()
