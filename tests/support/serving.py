"""The command `parley serve` as a process, and a visitor who talks to it through the widget's protocol."""

import asyncio
import json
import os
import signal
import socket
import sys
import tempfile
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import httpx2
import psutil
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

COMMAND = str(Path(sys.executable).with_name("parley"))
WAIT_S = 60
"""How long anything may take on a machine that is busy with other tests."""
GONE_S = 15
"""How long a gateway may take to end."""
Frame = dict[str, Any]


@dataclass(slots=True, kw_only=True)
class Served:
    """A gateway that is up. `printed` is what it said on standard output."""

    process: asyncio.subprocess.Process
    log: Path
    printed: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Where it is, without a slash at the end."""
        return next(line.split()[1] for line in self.printed if line.startswith("  open ")).rstrip("/")

    @property
    def children(self) -> list[psutil.Process]:
        """The processes that it started, their own among them."""
        return psutil.Process(self.process.pid).children(recursive=True)

    @property
    def workers(self) -> list[int]:
        """The numbers of its worker processes."""
        found: list[int] = []
        for child in psutil.Process(self.process.pid).children():
            with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):  # it has just ended
                if "gateway.worker" in child.cmdline():
                    found.append(child.pid)
        return sorted(found)

    @property
    def postmaster(self) -> int:
        """The number of its embedded server."""
        [found] = [child.pid for child in psutil.Process(self.process.pid).children() if "postgres" in child.name()]
        return int(found)

    def said(self, event: str) -> list[Frame]:
        """The lines of its log about an event."""
        lines = self.log.read_text(encoding="utf-8").splitlines()
        read = [json.loads(line) for line in lines if line.startswith("{")]
        return [line for line in read if line["event"] == event]

    async def wait_said(self, event: str) -> Frame:
        """The first line of its log about an event, as soon as it is there."""
        await until(lambda: bool(self.said(event)))
        return self.said(event)[0]

    def send(self, number: signal.Signals) -> None:
        """A signal, to the process that was started and to no other."""
        self.process.send_signal(number)

    async def wait_gone(self) -> int:
        """The exit code of the process; no child of it is left."""
        family = self.children
        async with asyncio.timeout(GONE_S):
            code = await self.process.wait()
        assert not psutil.wait_procs(family, timeout=2)[1], "a process was left behind"
        return code

    async def get(self, path: str) -> httpx2.Response:
        """The answer to a request on a connection of its own."""
        async with httpx2.AsyncClient(timeout=WAIT_S) as client:
            return await client.get(f"{self.url}{path}")


async def until(is_so: Callable[[], bool]) -> None:
    """Wait for something that only looking can tell."""
    async with asyncio.timeout(WAIT_S):
        while not is_so():  # noqa: ASYNC110 - another process cannot set an event
            await asyncio.sleep(0.02)


def environment(**given: str) -> dict[str, str]:
    """An environment in which nothing of the caller's own gateway is left, and `given` on top."""
    own = {
        name: value for name, value in os.environ.items() if not name.startswith(("PARLEY_", "ANTHROPIC_", "SLACK_"))
    }
    own.pop("DATABASE_URL", None)
    return {**own, "PARLEY_LOG_FORMAT": "json", "PARLEY_HOST": "127.0.0.1", "PARLEY_PORT": "0", **given}


@asynccontextmanager
async def served(*arguments: str, **variables: str) -> AsyncIterator[Served]:
    """`parley serve` until the context ends, then killed if it has not ended."""
    with tempfile.TemporaryDirectory(prefix="parley-serve-") as place:
        log = Path(place) / "log"
        with log.open("wb") as errors:
            process = await asyncio.create_subprocess_exec(
                COMMAND,
                "serve",
                *arguments,
                cwd=place,
                env=environment(**variables),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
            )
        gateway = Served(process=process, log=log)
        try:
            await _wait_up(gateway)
            yield gateway
        finally:
            if process.returncode is None:
                with suppress(psutil.NoSuchProcess):
                    for one in gateway.children:
                        one.kill()
                with suppress(ProcessLookupError):
                    process.kill()
            await process.wait()


async def _wait_up(gateway: Served) -> None:
    assert gateway.process.stdout is not None
    async with asyncio.timeout(WAIT_S):
        while not (gateway.printed and gateway.printed[-1].startswith("  open ")):
            line = await gateway.process.stdout.readline()
            assert line, gateway.log.read_text(encoding="utf-8")
            gateway.printed.append(line.decode().rstrip("\n"))


async def run_command(*arguments: str, **variables: str) -> tuple[int, str, str]:
    """A command to its end: exit code, standard output, standard error."""
    with tempfile.TemporaryDirectory(prefix="parley-serve-") as place:
        process = await asyncio.create_subprocess_exec(
            COMMAND,
            *arguments,
            cwd=place,
            env=environment(**variables),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(WAIT_S):
                out, err = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


@dataclass(slots=True)
class Visitor:
    """Somebody on the demo site. Keeps what a widget keeps, so that it can come again, to another process too."""

    saved: Frame = field(default_factory=lambda: {"cursor": 0})
    seen: list[Frame] = field(default_factory=list)
    socket: ClientConnection | None = None

    async def come(self, url: str) -> Self:
        """Connect and be welcomed."""
        if self.socket is not None:
            await self.socket.close()
        address = url.replace("http", "ws", 1) + "/widget/ws"
        self.socket = await connect(address, subprotocols=[Subprotocol("gw.v1")], open_timeout=WAIT_S)
        await self._send({"type": "hello", "v": 1, "site": "demo", **self.saved})
        welcome = await self.wait_for("welcome")
        self.saved |= {name: welcome[name] for name in ("token", "session_id", "epoch") if name in welcome}
        return self

    async def say(self, text: str) -> Frame:
        """Say something; the answer is the proof that it is stored."""
        await self._send({"type": "send", "id": str(uuid.uuid4()), "text": text})
        return await self.wait_for("ack")

    async def wait_for(self, kind: str, **fields: object) -> Frame:
        """The next frame of that kind with those fields."""
        async with asyncio.timeout(WAIT_S):
            while True:
                frame = await self._read()
                if frame["type"] == kind and fields.items() <= frame.items():
                    return frame

    async def wait_closed(self) -> int | None:
        """The code with which the gateway closes, once all that came before is read."""
        try:
            async with asyncio.timeout(WAIT_S):
                while True:
                    await self._read()
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else None

    async def leave(self) -> None:
        """Close."""
        if self.socket is not None:
            await self.socket.close()

    async def _send(self, frame: Frame) -> None:
        assert self.socket is not None
        await self.socket.send(json.dumps(frame))

    async def _read(self) -> Frame:
        assert self.socket is not None
        frame: Frame = json.loads(await self.socket.recv())
        self.seen.append(frame)
        if "seq" in frame and frame["type"] != "ack":
            self.saved["cursor"] = max(int(self.saved["cursor"]), int(frame["seq"]))
        return frame


def texts(frames: list[Frame], role: str) -> list[str]:
    """What was said in a role, from the frames of a visitor."""
    return [str(frame["text"]) for frame in frames if frame["type"] == "message" and frame["role"] == role]


def find_port() -> int:
    """A port that is free now."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])
