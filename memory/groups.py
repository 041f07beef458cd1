"""Calls that come while a statement is on its way go together in the next one: one commit for all of them.

Nobody waits for company: a call that comes while none is on its way sets out at once. One that takes long, as behind a
slow disk or a lock, is not waited for: the next sets out beside it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import asyncpg

from agent.errors import StoreUnavailableError

R = TypeVar("R")
LOCK_TIMEOUT = "300ms"
"""How long a statement of several calls waits for a lock."""
_MOST = 32
_LATE_S = 0.05
_OF_LOCKS = (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call(Generic[R]):
    key: str
    given: str
    result: "asyncio.Future[R | None]"


class Groups(Generic[R]):
    """Makes calls together. `run` is given those of one statement by their keys, and gives the results by key.

    Calls with the same key never go together. Where one is refused or waits for a lock, each goes alone, so that none
    fails by another. A call whose caller has gone before it set out is not made.
    """

    def __init__(self, run: Callable[[Mapping[str, str]], Awaitable[Mapping[str, R]]]) -> None:
        self._run = run
        self._waiting: list[_Call[R]] = []
        self._on_way: set[asyncio.Task[None]] = set()
        self._youngest: asyncio.Task[None] | None = None
        self._next: asyncio.Handle | None = None

    async def call(self, key: str, given: str) -> R | None:
        """The result of this call, if it has one. Raises what `run` raises for it alone."""
        loop = asyncio.get_running_loop()
        call: _Call[R] = _Call(key=key, given=given, result=loop.create_future())
        self._waiting.append(call)
        if self._next is None:
            self._next = loop.call_soon(self._set_out)
        return await call.result

    def _set_out(self) -> None:
        self._next = self._youngest = None
        if calls := self._take():
            loop = asyncio.get_running_loop()
            self._youngest = loop.create_task(self._make(calls), name=f"{len(calls)} calls together")
            self._on_way.add(self._youngest)
            self._youngest.add_done_callback(self._come_back)
            self._next = loop.call_later(_LATE_S, self._set_out)

    def _come_back(self, task: "asyncio.Task[None]") -> None:
        self._on_way.discard(task)
        if self._youngest is task and self._next is not None:
            self._next.cancel()
            self._set_out()

    def _take(self) -> list[_Call[R]]:
        """Those that wait, in their order, at most one of each key; who has gone meanwhile is left out."""
        taken: dict[str, _Call[R]] = {}
        rest: list[_Call[R]] = []
        for call in self._waiting:
            if call.key in taken or len(taken) == _MOST:
                rest.append(call)
            elif not call.result.done():
                taken[call.key] = call
        self._waiting = rest
        return list(taken.values())

    async def _make(self, calls: Sequence[_Call[R]]) -> None:
        try:
            results = await self._run({call.key: call.given for call in calls})
        except (asyncpg.PostgresError, StoreUnavailableError) as error:
            if len(calls) > 1 and _is_of_one(error):
                await asyncio.gather(*(self._make([call]) for call in calls))
            else:
                _fail(calls, error)
        except BaseException as error:
            _fail(calls, StoreUnavailableError(type(error).__name__))
            raise
        else:
            for call in calls:
                if not call.result.done():
                    call.result.set_result(results.get(call.key))


def _is_of_one(error: Exception) -> bool:
    """Whether one call's fault may have cost the others; not when the store is away for all of them."""
    return not isinstance(error, StoreUnavailableError) or isinstance(error.__cause__, _OF_LOCKS)


def _fail(calls: "Sequence[_Call[R]]", error: Exception) -> None:
    for call in calls:
        if not call.result.done():
            call.result.set_exception(error)
