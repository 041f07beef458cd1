"""Writes that must not be given up while the database is away."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from agent.errors import StoreUnavailableError

log = structlog.get_logger(__name__)
T = TypeVar("T")


async def insist(write: Callable[[], Awaitable[T]], may_give_up: Callable[[], bool]) -> T:
    """Try a write until the database takes it.

    Raises what is final at once, and `StoreUnavailableError` once `may_give_up` says so. Safe only for writes behind a
    fence, which change nothing the second time.
    """
    wait_s = 0.1
    while True:
        try:
            return await write()
        except StoreUnavailableError as error:
            if may_give_up():
                raise
            log.warning("store_away", during="write", error=str(error))
        await asyncio.sleep(wait_s)
        wait_s = min(2 * wait_s, 2.0)
