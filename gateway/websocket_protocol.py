"""uvicorn's websocket protocol, cured of the peer that stays connected and stops reading.

Such a peer fills the write buffer. Closing the transport then waits for the buffer to empty, which it never does: the
keepalive's time-out, the closing handshake and the server's own end all hang, each with its file descriptor. Here every
way to close is followed by a deadline, after which the transport is aborted, whatever it still holds.

A ping rides with what the application sends anyway, its heartbeat for one: thousands of idle connections cost by the
system call, and two frames in one are one.
"""

import asyncio
import os
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame
from websockets.http11 import Request
from websockets.protocol import State

CLOSE_S = 5.0
"""How long a peer may take to read what is left and answer the closing frame."""
DEAD_S = 1.0
"""The same for a peer that has not answered a ping: it gets the closing frame if it happens to live, no more."""


RIDES_FROM = 0.9
ALONE_AFTER = 1.1
"""Parts of the interval between pings: from when on one goes along with another frame, and when it goes by itself."""


class ParleyWebSocketProtocol(WebSocketsSansIOProtocol):
    """With pings every 25 s, answered within 15 s, a peer that does not read is gone in 43.5 s."""

    close_s = CLOSE_S
    dead_s = DEAD_S
    _deadline: asyncio.TimerHandle | None = None

    def keepalive_timeout(self) -> None:
        """The peer did not answer a ping."""
        super().keepalive_timeout()
        self._abort_within(self.dead_s)

    def handle_close(self, event: Frame) -> None:
        """The peer closes, or answers that we did."""
        super().handle_close(event)
        self._abort_within(self.close_s)

    def handle_parser_exception(self) -> None:
        """The peer does not speak the protocol."""
        super().handle_parser_exception()
        self._abort_within(self.close_s)

    def shutdown(self) -> None:
        """The server ends."""
        super().shutdown()
        self._abort_within(self.close_s)

    def start_keepalive(self) -> None:
        """The handshake is done."""
        self.ping_sent_at = self.loop.time()
        super().start_keepalive()

    def handle_connect(self, event: Request) -> None:
        """The application may write small frames without a task of their own."""
        super().handle_connect(event)
        if self.response.status_code == 101:
            self.scope["extensions"]["parley.send_now"] = {"send_now": self.send_now}

    def send_now(self, text: str) -> bool:
        """Write a frame at once. False if that would have to wait, or cannot be any more."""
        if not self.writable.is_set() or not self.handshake_complete or self.close_sent or self.disconnected:
            return False
        if self.conn.state is not State.OPEN or self.transport.is_closing():
            return False
        self._take_ping_along()
        self.conn.send_text(text.encode())
        self.transport.write(b"".join(self.conn.data_to_send()))
        return True

    def schedule_ping(self) -> None:
        """The next one goes by itself if nothing takes it along."""
        assert self.ping_interval is not None
        self.ping_timer = self.loop.call_later(self.ping_interval * ALONE_AFTER, self.send_keepalive_ping)

    async def send(self, message: Any) -> None:
        """What the application sends; a closing frame starts the deadline."""
        if message["type"] == "websocket.send" and not self.close_sent:
            self._take_ping_along()
        await super().send(message)
        if self.close_sent:
            self._abort_within(self.close_s)

    async def run_asgi(self) -> None:
        """The application from start to end: when it has ended, so has the connection, soon."""
        await super().run_asgi()
        self._abort_within(self.close_s)

    def connection_lost(self, exc: Exception | None) -> None:
        """The transport is gone."""
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        super().connection_lost(exc)

    def _take_ping_along(self) -> None:
        """If it is about time, a ping stands before the frame that is written next."""
        now_s = self.loop.time()
        if self.ping_timer is None or now_s - self.ping_sent_at < (self.ping_interval or 0) * RIDES_FROM:
            return
        if self.conn.state is not State.OPEN:
            return
        self.ping_timer.cancel()
        self.ping_timer = None
        self.ping_sent_at = now_s
        self.pending_ping_payload = os.urandom(4)
        self.conn.send_ping(self.pending_ping_payload)
        if self.ping_timeout is None:
            self.schedule_ping()
        else:
            self.pong_timer = self.loop.call_later(self.ping_timeout, self.keepalive_timeout)

    def _abort_within(self, seconds: float) -> None:
        """The earliest deadline counts."""
        if self.disconnected:
            return
        due_s = self.loop.time() + seconds
        if self._deadline is not None:
            if self._deadline.when() <= due_s:
                return
            self._deadline.cancel()
        self._deadline = self.loop.call_later(seconds, self.transport.abort)
