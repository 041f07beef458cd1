"""Where the server's socket lies, and the address that leads to it."""

import re
import shutil
import tempfile
from pathlib import Path
from urllib.parse import quote

from memory.embedded.errors import DataDirectoryUnusableError
from memory.embedded.home import Home, make_private
from memory.embedded.settings import PORT

LIMIT_BYTES = 107
"""What the system takes as the path of a socket (108 with the closing zero on Linux)."""
PLAIN = re.compile(r"[A-Za-z0-9/._+@~-]+")
"""Paths that server, libpq and asyncpg all read alike; a comma, for one, parts two hosts."""
PREFIX = "parley-pg-"


def is_fit(directory: Path) -> bool:
    """Whether a socket in `directory` can be bound and named in an address."""
    path = f"{directory}/.s.PGSQL.{PORT}"
    return len(path.encode()) <= LIMIT_BYTES and PLAIN.fullmatch(path) is not None


def make_socket_dir(home: Home) -> Path:
    """A new private directory for the socket: in the home, or where that path does not do, a temporary one."""
    remove_socket_dir(home)
    if is_fit(home.sockets):
        make_private(home.sockets, home.account)
        return home.sockets
    for place in dict.fromkeys((Path(tempfile.gettempdir()), Path("/tmp"))):  # noqa: S108 - mkdtemp makes it private
        directory = Path(tempfile.mkdtemp(prefix=PREFIX, dir=place))
        home.account.take(directory)
        if is_fit(directory) and home.account.may_enter(directory):
            home.socket_note.write_text(str(directory))
            return directory
        directory.rmdir()
    raise DataDirectoryUnusableError(
        home.path, "its path is too long for a socket, and so is the temporary directory's"
    )


def remove_socket_dir(home: Home) -> None:
    """Remove the socket's directory of this run or of one that was killed. No server may be running.

    What a dead server left there names its process number, which by now may be anybody's and would hold up the next.
    """
    shutil.rmtree(home.sockets, ignore_errors=True)
    if not home.socket_note.is_file():
        return
    directory = Path(home.socket_note.read_text())
    is_ours = directory.name.startswith(PREFIX) and directory.is_dir() and not directory.is_symlink()
    if is_ours and directory.stat().st_uid == home.account.uid:
        shutil.rmtree(directory, ignore_errors=True)
    home.socket_note.unlink(missing_ok=True)


def build_dsn(sockets: Path, *, user: str, database: str) -> str:
    """The address in a form that asyncpg and libpq read; the port is in it so that PGPORT has no say."""
    return f"postgresql://{user}@/{database}?host={quote(str(sockets), safe='')}&port={PORT}"
