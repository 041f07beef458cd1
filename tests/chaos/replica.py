"""One gateway process of the suite: started, hit, and started again on the same port."""

import asyncio
import re
import signal
import socket
import sys
from asyncio.subprocess import Process
from collections.abc import Mapping
from pathlib import Path

import aiohttp

_WORKER = re.compile(r"^\s*worker\s+(\S+)$", re.MULTILINE)


class Replica:
    """`worker_id` is that of its present life; `starts` counts its lives."""

    def __init__(self, name: str, environment: Mapping[str, str], logs: Path) -> None:
        self.name = name
        self.port = _free_port()
        self.starts = 0
        self.worker_id = ""
        self._environment = dict(environment)
        self._logs = logs
        self._process: Process | None = None
        self.ready = asyncio.Event()
        self.exits: list[int] = []

    @property
    def url(self) -> str:
        """Where it serves."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def is_up(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.returncode is None

    @property
    def _log(self) -> Path:
        return self._logs / f"{self.name}-{self.starts}.log"

    async def keep_up(self) -> None:
        """Start it, and again whenever it has ended, until cancelled. `ready` is set while it serves."""
        try:
            while True:
                await self._launch()
                if await self._becomes_ready():
                    self.ready.set()
                self.exits.append(await self.wait_ended())
                self.ready.clear()
        finally:
            await self.kill()

    async def _launch(self) -> None:
        self.starts += 1
        with self._log.open("wb") as output:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "tests.chaos.launcher",
                "serve",
                "--port",
                str(self.port),
                stdout=output,
                stderr=output,
                env=self._environment,
            )

    async def _becomes_ready(self) -> bool:
        """Whether it serves; false when it ended instead, as one does that finds no database."""
        async with aiohttp.ClientSession() as client:
            while not await self._answers(client):
                if not self.is_up:
                    return False
                await asyncio.sleep(0.03)
        found = _WORKER.search(self._log.read_text())
        self.worker_id = found[1] if found else ""
        return True

    async def _answers(self, client: aiohttp.ClientSession) -> bool:
        try:
            async with client.get(self.url + "/readyz", timeout=aiohttp.ClientTimeout(total=2)) as response:
                return response.status == 200
        except (aiohttp.ClientError, TimeoutError):
            return False

    def signal(self, number: signal.Signals) -> None:
        """Hit it."""
        assert self._process is not None
        self._process.send_signal(number)

    async def wait_ended(self) -> int:
        """Its exit code, once it has ended."""
        assert self._process is not None
        return await self._process.wait()

    async def kill(self) -> None:
        """End it without warning, if it lives."""
        if self.is_up:
            self.signal(signal.SIGKILL)
            await self.wait_ended()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    assert isinstance(port, int)
    return port
