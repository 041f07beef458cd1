"""uvicorn's HTTP protocol with a deadline for each thing that a peer can draw out for ever.

    connected ─head_s─► head ─body_s─► body ─► answer ─write_s─► read by the peer ─close_s─► gone

Without them a peer that sends a byte now and then, or reads none, holds its connection and a file descriptor.
"""

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol


class DeadlineHttpProtocol(H11Protocol):
    """Aborts a connection whose request is not there whole in time, or whose peer does not read its answers.

    Durations are in seconds. `write_s` counts while so much waits to be read that nothing more may be written.
    """

    head_s = 10.0
    body_s = 10.0
    write_s = 30.0
    close_s = 5.0

    _reading: asyncio.TimerHandle | None = None
    _writing: asyncio.TimerHandle | None = None
    _is_in_body = False
    _is_upgraded = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """The head of the first request is awaited."""
        super().connection_made(transport)
        self._expect(self.head_s)

    def data_received(self, data: bytes) -> None:
        """More of a request. Its deadline moves only when its head is whole, and ends when all of it is there."""
        super().data_received(data)
        if not self._is_upgraded:
            self._await_rest()

    def on_response_complete(self) -> None:
        """An answer is written. What came behind its request may be the beginning of the next."""
        super().on_response_complete()
        if self.transport.is_closing():
            self._abort_within(self.close_s)
        elif not self._is_upgraded and (self.conn.their_state is h11.SEND_BODY or self.conn.trailing_data[0]):
            self._await_rest()

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """A websocket has deadlines of its own."""
        self._is_upgraded = True
        self._forget()
        self._forgive()
        super().handle_websocket_upgrade(event)

    def timeout_keep_alive_handler(self) -> None:
        """Nothing more was asked; a peer that does not read what it was sent is not waited for."""
        super().timeout_keep_alive_handler()
        self._abort_within(self.close_s)

    def shutdown(self) -> None:
        """The server ends."""
        super().shutdown()
        if self.transport.is_closing():
            self._abort_within(self.close_s)

    def pause_writing(self) -> None:
        """The peer reads more slowly than it is written to."""
        super().pause_writing()
        self._abort_within(self.write_s)

    def resume_writing(self) -> None:
        """It has caught up."""
        super().resume_writing()
        if not self.transport.is_closing():
            self._forgive()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing more is awaited."""
        self._forget()
        super().connection_lost(exc)
        self._forgive()

    def _await_rest(self) -> None:
        state: Any = self.conn.their_state
        if state is h11.IDLE:
            if self._reading is None:
                self._expect(self.head_s)
        elif state is h11.SEND_BODY:
            if not self._is_in_body:
                self._is_in_body = True
                self._expect(self.body_s)
        else:
            self._forget()

    def _expect(self, within_s: float) -> None:
        if self._reading is not None:
            self._reading.cancel()
        self._reading = self.loop.call_later(within_s, self.transport.abort)

    def _forget(self) -> None:
        self._is_in_body = False
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None

    def _forgive(self) -> None:
        if self._writing is not None:
            self._writing.cancel()
            self._writing = None

    def _abort_within(self, seconds: float) -> None:
        """The earliest deadline counts."""
        due_s = self.loop.time() + seconds
        if self._writing is not None:
            if self._writing.when() <= due_s:
                return
            self._writing.cancel()
        self._writing = self.loop.call_later(seconds, self.transport.abort)
