"""Calls of plain functions beside the event loop."""

import asyncio
import contextvars
import threading
from collections.abc import Callable
from contextlib import suppress


async def call_in_thread(call: Callable[[], object]) -> object:
    """The call's result, or what it raised. Given up by cancellation, the call goes on by itself.

    Each call has a thread of its own, which does not keep the process alive: the event loop's pool has a few threads,
    is needed to look up host names, and waits at the end for every call that hangs.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[tuple[object, BaseException | None]] = loop.create_future()
    context = contextvars.copy_context()

    def settle(result: object, error: BaseException | None) -> None:
        if not future.done():
            future.set_result((result, error))

    def work() -> None:
        result, error = None, None
        try:
            result = context.run(call)
        except BaseException as caught:  # noqa: BLE001  handed over to whoever waits
            error = caught
        with suppress(RuntimeError):  # the loop is closed: nobody waits
            loop.call_soon_threadsafe(settle, result, error)

    threading.Thread(target=work, name="tool", daemon=True).start()
    result, error = await future
    if error is not None:
        raise error
    return result
