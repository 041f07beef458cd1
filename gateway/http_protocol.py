"""uvicorn's HTTP protocol with a deadline for the head and for the body of a request.

Without it a peer that sends a byte now and then holds its connection, and a file descriptor, for ever.
"""

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_S = 10.0
BODY_S = 10.0


class DeadlineHttpProtocol(H11Protocol):
    """Closes a connection whose request is not there whole in time, each part in its own."""

    _deadline: asyncio.TimerHandle | None = None
    _is_in_body = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """The head of the first request is awaited."""
        super().connection_made(transport)
        self._expect(HEAD_S)

    def data_received(self, data: bytes) -> None:
        """More of a request. Its deadline moves only when its head is whole, and ends when all of it is there."""
        super().data_received(data)
        state: Any = self.conn.their_state
        if state is h11.IDLE:
            if self._deadline is None:
                self._expect(HEAD_S)
        elif state is h11.SEND_BODY:
            if not self._is_in_body:
                self._is_in_body = True
                self._expect(BODY_S)
        else:
            self._forget()

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """A websocket has deadlines of its own."""
        self._forget()
        super().handle_websocket_upgrade(event)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing more is awaited."""
        self._forget()
        super().connection_lost(exc)

    def _expect(self, within_s: float) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = self.loop.call_later(within_s, self.transport.abort)

    def _forget(self) -> None:
        self._is_in_body = False
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
