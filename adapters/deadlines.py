"""Within what time whoever sent something is told that it was taken, or that it was not."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from agent.errors import StoreUnavailableError

TOLD_S = 1.5
"""The promise is two seconds; the rest is for the way to the sender, and for a process that has much to do."""


@asynccontextmanager
async def told_in_time(within_s: float | None = None) -> AsyncGenerator[None]:
    """All that is asked of the store in here, however many statements, takes this long at most, or `TOLD_S`.

    Raises `StoreUnavailableError` after that. Whether anything was committed is not known then.
    """
    try:
        async with asyncio.timeout(TOLD_S if within_s is None else within_s):
            yield
    except TimeoutError as error:
        raise StoreUnavailableError("the store did not answer in time") from error
