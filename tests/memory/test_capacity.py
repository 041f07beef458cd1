"""Connections are shared among workers so that all of them fit."""

import asyncpg
import pytest

from gateway.ground import split_pool
from memory.capacity import SMALLEST_POOL, connections_for, load_room, share_connections
from memory.errors import TooFewConnectionsError


def test_each_worker_gets_its_share_with_one_connection_that_listens_and_some_are_left_over() -> None:
    """A worker that finds no connection answers nobody; an operator who finds none sees nothing."""
    assert [share_connections(97, workers) for workers in (2, 5, 8, 16, 18)] == [16, 16, 10, 4, 4]
    for workers in range(2, 19):
        assert workers * (share_connections(97, workers) + 1) + 5 <= 97


def test_a_process_opens_as_many_as_its_share_and_no_more() -> None:
    """Some are for people who wait, some for runs; with the smallest share too."""
    for size in range(SMALLEST_POOL, 17):
        front_size, back_size = split_pool(size)
        assert front_size + back_size == size
        assert min(front_size, back_size) >= 2


def test_more_workers_than_connections_are_refused_in_one_line() -> None:
    """Said at the start, not by errors under load."""
    with pytest.raises(TooFewConnectionsError, match="19 workers need 100 connections, and the database has 97 left"):
        share_connections(97, 19)


def test_a_server_of_ours_takes_as_many_as_the_largest_pools_need() -> None:
    """Nobody has to know of `max_connections` who has an embedded database."""
    assert [share_connections(connections_for(workers), workers) for workers in (2, 16, 64)] == [16, 16, 16]


async def test_what_others_hold_and_what_a_database_allows_is_counted(database_url: str) -> None:
    """Two gateways on one server must not count the same connections."""
    other = await asyncpg.connect(database_url)
    try:
        name = await other.fetchval("SELECT current_database()")
        await other.execute(f"ALTER DATABASE {name} CONNECTION LIMIT 7")
        assert await load_room(database_url) < 7
    finally:
        await other.close()
