"""The run's own server."""

import asyncpg


async def test_the_run_has_a_postgresql_that_takes_connections(postgres_url: str) -> None:
    """Everything that stores is tested against the real thing."""
    connection = await asyncpg.connect(postgres_url, timeout=5)
    try:
        assert await connection.fetchval("SELECT current_setting('server_version_num')::int") >= 160000
    finally:
        await connection.close()
