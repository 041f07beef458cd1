"""Connections that are being made while the database stalls."""

import asyncio
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any, cast

import asyncpg
import pytest

from memory.database import prepare_connection


class StalledConnection:
    """It is made, and then nothing comes from the server any more."""

    def __init__(self) -> None:
        self.is_asked = asyncio.Event()
        self.is_terminated = False

    def transaction(self) -> AbstractAsyncContextManager[None]:
        return nullcontext()

    async def set_type_codec(self, *_: object, **__: object) -> None:
        self.is_asked.set()
        await asyncio.Event().wait()

    def terminate(self) -> None:
        self.is_terminated = True


@pytest.mark.parametrize("is_behind_pooler", [False, True])
async def test_a_connection_that_is_given_up_before_it_is_ready_is_closed_at_once(is_behind_pooler: bool) -> None:
    """The pool would ask the server to end it, and whoever waits would be told after that. Proves: RE-14."""
    stalled = StalledConnection()
    connection = cast("asyncpg.Connection[Any]", stalled)
    preparing = asyncio.create_task(prepare_connection(connection, is_behind_pooler=is_behind_pooler))
    async with asyncio.timeout(5):
        await stalled.is_asked.wait()
        preparing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await preparing
    assert stalled.is_terminated
