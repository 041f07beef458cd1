"""Loops that have to go on: what goes wrong in one round is logged, and the next round comes."""

from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from agent.errors import StoreUnavailableError

log = structlog.get_logger(__name__)


@contextmanager
def outlive_bugs(during: str) -> Iterator[None]:
    """End the block, not the loop around it, at whatever nobody thought of. Raises `StoreUnavailableError`."""
    try:
        yield
    except StoreUnavailableError:
        raise
    except Exception as error:
        log.error("work_failed", during=during, exc_info=error)


@contextmanager
def outlive_faults(during: str) -> Iterator[None]:
    """As `outlive_bugs`, and a database that is away ends the block too."""
    try:
        with outlive_bugs(during):
            yield
    except StoreUnavailableError as error:
        log.warning("store_away", during=during, error=str(error))
