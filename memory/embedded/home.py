"""Where the embedded PostgreSQL keeps its things.

<data dir>/postgres.lock      held by the gateway that uses the directory
<data dir>/postgres/          the home; a link to one under /var/lib/parley where root's server cannot get there
    server.lock               held by the server and all its processes
    data/  data.new/          the database; the same while it is being made
    run/                      the socket, where its path is short and plain enough
    socket-dir                names the private directory that holds the socket otherwise
    server.log  server.log.1
    runtime/                  a copy of the programs, where root's server cannot reach the installed ones
"""

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from memory.embedded.accounts import Account
from memory.embedded.errors import DataDirectoryUnusableError

SYSTEM_PLACE = Path("/var/lib/parley")


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """The paths of one embedded database. `path` is absolute and free of links."""

    path: Path
    account: Account

    @property
    def data(self) -> Path:
        return self.path / "data"

    @property
    def staging(self) -> Path:
        return self.path / "data.new"

    @property
    def sockets(self) -> Path:
        return self.path / "run"

    @property
    def socket_note(self) -> Path:
        return self.path / "socket-dir"

    @property
    def server_lock(self) -> Path:
        return self.path / "server.lock"

    @property
    def log(self) -> Path:
        return self.path / "server.log"

    @property
    def runtime(self) -> Path:
        return self.path / "runtime"


def make_data_dir(data_dir: Path, account: Account) -> None:
    """Make the directory where it is missing, closed to others but passable for the server's user."""
    if data_dir.is_dir():
        return
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        data_dir.chmod(0o700 if account.is_self else 0o711)
        account.take_if_owner(data_dir)
    except OSError as error:
        raise DataDirectoryUnusableError(data_dir, error.strerror or str(error)) from error


def open_home(link: Path, account: Account) -> Home:
    """The home at `link`, made where it is missing. The caller holds the gateway's lock.

    Raises DataDirectoryUnusableError.
    """
    try:
        if not link.exists():
            make_home(link, account)
    except OSError as error:
        raise DataDirectoryUnusableError(link, error.strerror or str(error)) from error
    home = Home(path=link.resolve(), account=account)
    if not account.may_enter(home.path):
        reason = f"the user {account.name}, whom the server runs as, cannot reach it; move it to a place that is open"
        raise DataDirectoryUnusableError(home.path, reason)
    return home


def make_home(link: Path, account: Account) -> None:
    """Make the home at `link`, or where the server's user cannot get there in the system's place, with a link."""
    if link.is_symlink():
        reason = f"it leads to {link.readlink()}, which is gone; bring that back, or remove the link to begin anew"
        raise DataDirectoryUnusableError(link, reason)
    if account.may_enter(link.parent):
        link.mkdir()
        link.chmod(0o700 if account.is_self else 0o711)
        account.take_if_owner(link)
        return
    SYSTEM_PLACE.mkdir(mode=0o711, parents=True, exist_ok=True)
    elsewhere = Path(tempfile.mkdtemp(prefix="postgres-", dir=SYSTEM_PLACE))
    elsewhere.chmod(0o711)
    (elsewhere / "origin.txt").write_text(f"The database of {link.parent}, whose parents the server cannot pass.\n")
    link.symlink_to(elsewhere)


def make_private(directory: Path, account: Account) -> None:
    """Make `directory`, which must not exist, for the server's user alone."""
    directory.mkdir(mode=0o700)
    directory.chmod(0o700)
    account.take(directory)


def sync_directory(directory: Path) -> None:
    """Make what was renamed in `directory` last through a loss of power."""
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
