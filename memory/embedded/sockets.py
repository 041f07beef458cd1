"""Where the server's socket lies, and the address that leads to it."""

import os
import re
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from memory.embedded.errors import DataDirectoryUnusableError
from memory.embedded.home import Home, make_private, write_new
from memory.embedded.settings import PORT

LIMIT_BYTES = 107
"""What the system takes as the path of a socket (108 with the closing zero on Linux)."""
PLAIN = re.compile(r"[A-Za-z0-9/._+@~-]+")
"""Paths that server, libpq and asyncpg all read alike; a comma, for one, parts two hosts."""
PREFIX = "parley-pg-"


def is_fit(directory: Path) -> bool:
    """Whether a socket in `directory` can be bound and named in an address."""
    path = f"{directory}/.s.PGSQL.{PORT}"
    return len(os.fsencode(path)) <= LIMIT_BYTES and PLAIN.fullmatch(path) is not None


def make_socket_dir(home: Home) -> Path:
    """A new private directory for the socket: in the home, or where that path does not do, a temporary one.

    The path stays the same until `remove_socket_dir`. No server may be running: what a dead one left there names its
    process number, which by now may be anybody's and would hold up the next.
    """
    if is_fit(home.sockets):
        shutil.rmtree(home.sockets, ignore_errors=True)
        make_private(home.sockets, home.account)
        return home.sockets
    noted = read_note(home)
    if noted is not None:
        remove_own(noted, home)
        with suppress(FileExistsError):  # somebody else's
            make_private(noted, home.account)
            return noted
    return make_temporary(home)


def make_temporary(home: Home) -> Path:
    """A private directory under a short path, noted in the home so that one left by a killed gateway is found."""
    for place in dict.fromkeys((Path(tempfile.gettempdir()), Path("/tmp"))):  # noqa: S108 - mkdtemp makes it private
        directory = Path(tempfile.mkdtemp(prefix=PREFIX, dir=place))
        home.account.take(directory)
        if is_fit(directory) and home.account.may_enter(directory):
            write_new(home.socket_note, str(directory))
            return directory
        directory.rmdir()
    raise DataDirectoryUnusableError(home.path, "its path does not do for a socket, nor does the temporary directory's")


def remove_socket_dir(home: Home) -> None:
    """Remove the socket's directory."""
    shutil.rmtree(home.sockets, ignore_errors=True)
    noted = read_note(home)
    if noted is not None:
        remove_own(noted, home)
        home.socket_note.unlink()


def read_note(home: Home) -> Path | None:
    """The temporary directory that the home names, if its name is one of ours."""
    if not home.socket_note.is_file():
        return None
    directory = Path(home.socket_note.read_text())
    return directory if directory.name.startswith(PREFIX) and is_fit(directory) else None


def remove_own(directory: Path, home: Home) -> None:
    """Remove the directory if it is the server's user's."""
    with suppress(FileNotFoundError):
        if directory.lstat().st_uid == home.account.uid:
            shutil.rmtree(directory, ignore_errors=True)


def build_dsn(sockets: Path, *, user: str, database: str) -> str:
    """The address in a form that asyncpg and libpq read; the port is in it so that PGPORT has no say."""
    return f"postgresql://{user}@/{database}?host={quote(str(sockets), safe='')}&port={PORT}"
