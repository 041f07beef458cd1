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
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from memory.embedded.accounts import Account
from memory.embedded.errors import DataDirectoryUnusableError

SYSTEM_PLACE = Path("/var/lib/parley")
PATH_LIMIT_BYTES = 900
"""PostgreSQL's programs cut paths off at 1,023 bytes and put names of their own behind this one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """The paths of one embedded database. `path` is absolute and free of links."""

    path: Path
    account: Account

    @property
    def data(self) -> Path:
        """The cluster itself; it is there once it is whole."""
        return self.path / "data"

    @property
    def staging(self) -> Path:
        """Where a new cluster is made, before it is renamed to `data`."""
        return self.path / "data.new"

    @property
    def sockets(self) -> Path:
        """Where the server's socket is, unless the path would be too long for one."""
        return self.path / "run"

    @property
    def socket_note(self) -> Path:
        """The file that says where the socket is instead."""
        return self.path / "socket-dir"

    @property
    def server_lock(self) -> Path:
        """Held by the process that owns the server, and by the server."""
        return self.path / "server.lock"

    @property
    def log(self) -> Path:
        """What the server writes about itself."""
        return self.path / "server.log"

    @property
    def runtime(self) -> Path:
        """The copy of the server's programs, for an account that cannot read ours."""
        return self.path / "runtime"


def make_data_dir(data_dir: Path, account: Account) -> None:
    """Make the directory where it is missing, closed to others but passable for the server's user."""
    if data_dir.is_dir():
        return
    data_dir.parent.mkdir(parents=True, exist_ok=True)
    try:
        make_passable(data_dir, account)
    except FileExistsError:  # by another gateway, just now
        if not data_dir.is_dir():
            raise


def make_passable(directory: Path, account: Account) -> None:
    """Make `directory` so that only its owner reads it and the server's user can pass it."""
    directory.mkdir(mode=0o700)
    if not account.is_self:
        directory.chmod(0o711)
    account.take_if_owner(directory)


def open_home(link: Path, account: Account) -> Home:
    """The home at `link`, made where it is missing. The caller holds the gateway's lock.

    Raises DataDirectoryUnusableError.
    """
    if not link.exists():
        make_home(link, account)
    home = Home(path=link.resolve(), account=account)
    if len(os.fsencode(home.data)) > PATH_LIMIT_BYTES:
        raise DataDirectoryUnusableError(home.path, "its path is too long for PostgreSQL")
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
        make_passable(link, account)
        return
    if not SYSTEM_PLACE.exists():
        make_passable(SYSTEM_PLACE, account)
    elsewhere = Path(tempfile.mkdtemp(prefix="postgres-", dir=SYSTEM_PLACE))
    elsewhere.chmod(0o711)
    write_new(elsewhere / "origin.txt", f"The database of {link.parent}, whose parents the server cannot pass.\n")
    link.symlink_to(elsewhere)


def make_private(directory: Path, account: Account) -> None:
    """Make `directory`, which must not exist, for the server's user alone."""
    directory.mkdir(mode=0o700)
    account.take(directory)


def write_new(path: Path, text: str) -> None:
    """Write a file in the place of any of that name; a link that somebody put there is not followed."""
    path.unlink(missing_ok=True)
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "w", encoding="utf-8", errors="surrogateescape") as file:
        file.write(text)


def sync_directory(directory: Path) -> None:
    """Make what was renamed in `directory` last through a loss of power, as far as we may look into it."""
    with suppress(PermissionError):
        fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
