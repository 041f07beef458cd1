"""One PostgreSQL server for a whole test run, all pytest-xdist workers included.

The process that the person started owns it, so that it ends with that process, `kill -9` included; the workers find
its address in the environment. With PARLEY_TEST_DATABASE_URL set beforehand that server is used and none is started.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from memory.embedded.owner import EmbeddedPostgres

VARIABLE = "PARLEY_TEST_DATABASE_URL"
PREFIX = "parley-test-"
MEMORY = Path("/dev/shm")
MEMORY_BYTES = 4 * 2**30
SETTINGS: Mapping[str, str] = {
    "fsync": "off",
    "full_page_writes": "off",
    "max_connections": "300",
    "shared_buffers": "64MB",
}
"""Nothing of a test run has to survive a loss of power."""


class SharedPostgres:
    """The run's server, started when its address is first asked for."""

    def __init__(self) -> None:
        self._server: EmbeddedPostgres | None = None

    def url(self) -> str:
        """The address of a superuser's database on the server. To be called on the main thread."""
        if VARIABLE not in os.environ:
            remove_leftovers()
            self._server = EmbeddedPostgres(make_open_directory(), settings=SETTINGS)
            self._server.start()
            os.environ[VARIABLE] = self._server.dsn
        return os.environ[VARIABLE]

    def stop(self) -> None:
        """End the server, if it is ours, and remove its files."""
        if self._server is not None:
            del os.environ[VARIABLE]
            self._server.stop(is_immediate=True)
            shutil.rmtree(self._server.home, ignore_errors=True)
            shutil.rmtree(self._server.data_dir, ignore_errors=True)


def find_places() -> list[Path]:
    """Where directories are made: in memory first, where there is enough of it, since a test makes many small files."""
    with suppress(OSError):
        if shutil.disk_usage(MEMORY).free >= MEMORY_BYTES and os.access(MEMORY, os.W_OK):
            return [MEMORY, Path(tempfile.gettempdir())]
    return [Path(tempfile.gettempdir())]


def make_open_directory(*, is_on_disk: bool = False) -> Path:
    """A new directory that the server's user can pass when we are root (pytest's own are closed to it).

    It is locked while this process lives, by which `remove_leftovers` knows that it is in use. `is_on_disk`: figures
    and kills are to be those of a disk.
    """
    directory = Path(tempfile.mkdtemp(prefix=PREFIX, dir=find_places()[-1 if is_on_disk else 0]))
    if os.geteuid() == 0:
        directory.chmod(0o711)
    with suppress(BlockingIOError, FileNotFoundError):
        fcntl.flock(os.open(directory, os.O_RDONLY | os.O_CLOEXEC), fcntl.LOCK_EX | fcntl.LOCK_NB)
        directory.stat()
        return directory
    return make_open_directory(is_on_disk=is_on_disk)  # another run was quicker and removed it


def remove_leftovers() -> None:
    """Remove our directories of processes that were killed."""
    for directory in (found for place in find_places() for found in place.glob(f"{PREFIX}*")):
        with suppress(OSError):
            remove_if_left(directory)


def remove_if_left(directory: Path) -> None:
    """Remove the directory if it is our user's and no living process has locked it; else an OSError."""
    fd = os.open(directory, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(fd).st_uid == os.geteuid():
            shutil.rmtree(directory, ignore_errors=True)
    finally:
        os.close(fd)
