"""What may be wrong with the places a gateway needs: a database, a data directory, a port.

Faults are pairs: whether nothing works with it, and one line about it.
"""

import asyncio
import os
import socket
from pathlib import Path
from typing import TypeAlias

from agent.errors import StoreUnavailableError
from memory.database import Database, store_errors
from memory.embedded.accounts import choose_account, nearest_existing
from memory.embedded.binaries import find_binaries
from memory.embedded.errors import EmbeddedPostgresError
from memory.embedded.locks import try_lock
from memory.errors import StoreSetupError
from memory.migrate import pending_migrations

DATABASE_TIMEOUT_S = 10.0

Fault: TypeAlias = tuple[bool, str]


async def find_database_faults(dsn: str) -> list[Fault]:
    """Whether the server is there, fits this version, and keeps people's data apart."""
    try:
        async with asyncio.timeout(DATABASE_TIMEOUT_S):
            with store_errors():
                pending = await pending_migrations(dsn)
            if pending:
                return [(False, f"the next start applies {len(pending)} migrations ({', '.join(pending)})")]
            database = await Database.open(dsn, size=1)
            await database.close()
    except (StoreUnavailableError, TimeoutError) as error:
        return [(True, f"not reachable: {' '.join(str(error).split()) or 'no answer'}")]
    except StoreSetupError as error:
        return [(True, str(error))]
    return []


def find_embedded_faults(data_dir: Path) -> list[Fault]:
    """Whether the embedded database could be started in this directory. Nothing is made there."""
    place = nearest_existing(data_dir.absolute())
    if not place.is_dir():
        return [(True, f"{place} is not a directory")]
    try:
        find_binaries()
        choose_account(data_dir.absolute(), data_dir.absolute() / "postgres" / "data")
        if pid := find_holder(data_dir):
            return [(False, f"{data_dir} is in use by a gateway (process {pid})")]
    except (EmbeddedPostgresError, OSError) as error:
        return [(True, str(error))]
    if not os.access(place, os.W_OK | os.X_OK):
        return [(True, f"{place} is not writable")]
    return []


def find_holder(data_dir: Path) -> str | None:
    """The process that uses the directory, if one does."""
    try:
        fd = os.open(data_dir / "postgres.lock", os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return None
    try:
        return None if try_lock(fd) else os.pread(fd, 32, 0).decode("ascii", "replace").strip() or "unknown"
    finally:
        os.close(fd)


def find_port_fault(host: str, port: int) -> str | None:
    """Why nothing can listen there; none when something can."""
    bare = host.strip("[]")
    with socket.socket(socket.AF_INET6 if ":" in bare else socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((bare, port))
        except OSError as error:
            return f"cannot listen there: {error.strerror or error}"
    return None
