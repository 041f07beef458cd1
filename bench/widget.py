"""What the widget and its server side keep through, and what they cost, beside the figures they are to be held to.

    python -m bench.widget [--share 1.0] [--only cuts,…]

All of it takes some ten minutes; `--share 0.03` some thirty seconds. The gateway is a process of its own with the
demo model, the clients come through a proxy that cuts their connections, and the gateway itself is killed while they
talk. Processor time is the gateway's own; times of waiting depend on what else the machine does.
"""

import argparse
import asyncio
import contextlib
import os
import random
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from playwright.async_api import Browser, async_playwright

from bench.processes import TICKS_PER_S, run_child
from bench.widget_browser import cut_off_browser, stream_long_answer, wait_for_launcher
from bench.widget_clients import Client, cut_off_clients, sit_idle
from bench.widget_proxy import serve_proxy
from tests.support.postgres import make_open_directory

BROWSER_CUTS, CLIENT_CUTS, KILLS, IDLE, IDLE_S = 1_000, 10_000, 20, 5_000, 30.0
CONFIG = "[widget]\nmessage_count = 10000\nsockets_per_ip = 100000\nmax_waiting = 1000\n"
MODEL_CONFIG = """
[[agents]]
titles = false
id = "assistant"
model = "bench-model"
instructions = "Answer."

[prices."bench-model"]
input = 1
output = 1
"""
MOST = 0.2
"""From this share on the figures that only inform are measured, too."""
PARTS = ("launcher", "main", "bytes", "idle", "cuts", "clients")


class Gateway:
    """`parley serve` on a port of its own, which can be killed and started again."""

    def __init__(self, folder: Path, more: str = "", environment: dict[str, str] | None = None) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        self._folder = folder
        (folder / "parley.toml").write_text(CONFIG + more)
        own = {"PARLEY_DATA_DIR": str(folder / "data"), "PARLEY_PORT": str(self.port), "PARLEY_LOG_FORMAT": "json"}
        self._environment = {**os.environ, **own, **(environment or {})}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def ws_url(self) -> str:
        """Where the widget's protocol is spoken."""
        return f"ws://127.0.0.1:{self.port}/widget/ws"

    @property
    def pid(self) -> int:
        """Of the process that serves."""
        assert self._process is not None
        return self._process.pid

    async def start(self) -> None:
        """Until it serves."""
        self._process = self._spawn()
        for _ in range(600):
            if await asyncio.to_thread(self._is_ready):
                return
            await asyncio.sleep(0.05)
        raise SystemExit(f"the gateway does not serve; see {self._folder}/log")

    def _spawn(self) -> "subprocess.Popen[bytes]":
        command = [str(Path(sys.executable).with_name("parley")), "serve"]
        with (self._folder / "log").open("ab") as log:
            return subprocess.Popen(command, cwd=self._folder, env=self._environment, stdout=log, stderr=log)

    def _is_ready(self) -> bool:
        with contextlib.suppress(OSError):
            return bool(urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=2).status == 200)
        return False

    async def end(self, how: signal.Signals) -> None:
        """End it, one way or the other."""
        if self._process is not None:
            self._process.send_signal(how)
            await asyncio.to_thread(self._process.wait, 30)

    def cpu_s(self) -> float:
        """Processor seconds so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(") ")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS_PER_S

    def resident_bytes(self) -> int:
        """Memory of the process."""
        line = next(one for one in Path(f"/proc/{self.pid}/status").read_text().splitlines() if "VmRSS" in one)
        return int(line.split()[1]) * 1024


@contextmanager
def _folder() -> Iterator[Path]:
    base = make_open_directory()
    yield base
    shutil.rmtree(base, ignore_errors=True)


@asynccontextmanager
async def _serving(more: str = "", environment: dict[str, str] | None = None) -> AsyncIterator[Gateway]:
    with _folder() as folder:
        gateway = Gateway(folder, more, environment)
        await gateway.start()
        try:
            yield gateway
        finally:
            await gateway.end(signal.SIGTERM)


def _say(what: str, found: str, wanted: str) -> None:
    print(f"{what:<44} {found:<42} {wanted}", flush=True)


async def _measure_launcher(browser: Browser, gateway: Gateway, _: float) -> None:
    took = [await wait_for_launcher(browser, f"http://127.0.0.1:{gateway.port}/") for _ in range(3)]
    _say("launcher, 4 x CPU, 1.6 Mbit/s, 40 ms", f"{statistics.median(took):.2f} s", "at most 1 s")


async def _measure_main_thread(browser: Browser, _: Gateway, share: float) -> None:
    for size in (400, 80)[: 2 if share > MOST else 1]:
        took = await stream_long_answer(browser, size)
        work = took["Script"] + took["Layout"] + took["RecalcStyle"]
        parts = ", ".join(f"{name.lower()} {ms:.0f}" for name, ms in took.items())
        _say(
            f"main thread, 32 KB in pieces of {size}", f"{work:.0f} ms ({parts})", "at most 150 ms" if size > 80 else ""
        )


async def _measure_bytes(_: Browser, __: Gateway, share: float) -> None:
    for deltas, size, delay_ms in ((400, 40, 10), (400, 20, 10), (200, 4, 10)):
        wanted = "at most 2.5" if size == 40 else ""
        arguments = ("--deltas", str(deltas), "--delta-bytes", str(size), "--delay-ms", str(delay_ms))
        with run_child("bench.model_server", *arguments) as model:
            key = {"ANTHROPIC_API_KEY": "bench", "ANTHROPIC_BASE_URL": model.url}
            async with _serving(MODEL_CONFIG, key) as gateway, serve_proxy(gateway.port) as proxy:
                client = Client(f"ws://127.0.0.1:{proxy.own_port}/widget/ws", 1, random.Random(1))
                client.outbox, client.written = [("0f8fad5b-d9cb-469f-a165-70867728950e", "x")], ["x"]
                await client.connect("hello")
                greeting = proxy.down_bytes
                await client.connect("never")
                ratio = (proxy.down_bytes - 2 * greeting) / (deltas * size)
        _say(f"bytes of an answer at {size * 1000 // delay_ms} characters/s", f"{ratio:.2f} x the text", wanted)
        if share < MOST:
            return


async def _measure_idle(_: Browser, gateway: Gateway, share: float) -> None:
    count = max(200, round(IDLE * share))
    for writer in await sit_idle(gateway.ws_url, 50):
        writer.close()
    await asyncio.sleep(1)
    before = gateway.resident_bytes()
    writers = await sit_idle(gateway.ws_url, count)
    await asyncio.sleep(2)
    each = (gateway.resident_bytes() - before) / count
    _say(f"memory of one of {count} idle connections", f"{each / 1024:.1f} KiB", "at most 40 KiB")
    span_s = max(10.0, IDLE_S * min(1.0, share * 3))
    started = gateway.cpu_s()
    await asyncio.sleep(span_s)
    used = (gateway.cpu_s() - started) / span_s
    for writer in writers:
        writer.close()
    _say(f"processor for {count} idle connections", f"{used:.2%} of a core", f"at most 2 % for {IDLE}")


async def _measure_cuts(browser: Browser, gateway: Gateway, share: float) -> None:
    cuts = max(10, round(BROWSER_CUTS * share))
    async with serve_proxy(gateway.port) as proxy:
        found = await cut_off_browser(browser, proxy, cuts, random.Random(7))
    faults = found.faults
    text = f"{faults.lost} lost, {faults.doubled} doubled, {faults.disordered} out of order"
    _say(f"{found.cuts} disconnects in the browser", text, "0, 0, 0")
    _say(f"reconnect, {len(found.back_ms)} of them", _render_spread(found.back_ms), "at most 150 and 500 ms")
    _say(f"cut off again meanwhile, {len(found.late_ms)}", _render_spread(found.late_ms), "backs off: 0.5 s doubling")


def _render_spread(times_ms: list[float]) -> str:
    if not times_ms:
        return "none"
    ordered = sorted(times_ms)
    last = ordered[min(len(ordered) - 1, round(len(ordered) * 0.99))]
    return f"median {statistics.median(ordered):.0f} ms, p99 {last:.0f} ms"


async def _measure_clients(_: Browser, gateway: Gateway, share: float) -> None:
    cuts, kills = max(100, round(CLIENT_CUTS * share)), max(1, round(KILLS * share))
    talking = asyncio.create_task(cut_off_clients(gateway.ws_url, cuts, seed=11))
    killed = 0
    while not talking.done() and killed < kills:
        await asyncio.wait([talking], timeout=1.0 + random.random() * 2)
        if not talking.done():
            await gateway.end(signal.SIGKILL)
            await gateway.start()
            killed += 1
    faults, done = await talking
    text = f"{faults.lost} lost, {faults.doubled} doubled, {faults.disordered} out of order"
    _say(f"{done} disconnects from Python, {killed} kills", text, "0, 0, 0")


MEASURES: dict[str, Callable[[Browser, Gateway, float], Awaitable[None]]] = {
    "launcher": _measure_launcher,
    "main": _measure_main_thread,
    "bytes": _measure_bytes,
    "idle": _measure_idle,
    "cuts": _measure_cuts,
    "clients": _measure_clients,
}


async def run(share: float, only: list[str]) -> None:
    """One line for each figure."""
    async with async_playwright() as playwright:
        path = os.environ.get("PARLEY_CHROMIUM", "/usr/bin/chromium")
        browser = await playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        async with _serving() as gateway:
            for name in only:
                await MEASURES[name](browser, gateway, share)
        await browser.close()


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--share", type=float, default=1.0, help="how much of everything; 1 is all")
    parser.add_argument("--only", default=",".join(PARTS), help="some of the parts, with commas")
    arguments = parser.parse_args()
    asyncio.run(run(arguments.share, arguments.only.split(",")))


if __name__ == "__main__":
    main()
