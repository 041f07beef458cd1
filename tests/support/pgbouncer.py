"""A PgBouncer in transaction mode before the tests' server, where the program is installed."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg

from tests.support.postgres import make_open_directory
from tests.support.serving import find_port

PROGRAM = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
SERVER_CONNECTIONS = 3
"""Few, so that statements of one client meet many connections of the server."""


def _configure(url: str, port: int, place: Path) -> str:
    parts = urlsplit(url)
    host = parse_qs(parts.query).get("host", [parts.hostname or "127.0.0.1"])[0]
    server_port = parse_qs(parts.query).get("port", [str(parts.port or 5432)])[0]
    name = parts.path.lstrip("/")
    return f"""
[databases]
{name} = host={host} port={server_port} dbname={name} user={parts.username}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {SERVER_CONNECTIONS}
logfile = {place}/log
pidfile =
"""


@asynccontextmanager
async def pooled(url: str) -> AsyncIterator[str]:
    """The address of a database behind the pooler."""
    assert PROGRAM is not None
    place, port = make_open_directory(), find_port()
    settings = place / "pgbouncer.ini"
    settings.write_text(_configure(url, port, place))
    if os.geteuid() == 0:
        settings.chmod(0o644)
        place.chmod(0o777)
    as_whom = ["-u", "nobody"] if os.geteuid() == 0 else []
    process = await asyncio.create_subprocess_exec(PROGRAM, "-q", *as_whom, str(settings))
    try:
        address = f"postgresql://{urlsplit(url).username}@127.0.0.1:{port}{urlsplit(url).path}?sslmode=disable"
        await _until_up(address)
        yield address
    finally:
        process.terminate()
        async with asyncio.timeout(10):
            await process.wait()
        shutil.rmtree(place)


async def _until_up(address: str) -> None:
    async with asyncio.timeout(10):
        while True:
            try:
                connection = await asyncpg.connect(address, statement_cache_size=0)
            except OSError:
                await asyncio.sleep(0.02)
            else:
                connection.terminate()
                return
