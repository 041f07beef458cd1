"""A migrated database for each test, copied from a template that is made once per run."""

import hashlib
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from memory.migrate import load_migrations, migrate

_LOCK = 4_917
PATIENCE_S = 30.0
"""For a database on a machine that is busy with other tests; that what is late is refused has tests of its own."""


def with_database(url: str, name: str) -> str:
    """The same server, another database."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


async def _ensure_template(url: str) -> str:
    digest = hashlib.sha256("".join(m.checksum for m in load_migrations()).encode()).hexdigest()[:12]
    name = f"parley_template_{digest}"
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("SELECT pg_advisory_lock($1)", _LOCK)
        if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
            await connection.execute(f"CREATE DATABASE {name}_new")
            await migrate(with_database(url, f"{name}_new"))
            await connection.execute(f"ALTER DATABASE {name}_new RENAME TO {name}")
    finally:
        await connection.close()
    return name


@asynccontextmanager
async def new_database(url: str, *, is_migrated: bool = True) -> AsyncIterator[str]:
    """The address of a database of one's own, gone afterwards."""
    template = await _ensure_template(url) if is_migrated else "template0"
    name = f"parley_test_{secrets.token_hex(6)}"
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        try:
            yield with_database(url, name)
        finally:
            await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await connection.close()
