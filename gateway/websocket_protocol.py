"""uvicorn's websocket protocol, cured of the peer that stays connected and stops reading.

Such a peer fills the write buffer. Closing the transport then waits for the buffer to empty, which it never does: the
keepalive's time-out, the closing handshake and the server's own end all hang, each with its file descriptor. Here every
way to close is followed by a deadline, after which the transport is aborted, whatever it still holds.
"""

import asyncio
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame

CLOSE_S = 5.0
"""How long a peer may take to read what is left and answer the closing frame."""
DEAD_S = 1.0
"""The same for a peer that has not answered a ping: it gets the closing frame if it happens to live, no more."""


class ParleyWebSocketProtocol(WebSocketsSansIOProtocol):
    """With pings every 20 s, answered within 20 s, a peer that does not read is gone in 41 s."""

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

    async def send(self, message: Any) -> None:
        """What the application sends; a closing frame starts the deadline."""
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
