"""How many connections there are to share among processes."""

import asyncpg

from memory.database import CONNECT_TIMEOUT_S, store_errors
from memory.errors import TooFewConnectionsError
from memory.queries import query

LARGEST_POOL = 16
SMALLEST_POOL = 4
"""Two for people who wait, and two for runs: fewer would be opened all the same."""
SPARE = 5
"""Connections left for those who look in: `psql`, migrations, another command of Parley."""


def share_connections(room: int, workers: int) -> int:
    """The size of each worker's pool, so that all of them, and a listening connection each, fit into `room`.

    Raises `TooFewConnectionsError`.
    """
    size = (room - SPARE) // workers - 1
    if size < SMALLEST_POOL:
        needed = workers * (SMALLEST_POOL + 1) + SPARE
        raise TooFewConnectionsError(
            f"{workers} workers need {needed} connections, and the database has {room} left: "
            "start fewer workers, or raise its max_connections"
        )
    return min(size, LARGEST_POOL)


def connections_for(workers: int) -> int:
    """How many connections a server should take so that no pool has to be smaller than it could be."""
    return workers * (LARGEST_POOL + 1) + SPARE


async def load_room(dsn: str) -> int:
    """How many more connections the server takes. Raises `StoreUnavailableError`."""
    with store_errors():
        connection = await asyncpg.connect(dsn, timeout=CONNECT_TIMEOUT_S)
        try:
            return int(await connection.fetchval(query("load_connection_room")))
        finally:
            await connection.close(timeout=CONNECT_TIMEOUT_S)
