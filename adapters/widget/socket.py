"""Carries out what the wire decides, for one connection, over whatever carries text frames.

The reader (the task that runs `run`) only ever waits for the peer. What asks the gateway is done in a lane beside it,
the session's events come from a task of their own, and both send for themselves, so that a slow peer slows only them:
the gateway bounds what waits for such a one, and the transport gives up a peer that no longer answers. A message that
was read is committed even if the peer is gone by then; no disconnect stops anything.
"""

import asyncio
import hashlib
import math
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from adapters.ports import SlowConsumerError, WidgetGateway
from adapters.widget.codes import CloseCode, fit_reason
from adapters.widget.commands import Accept, BecomeKnown, Close, Command, Greet, Moment, Say, Work
from adapters.widget.desk import Desk, render_place
from adapters.widget.errors import RefusedError
from adapters.widget.greeting import Greeter, Place
from adapters.widget.identifying import Identifier
from adapters.widget.lane import Lane
from adapters.widget.limits import Limits
from adapters.widget.own_data import OwnData
from adapters.widget.replies import render_bye, render_error, render_event, render_presence, render_reset
from adapters.widget.wire import Wire
from agent.errors import StoreUnavailableError
from agent.signals import Presence

_WORK_ROOM = 32
_SAY_ROOM = 64
_GOODBYE_S = 3.0
_LATE_S = 0.002
"""Event loops round to a millisecond: a timer that comes early would come for nothing."""
_GRAIN_S = 0.25
"""What is due long from now is due with others of that quarter second: the process wakes up once for all."""
_LONG_S = 5.0


class Transport(Protocol):
    """A path for text frames. `send` and `close` wait for the peer and do nothing once it is gone."""

    async def receive(self) -> str | bytes | None:
        """The next frame; none once the peer is gone or `close` was called."""
        ...

    async def send(self, text: str) -> None:
        """Hand over a frame."""
        ...

    def send_now(self, text: str) -> bool:
        """Hand over a frame if that needs no waiting; whether it was."""
        ...

    async def close(self, code: int, reason: str) -> None:
        """End it."""
        ...


class PeerStuckError(Exception):
    """The peer takes nothing any more, not even the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """What all connections share."""

    gateway: WidgetGateway
    greeter: Greeter
    limits: Limits
    identifier: Identifier | None = None
    own_data: OwnData | None = None

    def build_desk(self, place: Place) -> Desk:
        """What serves somebody who was greeted."""
        return Desk(self.gateway, place, self.limits, self.identifier, self.own_data)


def read_moment() -> Moment:
    """Now."""
    return Moment(time.monotonic(), time.time())


def find_wait_s(deadline_s: float, now_s: float) -> float:
    """How long to sleep for a deadline: never too short, and too long by at most a grain of what is long anyway."""
    wait_s = max(0.0, deadline_s - now_s) + _LATE_S
    return wait_s if wait_s < _LONG_S else math.ceil((now_s + wait_s) / _GRAIN_S) * _GRAIN_S - now_s


class Connection:
    """One peer, from accepted to gone."""

    __slots__ = (
        "_deafen",
        "_desk",
        "_events",
        "_group",
        "_is_closing",
        "_is_over",
        "_missed",
        "_say",
        "_service",
        "_timer",
        "_transport",
        "_wire",
        "_work",
    )

    def __init__(self, transport: Transport, wire: Wire, service: Service) -> None:
        self._transport = transport
        self._wire = wire
        self._service = service
        self._group = asyncio.TaskGroup()
        self._work: Lane[Work] = Lane(self._group.create_task, self._do, _WORK_ROOM)
        self._say: Lane[str] = Lane(self._group.create_task, transport.send, _SAY_ROOM)
        self._desk: Desk | None = None
        self._is_over = False
        self._is_closing = False
        self._missed: set[tuple[bytes, str]] = set()
        self._events: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._deafen: Callable[[], None] | None = None

    async def run(self) -> None:
        """Serves the peer until it is gone."""
        try:
            async with self._group:
                self._wind()
                while (data := await self._transport.receive()) is not None:
                    self._carry_out(self._wire.receive(data, read_moment()))
                self._end()
        except* PeerStuckError:
            pass
        finally:
            self._end()

    def see_off(self, changes: Collection[tuple[bytes, str]]) -> None:
        """Who is served here is nobody any more, or somebody else: they come back as who they are, or not at all."""
        desk = self._desk
        if desk is None or self._is_over or self._wire.state == "closed":
            return
        if desk.is_identifying:
            self._missed.update(changes)
            return
        digest = hashlib.sha256(desk.place.user.id.encode(errors="surrogatepass")).digest()
        kinds = {kind for one, kind in changes if one == digest}
        if "erased" in kinds:
            self._carry_out([self._wire.close(CloseCode.DELETED, "your data was erased")])
        elif kinds:
            self._carry_out([self._wire.close(CloseCode.RESTART, "accounts were linked or parted")])

    def drain(self, reconnect_after_ms: int) -> None:
        """The gateway goes down: say so, and close."""
        if not self._is_over and self._wire.state != "closed":
            bye = Say(render_bye("restart", reconnect_after_ms))
            self._carry_out([bye, self._wire.close(CloseCode.RESTART, "restart")])

    def _end(self) -> None:
        """The peer is gone. What it asked for is still done; nothing new begins."""
        self._is_over = True
        self._wire.close(CloseCode.FAILED, "")
        self._say.clear()
        if self._timer is not None:
            self._timer.cancel()
        if self._events is not None:
            self._events.cancel()
        if self._deafen is not None:
            self._deafen()
            self._deafen = None

    def _wind(self) -> None:
        """Wake up when the wire has something due."""
        if self._timer is not None:
            self._timer.cancel()
        deadline_s = self._wire.deadline_s
        if not self._is_over and deadline_s != float("inf"):
            wait_s = find_wait_s(deadline_s, time.monotonic())
            self._timer = asyncio.get_running_loop().call_later(wait_s, self._tick)

    def _tick(self) -> None:
        self._carry_out(self._wire.tick(read_moment()))
        self._wind()

    def _carry_out(self, commands: Iterable[Command]) -> None:
        for command in commands:
            if self._is_over:
                return
            match command:
                case Say():
                    is_said = not self._say.is_busy and self._transport.send_now(command.text)
                    has_room = is_said or self._say.put(command.text)
                    code, reason = CloseCode.SLOW_CONSUMER, "reads too slowly"
                case Close():
                    self._close(command)
                    return
                case _:
                    has_room, code, reason = self._work.put(command), CloseCode.RATE, "too much at once"
            if not has_room:
                self._close(self._wire.close(code, reason))
                return

    def _close(self, close: Close) -> None:
        """Once only. Nothing that waits is begun any more; the peer knows what was not acked."""
        if self._is_closing:
            return
        self._is_closing = True
        self._work.clear()
        if self._events is not None:
            self._events.cancel()
        self._group.create_task(self._say_goodbye(close))

    async def _say_goodbye(self, close: Close) -> None:
        try:
            async with asyncio.timeout(_GOODBYE_S):
                await self._say.drained()
                await self._transport.close(close.code, fit_reason(close.reason))
        except TimeoutError:
            raise PeerStuckError from None

    async def _do(self, work: Work) -> None:
        if isinstance(work, Greet):
            return await self._greet(work)
        if self._desk is None or (self._is_over and not isinstance(work, Accept)):
            return None
        reply = await self._desk.serve(work)
        missed, self._missed = self._missed, set()
        if isinstance(work, BecomeKnown) and self._desk.place.bearer is work.claims and self._wire.state == "greeted":
            self._wire.identified(work.claims, read_moment())
            self._wind()
        if reply is not None and not self._is_over:
            await self._transport.send(reply)
        self.see_off(missed)
        return None

    async def _greet(self, greet: Greet) -> None:
        try:
            place = await self._service.greeter.find_place(greet.admitted)
        except RefusedError as error:
            return self._carry_out([self._wire.close(error.code, error.reason)])
        except StoreUnavailableError as error:
            said = Say(render_error("unavailable", error.sentence))
            return self._carry_out([said, self._wire.close(CloseCode.TRY_LATER, "try again later")])
        self._desk = self._service.build_desk(place)
        await self._transport.send(render_place(place, self._service.limits))
        if place.resume.is_reset:
            await self._transport.send(render_reset("another log"))
        if not self._is_over and self._wire.state == "greeting":
            self._events = self._group.create_task(self._follow(place, self._desk))
            if place.thread is not None:
                self._deafen = self._service.gateway.hear_presence(place.session_id, partial(self._hear, place))
                if not place.resume.is_resumed:
                    self._desk.tell("joined")
            self._carry_out(self._wire.greeted(place.session_id, place.thread, read_moment()))
            self._wind()
        return None

    def _hear(self, place: Place, presence: Presence) -> None:
        """What others do is said if there is room, else left out."""
        if presence.user_id != place.user.id and not self._is_over and not self._is_closing:
            self._say.put(render_presence(presence))

    async def _follow(self, place: Place, desk: Desk) -> None:
        """Send the session's events as they come, for as long as the connection lasts."""
        try:
            async with self._service.gateway.follow(place.session_id, place.resume.cursor) as events:
                async for event in events:
                    await self._transport.send(render_event(event, desk.place.user.id, desk.link))
            close = self._wire.close(CloseCode.RESTART, "the log ended")
        except SlowConsumerError:
            close = self._wire.close(CloseCode.SLOW_CONSUMER, "reads too slowly")
        except StoreUnavailableError:
            close = self._wire.close(CloseCode.TRY_LATER, "try again later")
        self._events = None
        self._carry_out([close])
