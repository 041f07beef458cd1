"""`parley chat`: a terminal in a conversation. What the frames of its socket mean is in `gateway.chat_session`.

Lines from a terminal are sent at once; lines from a pipe one after another, each when the one before is answered, and
at their end the last answer is waited for.
"""

import asyncio
import json
import os
import random
import sys
import threading
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI
from websockets.typing import Origin, Subprotocol

from agent.records import JsonObject
from gateway.chat_asks import COMMANDS
from gateway.chat_screen import plain
from gateway.chat_session import ChatSession, Complain, SendFrame, Show, Step, Welcomed

FIRST_RETRY_S, RETRY_S, LONGEST_RETRY_S = 0.12, 0.5, 30.0
FRAME_LIMIT_BYTES = 4 * 1024 * 1024
FAILED = 1
PROTOCOL = Subprotocol("gw.v1")
_STOPPING_CODES = {1008, *range(4400, 4500)}
HELP = (
    "/stop stops an answer, /approve and /refuse answer the agent's question, /history shows what was said, "
    "/quit leaves"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatOptions:
    """Where to talk, and as whom. `token` is one that the site signed."""

    url: str
    site: str
    thread: str | None = None
    name: str | None = None
    token: str | None = None
    origin: str | None = None

    @property
    def socket_url(self) -> str:
        """The address of the widget's socket. Raises `ChatEndedError` for what is no address."""
        parts = urlsplit(self.url)
        schemes = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}
        if parts.scheme not in schemes or not parts.netloc:
            raise ChatEndedError(f"--url: expected an address such as http://127.0.0.1:8080; found {self.url!r}")
        return urlunsplit((schemes[parts.scheme], parts.netloc, f"{parts.path.rstrip('/')}/widget/ws", "", ""))


class ChatEndedError(Exception):
    """The conversation cannot go on. The text says why."""


class Console:
    """The terminal: the conversation on standard output, remarks about it on standard error."""

    def write(self, text: str) -> None:
        """Characters of the conversation. Raises `ChatEndedError` where nobody takes them any more."""
        try:
            sys.stdout.write(text)
            sys.stdout.flush()
        except OSError as error:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left is not worth a second error
            raise ChatEndedError(f"the answer cannot be written: {error.strerror}") from error

    def remark(self, text: str) -> None:
        """A line about the conversation."""
        sys.stderr.write(f"parley: {text}\n")
        sys.stderr.flush()


def backoff() -> Iterator[float]:
    """Seconds to wait before each new try: soon, then longer and longer, by chance, so that not all come at once."""
    yield FIRST_RETRY_S
    ceiling_s = RETRY_S
    while True:
        yield random.uniform(0, ceiling_s)  # noqa: S311 - nothing to guess
        ceiling_s = min(2 * ceiling_s, LONGEST_RETRY_S)


async def run_chat(options: ChatOptions) -> int:
    """Talk until the person leaves. The result is an exit code; why the gateway refused is one line."""
    console = Console()
    chat = Chat(options, console, is_interactive=sys.stdin.isatty())
    try:
        return await chat.run(read_lines(sys.stdin.fileno()))
    except ChatEndedError as error:
        console.remark(str(error))
        return FAILED


async def read_lines(fd: int) -> AsyncIterator[str]:
    """Lines as they are typed. A thread of its own waits for them, and never holds up the end of the program."""
    loop, lines = asyncio.get_running_loop(), asyncio.Queue[str | None]()

    def read() -> None:
        rest = b""
        with suppress(RuntimeError, OSError):  # the loop is closed, or the terminal is gone
            while data := os.read(fd, 65_536):
                *whole, rest = (rest + data).split(b"\n")
                for line in whole:
                    loop.call_soon_threadsafe(lines.put_nowait, line.decode(errors="replace"))
            if rest:
                loop.call_soon_threadsafe(lines.put_nowait, rest.decode(errors="replace"))
            loop.call_soon_threadsafe(lines.put_nowait, None)

    threading.Thread(target=read, name="keyboard", daemon=True).start()
    while (line := await lines.get()) is not None:
        yield line


class Chat:
    """One person at one terminal. `delays` gives the waits between tries to connect again."""

    def __init__(
        self,
        options: ChatOptions,
        console: Console,
        *,
        is_interactive: bool,
        delays: Callable[[], Iterator[float]] = backoff,
    ) -> None:
        self._options = options
        self._console = console
        self._is_interactive = is_interactive
        self._delays = delays
        self._session = ChatSession(
            site=options.site,
            thread=options.thread,
            name=options.name,
            token=options.token,
            new_id=lambda: str(uuid.uuid4()),
        )
        self._socket: ClientConnection | None = None
        self._changed = asyncio.Event()
        self._later: set[asyncio.Task[None]] = set()
        self._has_complained = False
        self._wait_s: float | None = None

    async def run(self, lines: AsyncIterator[str]) -> int:
        """Until the lines end or `/quit`. Raises `ChatEndedError`."""
        connected = asyncio.create_task(self._stay_connected(self._options.socket_url))
        talked = asyncio.create_task(self._talk(lines))
        try:
            await asyncio.wait({connected, talked}, return_when=asyncio.FIRST_COMPLETED)
            if connected.done():
                connected.result()
            await talked
        finally:
            tasks = [connected, talked, *self._later]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return FAILED if self._has_complained and not self._is_interactive else 0

    async def _talk(self, lines: AsyncIterator[str]) -> None:
        await self._until(lambda: self._socket is not None)
        async for line in lines:
            text = line.strip()
            if not self._is_interactive:
                is_stop = text == "/stop"
                await self._until(lambda: self._session.is_idle or (is_stop and bool(self._session.active_run)))  # noqa: B023
            if text == "/quit":
                return
            if text:
                await self._say(text)
        if not self._is_interactive:
            await self._until(lambda: self._session.is_idle)

    async def _say(self, text: str) -> None:
        frame: JsonObject | None
        if text == "/stop":
            frame = self._session.stop()
            if frame is None:
                self._console.remark("there is nothing to stop")
        elif text == "/history":
            frame = self._session.ask_history()
        elif text in COMMANDS:
            frame = self._session.decide(text)
            if frame is None:
                self._console.remark("nothing waits for you here")
        elif text.startswith("/"):
            frame = None
            self._console.remark(HELP)
        else:
            frame = self._session.write(text)
        if frame is not None:
            await self._send(frame)

    async def _until(self, is_true: Callable[[], bool]) -> None:
        while not is_true():
            self._changed.clear()
            await self._changed.wait()

    async def _send(self, frame: JsonObject) -> None:
        """Without a connection nothing is sent: the outbox follows the next welcome."""
        if self._socket is not None:
            with suppress(ConnectionClosed):
                await self._socket.send(json.dumps(frame, ensure_ascii=False))

    async def _stay_connected(self, url: str) -> None:
        delays = self._delays()
        while True:
            try:
                await self._connect(url)
            except ConnectionClosed as error:
                self._judge_close(error)
            except (OSError, InvalidHandshake, InvalidURI, TimeoutError) as error:
                self._judge_failure(error)
            if self._socket is not None:
                self._socket = None
                delays = self._delays()
                self._console.remark("the connection is lost; trying again")
            wait_s, self._wait_s = self._wait_s, None
            await asyncio.sleep(next(delays) if wait_s is None else wait_s)

    async def _connect(self, url: str) -> None:
        origin = Origin(self._options.origin) if self._options.origin else None
        async with connect(
            url, subprotocols=[PROTOCOL], origin=origin, compression=None, max_size=FRAME_LIMIT_BYTES, proxy=None
        ) as socket:
            await socket.send(json.dumps(self._session.hello()))
            while True:
                async with asyncio.timeout(2 * self._session.heartbeat_s):
                    text = await socket.recv()
                await self._receive(socket, text)

    async def _receive(self, socket: ClientConnection, text: str | bytes) -> None:
        frame = json.loads(text)
        if not isinstance(frame, dict):
            return
        if frame.get("type") == "bye":
            after_ms = frame.get("reconnect_after_ms")
            self._wait_s = after_ms / 1000 if isinstance(after_ms, int | float) else None
        for step in self._session.receive(frame):
            await self._take(step, socket)
        self._changed.set()

    async def _take(self, step: Step, socket: ClientConnection) -> None:
        match step:
            case Show(text):
                self._console.write(text)
            case Welcomed(is_first):
                self._socket = socket
                if self._is_interactive or not is_first:
                    self._console.remark(
                        f"connected to {self._session.session_id}. {HELP}" if is_first else "connected again"
                    )
            case SendFrame(frame, after_s) if after_s > 0:
                later = asyncio.create_task(self._send_later(frame, after_s))
                self._later.add(later)
                later.add_done_callback(self._later.discard)
            case SendFrame(frame):
                await self._send(frame)
            case Complain(text, is_fatal):
                self._has_complained = True
                if is_fatal:
                    raise ChatEndedError(text)
                self._console.remark(text)

    async def _send_later(self, frame: JsonObject, after_s: float) -> None:
        await asyncio.sleep(after_s)
        await self._send(frame)

    def _judge_close(self, error: ConnectionClosed) -> None:
        """Some codes say that coming again is of no use."""
        if error.rcvd is not None and error.rcvd.code in _STOPPING_CODES:
            reason = plain(error.rcvd.reason) or "it gave no reason"
            raise ChatEndedError(f"the gateway refused ({error.rcvd.code}): {reason}")

    def _judge_failure(self, error: Exception) -> None:
        """Somebody who was in a conversation waits for it; somebody who was not is told at once."""
        if isinstance(error, InvalidStatus) and 400 <= error.response.status_code < 500:
            raise ChatEndedError(f"the gateway refused the connection ({error.response.status_code})")
        if not self._session.session_id:
            number = error.errno if isinstance(error, OSError) else None
            reason = os.strerror(number) if number and number > 0 else str(error) or type(error).__name__
            raise ChatEndedError(f"there is no gateway at {self._options.url}: {plain(reason)}")
