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
RUN_PREFIX = "parley-tests-run-"
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
            self._server = EmbeddedPostgres(make_open_directory(RUN_PREFIX), settings=SETTINGS)
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


def make_open_directory(prefix: str = "parley-tests-") -> Path:
    """A new directory that the server's user can pass when we are root (pytest's own are closed to it)."""
    directory = Path(tempfile.mkdtemp(prefix=prefix))
    if os.geteuid() == 0:
        directory.chmod(0o711)
    return directory


def remove_leftovers() -> None:
    """Remove the files of runs that were killed: those whose lock was taken once and is free now."""
    for lock in Path(tempfile.gettempdir()).glob(f"{RUN_PREFIX}*/postgres.lock"):
        with suppress(OSError), lock.open("r+") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if file.read():
                shutil.rmtree(lock.parent, ignore_errors=True)
