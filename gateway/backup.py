"""`parley db dump` and `parley db restore`: PostgreSQL's own programs, pointed at the gateway's database."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

from gateway.doctor_places import find_holder
from gateway.settings import Settings
from gateway.store import open_store
from memory.backup import prepare_restore
from memory.embedded.accounts import choose_account
from memory.embedded.binaries import find_binaries
from memory.embedded.cluster import DATABASE, USER
from memory.embedded.errors import BinariesMissingError
from memory.embedded.home import Home
from memory.embedded.settings import PORT
from memory.embedded.sockets import build_dsn, read_note
from memory.migrate import migrate

_RLS = "row-level security"
_RLS_HELP = "the role of this address does not see every row: dump with a superuser or a role with BYPASSRLS"


class BackupError(Exception):
    """The database could not be written out or read in."""


def dump_database(settings: Settings, file: Path, *, may_replace: bool = False) -> int:
    """Write the whole database to a file that only its owner can read; the result is its size in bytes.

    The file is whole or not there. Raises `BackupError`, and what the database raises when it cannot be opened.
    """
    if file.exists() and not may_replace:
        raise BackupError(f"{file} is there already: name another file, or use --force")
    if settings.database_url is None and not (settings.data_dir / "postgres").exists():
        raise BackupError(f"there is no database in {settings.data_dir}")
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        with _open_for_dump(settings) as dsn:
            run_program("pg_dump", ["--format=custom", f"--file={draft}"], dsn)
        size_bytes = draft.stat().st_size
        draft.replace(file)
    except OSError as error:
        raise BackupError(f"{file} cannot be written: {error.strerror}") from error
    finally:
        with suppress(OSError):
            draft.unlink()
    return size_bytes


def restore_database(settings: Settings, file: Path) -> None:
    """Read a dump into an empty database and bring it to this version, all or nothing.

    Raises `BackupError`, and what the database raises when it cannot be opened.
    """
    if not file.is_file():
        raise BackupError(f"there is no file {file}")
    with open_store(settings) as store:
        dsn = store.address.direct_dsn
        asyncio.run(prepare_restore(dsn))
        arguments = ["--no-owner", "--single-transaction", "--exit-on-error"]
        run_program("pg_restore", arguments, dsn, str(file.absolute()))
        asyncio.run(migrate(dsn))


@contextmanager
def _open_for_dump(settings: Settings) -> Generator[str, None, None]:
    """The embedded database of a running gateway is dumped beside it."""
    if settings.database_url is None and find_holder(settings.data_dir) is not None:
        yield find_running(settings.data_dir)
        return
    with open_store(settings) as store:
        yield store.address.direct_dsn


def find_running(data_dir: Path) -> str:
    """The address of the embedded database that another process has started in `data_dir`. Raises `BackupError`."""
    link = (data_dir / "postgres").absolute()
    home = Home(path=link.resolve(), account=choose_account(link.parent, link / "data"))
    for sockets in (home.sockets, read_note(home)):
        if sockets is not None and (sockets / f".s.PGSQL.{PORT}").exists():
            return build_dsn(sockets, user=USER, database=DATABASE)
    raise BackupError(f"a gateway uses {data_dir}, and its database is not up yet; try again in a moment")


def run_program(name: str, arguments: Sequence[str], dsn: str, *operands: str) -> None:
    """Run one of PostgreSQL's client programs on a database. Raises `BackupError` with the line that says why not."""
    address, secrets = part_password(dsn)
    command = [find_program(name), "--no-password", *arguments, f"--dbname={address}", *operands]
    done = subprocess.run(  # noqa: S603 - a fixed program; the password is not among the arguments
        command,
        env={**os.environ, **secrets},
        umask=0o077,
        check=False,
        capture_output=True,
        text=True,
        errors="replace",
    )
    if done.returncode != 0:
        raise BackupError(explain_failure(name, done.stderr, done.returncode))


def find_program(name: str) -> str:
    """The program of the embedded server's package, else the system's. Raises `BackupError`."""
    with suppress(BinariesMissingError):
        bundled = Path(find_binaries().postgres).with_name(name)
        if bundled.is_file():
            return str(bundled)
    if installed := shutil.which(name):
        return installed
    raise BackupError(f"there is no {name} here: install PostgreSQL's client programs")


def part_password(dsn: str) -> tuple[str, Mapping[str, str]]:
    """The address without its password, and the variable that hands it over: arguments are for everybody to see."""
    parts = urlsplit(dsn)
    login, at, host = parts.netloc.rpartition("@")
    user, colon, password = login.partition(":")
    options = parse_qsl(parts.query, keep_blank_values=True)
    given = [value for name, value in options if name == "password"]
    rest = urlencode([pair for pair in options if pair[0] != "password"], quote_via=quote)
    address = urlunsplit(parts._replace(netloc=f"{user}{at}{host}", query=rest))
    secret = given[-1] if given else unquote(password) if colon else None
    return address, {} if secret is None else {"PGPASSWORD": secret}


def explain_failure(name: str, said: str, status: int) -> str:
    """One line out of what the program wrote."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    if any(_RLS in line for line in lines):
        return f"{name}: {_RLS_HELP}"
    telling = next((line for line in lines if "error:" in line.lower()), lines[0] if lines else f"ended with {status}")
    return f"{name}: {telling.removeprefix(f'{name}: ').removeprefix('error: ')}"
