"""Events on their way to the app: once, again when it does not answer, and in whatever disorder a test asks for."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from adapters.slack_fake.clock import Clock
from adapters.slack_fake.faults import Faults
from adapters.slack_fake.world import Outgoing

RETRY_AFTER_S = (0.0, 60.0, 300.0)
"""Slack's own schedule: at once, after a minute, after five."""
ANSWER_LIMIT_S = 3.0
CLOSING_S = 1.0
KEPT = 10_000
"""At least twice as many tries are on record, at most three times."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """How often an event was tried before, and why that failed, in Slack's words."""

    number: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one try. `body` is what the app gave back, where it may give something back."""

    is_acked: bool
    reason: str = ""
    status: int | None = None
    body: Any = None
    may_retry: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryRecord:
    """One try, kept for tests: of which event, the how manieth, and what came of it."""

    name: str
    event_id: str | None
    attempt: Attempt
    outcome: Outcome


class Carrier(Protocol):
    """One way to the app: signed posts, or sockets."""

    async def send(self, outgoing: Outgoing, attempt: Attempt) -> Outcome:
        """Try once. Never raises for what the app or the wire does."""
        ...


class Courier:
    """Takes every event, and sees to it that it arrives or is given up."""

    def __init__(
        self,
        clock: Clock,
        faults: Faults,
        *,
        retry_after_s: tuple[float, ...] = RETRY_AFTER_S,
        on_change: Callable[[], None],
    ) -> None:
        self._clock = clock
        self._faults = faults
        self._retry_after_s = retry_after_s
        self._on_change = on_change
        self._held: list[Outgoing] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._waiting: set[asyncio.Task[Any] | None] = set()
        self._is_closed = False
        self.carrier: Carrier | None = None
        self.records: list[DeliveryRecord] = []
        self.lost: list[Outgoing] = []
        """Given up after the last retry, or told while there was no way to the app."""

    @property
    def is_idle(self) -> bool:
        """Whether nothing waits and nothing is under way."""
        return not self._tasks and not self._held

    def submit(self, outgoing: Outgoing) -> None:
        """Deliver an event in the background."""
        self._held.append(outgoing)
        events = self._faults.events
        if not events.is_held and len(self._held) >= max(1, events.shuffle):
            self.release()

    def release(self) -> None:
        """Let go of what is held, in another order where that is asked for."""
        held, self._held = self._held, []
        if self._faults.events.shuffle > 1:
            self._faults.dice.shuffle(held)
        for outgoing in held:
            for _ in range(self._faults.dice.randint(*self._faults.events.copies)):
                task = asyncio.create_task(self._deliver(outgoing))
                self._tasks.add(task)
                task.add_done_callback(self._forget)

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._on_change()

    async def _deliver(self, outgoing: Outgoing) -> None:
        if self._faults.events.delay_s:
            await self._sleep(self._faults.events.delay_s)
        attempt = Attempt()
        for wait_s in (*self._retry_after_s, None):
            outcome = await self.request(outgoing, attempt)
            if outcome.is_acked or not outcome.may_retry or self._is_closed:
                return
            if wait_s is None:
                break
            await self._sleep(wait_s)
            attempt = Attempt(number=attempt.number + 1, reason=outcome.reason)
        self.lost.append(outgoing)

    async def _sleep(self, seconds: float) -> None:
        task = asyncio.current_task()
        self._waiting.add(task)
        try:
            await self._clock.sleep(seconds)
        finally:
            self._waiting.discard(task)

    async def request(self, outgoing: Outgoing, attempt: Attempt | None = None) -> Outcome:
        """Try once, and say what the app answered: so clicks, forms and commands go, which Slack never repeats."""
        attempt = attempt or Attempt()
        if self.carrier is None:
            outcome = Outcome(is_acked=False, reason="connection_failed")
        else:
            outcome = await self.carrier.send(outgoing, attempt)
        record = DeliveryRecord(name=outgoing.name, event_id=outgoing.event_id, attempt=attempt, outcome=outcome)
        self.records.append(record)
        del self.records[: -2 * KEPT if len(self.records) > 3 * KEPT else 0]
        self._on_change()
        return outcome

    async def aclose(self) -> None:
        """Give up what waits, and after a moment what is under way: a request that is broken off may leak a socket."""
        self._is_closed = True
        for task in self._tasks & self._waiting:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=CLOSING_S)
        for task in [*self._tasks]:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
