"""Insert, then ack: deliveries are written down first, and taken in afterwards, lane by lane.

receive ─► in the database ─► ack ─► lane ─► decision ─► the lane's next ─► …
                                      │
                                      └── the database is away, or a fault: put back, tried again
"""

import asyncio
import time
import traceback
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress

import structlog

from adapters.slack.deciding import Decision, Reason, Verdict, screen
from adapters.slack.errors import PayloadError, SlackError
from adapters.slack.interactions import parse_interaction
from adapters.slack.payloads import parse_event
from adapters.slack.places import lane_of, twin_key
from adapters.slack.ports import Delivery, Inbox
from adapters.slack.records import (
    Asked,
    Challenge,
    Clicked,
    Command,
    Deleted,
    Edited,
    Event,
    Interaction,
    Other,
    OtherInteraction,
    Said,
    Shortcut,
    Submitted,
)
from adapters.slack.sizes import ID_LIMIT
from agent.errors import StoreUnavailableError
from agent.ids import SessionId
from agent.records import JsonObject

log = structlog.get_logger(__name__)
LANES = 32
POLL_S = 1.0
SOON_S = 0.1
ATTEMPTS = 8
RETRY_S = 2.0
RECOVER_S = 5.0
HOLD_S = 5.0
HANDLING_S = 120.0
"""How long a delivery may be at work here before another process may try; Slack's Web API may be slow."""
FORGET_S = 600.0
Handle = Callable[[Event | Asked], Awaitable[tuple[Decision, SessionId | None]]]


class Intake:
    """Takes deliveries in with `handle`, which may be called again with the same one.

    `bots` are other bots that may be answered somewhere.
    """

    def __init__(self, inbox: Inbox, handle: Handle, retention_days: float, bots: Collection[str] = ()) -> None:
        self._inbox = inbox
        self._handle = handle
        self._retention_days = retention_days
        self._bots = bots
        self._clock = time.monotonic
        self._lanes: set[asyncio.Task[None]] = set()
        self._begun_at_s: dict[int, float] = {}
        self._wake = asyncio.Event()
        self._is_leaving = False

    @property
    def _has_room(self) -> bool:
        return not self._is_leaving and len(self._lanes) < LANES

    async def receive(self, payload: JsonObject, event: Event | Asked) -> None:
        """Write a delivery down. When this returns it may be acked. Raises `StoreUnavailableError`."""
        reason = prejudge(event, self._bots)
        check_size(event)
        received = await self._inbox.receive(
            event_id=event_id_of(event),
            twin_key=twin_key(event) if isinstance(event, Said | Edited | Deleted) else None,
            lane=find_lane(event),
            kind=type(event).__name__.lower() if not isinstance(event, Other) else event.kind,
            payload=payload if reason is None else None,
            decision=(Verdict.IGNORED, reason) if reason is not None else None,
            twin_reason=Reason.TWIN,
            may_take=self._has_room,
        )
        if received is None or reason is not None:
            return
        inbox_id, is_mine = received
        if is_mine:
            self._begin((inbox_id, payload, 1))
        else:
            self._wake.set()

    async def note(self, event: Interaction, decision: Decision, kind: str) -> bool:
        """Put a decision on record that was carried out at once. False: it was on record before."""
        received = await self._inbox.receive(
            event_id=event.origin.event_id,
            twin_key=None,
            lane=event.origin.event_id,
            kind=kind,
            payload=None,
            decision=(decision.verdict, decision.reason),
            twin_reason=Reason.TWIN,
            may_take=False,
        )
        return received is not None

    def _begin(self, delivery: Delivery) -> None:
        task = asyncio.create_task(self._work(delivery), name=f"slack delivery {delivery[0]}")
        self._lanes.add(task)
        task.add_done_callback(self._end)

    def _end(self, task: asyncio.Task[None]) -> None:
        if not self._has_room:
            self._wake.set()
        self._lanes.discard(task)

    async def _work(self, delivery: Delivery | None) -> None:
        """A delivery and those behind it in its lane."""
        while delivery is not None:
            inbox_id, payload, attempt = delivery
            self._begun_at_s[inbox_id] = self._clock()
            try:
                decision, session_id = await self._take_in(payload, attempt)
                delivery = await self._inbox.decide(inbox_id, decision.verdict, decision.reason, session_id)
            except StoreUnavailableError as error:
                log.warning("store_away", during="slack intake", error=str(error))
                return
            except RetryError:
                await self._put_back(inbox_id, RETRY_S * attempt)
                return
            finally:
                self._begun_at_s.pop(inbox_id, None)

    async def _take_in(self, payload: JsonObject, attempt: int) -> tuple[Decision, SessionId | None]:
        try:
            return await self._handle(read_delivery(payload))
        except PayloadError:
            return Decision(verdict=Verdict.IGNORED, reason=Reason.NO_RULE), None
        except StoreUnavailableError:
            raise
        except SlackError as error:
            log.info("slack_intake_waits", error=str(error))
            if attempt >= ATTEMPTS:
                return Decision(verdict=Verdict.IGNORED, reason=Reason.FAILED), None
            raise RetryError from error
        except Exception as error:
            log.error(
                "slack_intake_failed",
                error=type(error).__name__,
                where="".join(traceback.format_tb(error.__traceback__)),
            )
            if attempt >= ATTEMPTS:
                return Decision(verdict=Verdict.IGNORED, reason=Reason.FAILED), None
            raise RetryError from error

    async def _put_back(self, inbox_id: int, after_s: float) -> None:
        with suppress(StoreUnavailableError):
            await self._inbox.put_back(inbox_id, after_s)

    async def poll(self) -> None:
        """Take in what others left, for ever: when woken, and every second."""
        recover_at_s = forget_at_s = hold_at_s = self._clock()
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(POLL_S):
                    await self._wake.wait()
            await asyncio.sleep(SOON_S)  # what stands behind others is mostly handed over by them
            self._wake.clear()
            try:
                if self._clock() >= hold_at_s:
                    hold_at_s = self._clock() + HOLD_S
                    await self._hold()
                if self._clock() >= recover_at_s:
                    recover_at_s = self._clock() + RECOVER_S
                    await self._inbox.recover()
                if self._clock() >= forget_at_s:
                    forget_at_s = self._clock() + FORGET_S
                    await self._inbox.forget_old(self._retention_days)
                await self._fill()
            except StoreUnavailableError as error:
                log.warning("store_away", during="slack poll", error=str(error))

    async def _hold(self) -> None:
        """What is at work here stays ours."""
        since_s = self._clock() - HANDLING_S
        held = [inbox_id for inbox_id, begun_at_s in self._begun_at_s.items() if begun_at_s > since_s]
        if held:
            await self._inbox.hold(held)

    async def _fill(self) -> None:
        """Give every free lane what has waited longest."""
        while (room := LANES - len(self._lanes)) > 0 and not self._is_leaving:
            found = await self._inbox.claim(room)
            for delivery in found:
                self._begin(delivery)
            if len(found) < room:
                return

    async def drain(self, within_s: float) -> None:
        """Take nothing more in; what is not done within the time is left to others."""
        self._is_leaving = True
        if self._lanes:
            await asyncio.wait(self._lanes, timeout=within_s)
        for task in list(self._lanes):
            task.cancel()
        with suppress(StoreUnavailableError):
            await self._inbox.release()


class RetryError(Exception):
    """Taking it in failed; it is tried again."""


def read_delivery(payload: JsonObject) -> Event | Asked:
    """A delivery as it was written down. Raises `PayloadError`."""
    is_form = payload.get("type") == "view_submission"
    event = parse_interaction(payload) if is_form else parse_event(payload)
    if isinstance(event, Challenge | Command | Clicked | Shortcut | Submitted | OtherInteraction):
        raise PayloadError("expected something that is kept")
    return event


def check_size(event: Event | Asked) -> None:
    """What is made of several ids is looked up by an index, too. Raises `PayloadError`."""
    twin = twin_key(event) if isinstance(event, Said | Edited | Deleted) else ""
    if max(len(find_lane(event)), len(twin), len(event_id_of(event))) > ID_LIMIT:
        raise PayloadError("expected shorter ids")


def event_id_of(event: Event | Asked) -> str:
    """The delivery's own name."""
    return event.said.origin.event_id if isinstance(event, Edited) else event.origin.event_id


def prejudge(event: Event | Asked, bots: Collection[str]) -> Reason | None:
    """Why nothing will be done about a delivery, where that is clear before anything is looked up.

    `bots` are those that are allowed in any conversation.
    """
    match event:
        case Said():
            return screen(event, bots)
        case Edited():
            return screen(event.said, bots) or (Reason.SAME_TEXT if event.said.text == event.before else None)
        case Other():
            return Reason.NO_RULE
        case _:
            return None


def find_lane(event: Event | Asked) -> str:
    """What has to be taken in one after another: a thread's messages. A stop does not wait behind them."""
    match event:
        case Said() | Deleted():
            return lane_of(event)
        case Edited() | Asked():
            return lane_of(event.said)
        case _:
            return event.origin.event_id
