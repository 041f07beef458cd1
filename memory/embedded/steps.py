"""Waiting written once, for callers with and without an event loop.

A procedure that has to wait is a generator of pauses in seconds. The caller decides how a pause is spent.
"""

import asyncio
import time
from collections.abc import Callable, Generator

Steps = Generator[float, None, None]


def run_blocking(steps: Generator[float, None, object]) -> None:
    """Go through `steps` on this thread; an interrupt closes them."""
    try:
        for pause_s in steps:
            time.sleep(pause_s)
    finally:
        steps.close()


async def run_async(steps: Generator[float, None, object]) -> None:
    """Go through `steps` without holding up the event loop; a cancellation closes them."""
    try:
        for pause_s in steps:
            await asyncio.sleep(pause_s)
    finally:
        steps.close()


def wait_until(is_done: Callable[[], bool], *, timeout_s: float, pause_s: float = 0.01) -> Generator[float, None, bool]:
    """Pause until `is_done`; the result is whether it was, within `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    while not is_done():
        if time.monotonic() >= deadline:
            return False
        yield pause_s
    return True
