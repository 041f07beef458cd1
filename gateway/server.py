"""One process that serves: the gateway behind the web server, from its start to a graceful end.

SIGTERM ─► /readyz 503 ─► bye, 1012 ─► running turns end, or go back after DRAIN_S ─► connections close ─► gone
"""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import structlog
import uvicorn

from agent.errors import StoreUnavailableError
from agent.pricing import DEMO_MODEL
from gateway.address import StoreAddress
from gateway.compose import Gateway, open_gateway
from gateway.config import Configuration
from gateway.http_protocol import DeadlineHttpProtocol
from gateway.settings import Settings
from gateway.websocket_protocol import ParleyWebSocketProtocol

if TYPE_CHECKING:
    from gateway.claude import ClaudeModel

log = structlog.get_logger(__name__)
DRAIN_S = 7.0
"""How long running turns may take to end."""
HAND_BACK_S = 3.0
"""How long it may take to give those back that did not."""
CLOSE_S = 2.0
"""How long connections may take to end."""
GONE_S = 14
"""When the system ends a process that has not ended by itself."""
DEMO_WORDS_PER_S = 40


class Stop:
    """What signals ask for: the first of them to stop, a SIGINT after it to hurry."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.hurried = asyncio.Event()

    def catch_signals(self, *, gone_s: int = GONE_S) -> None:
        """From now on SIGTERM and SIGINT set the events; `gone_s` after the first the system ends the process."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._catch, number, gone_s)

    def _catch(self, number: signal.Signals, gone_s: int) -> None:
        if not self.asked.is_set():
            signal.alarm(gone_s)
        self.take(number)

    def take(self, number: signal.Signals) -> None:
        """A signal came."""
        if not self.asked.is_set():
            self.asked.set()
        elif number == signal.SIGINT:
            self.hurried.set()


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """What a process serves, where. The socket is bound; it need not listen yet."""

    settings: Settings
    configuration: Configuration
    address: StoreAddress
    sock: socket.socket


def name_model(settings: Settings) -> str:
    """The model that answers, for people."""
    if settings.anthropic_api_key is None:
        return "built-in demo model, no AI (for Claude set ANTHROPIC_API_KEY)"
    return f"Claude at {settings.anthropic_base_url or 'https://api.anthropic.com'}"


def build_model(settings: Settings, configuration: Configuration) -> "tuple[Configuration, ClaudeModel]":
    """Claude where there is a key, else the demo model for every agent. Importing the SDK is slow: it is done here."""
    from gateway.claude import VENDOR_URL, build_claude

    if settings.anthropic_api_key is not None:
        url, key = settings.anthropic_base_url or VENDOR_URL, settings.anthropic_api_key.get_secret_value()
        return configuration, build_claude(api_key=key, prices=configuration.prices, base_url=url)
    from gateway.demo.model import build_demo_transport

    transport = build_demo_transport(words_per_s=DEMO_WORDS_PER_S)
    model = build_claude(api_key="demo", prices=configuration.prices, transport=transport)
    return replace(configuration, agents=configuration.agents.with_model(DEMO_MODEL)), model


async def run_gateway(serving: Serving, stop: Stop, on_ready: Callable[[], None]) -> None:
    """Serve until a stop is asked for. The database has to be migrated. Raises those of `START_ERRORS` that apply.

    `on_ready` is called once everything is up.
    """
    configuration, model = build_model(serving.settings, serving.configuration)
    try:
        bus_url = serving.settings.bus_url.get_secret_value() if serving.settings.bus_url else None
        lease_s = serving.settings.lease_s
        async with open_gateway(configuration, serving.address, model, lease_s=lease_s, bus_url=bus_url) as gateway:
            await _serve(gateway, serving, stop, on_ready)
    except (StoreUnavailableError, ExceptionGroup) as error:
        # Who leaves without the database does not sign off: the others notice the missing beat.
        if not stop.asked.is_set() or not _is_all(error, StoreUnavailableError):
            raise
        log.warning("store_away", during="stop")
    finally:
        await model.aclose()


async def _serve(gateway: Gateway, serving: Serving, stop: Stop, on_ready: Callable[[], None]) -> None:
    server = _build_server(serving.settings, gateway)
    running = asyncio.create_task(server.serve(sockets=[serving.sock]))
    asked = asyncio.create_task(stop.asked.wait())
    while not server.started and not running.done():  # noqa: ASYNC110  uvicorn tells by a flag
        await asyncio.sleep(0.01)
    if not running.done():
        gateway.readiness.is_serving = True
        on_ready()
    await asyncio.wait([running, asked], return_when=asyncio.FIRST_COMPLETED)
    log.info("stopping")
    await _drain(gateway, stop)
    server.should_exit = True
    server.force_exit = stop.hurried.is_set()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(CLOSE_S + 1):
            await running


async def _drain(gateway: Gateway, stop: Stop) -> None:
    """Running turns end or go back; those who are in a hurry do not wait for them to end."""
    draining = asyncio.create_task(gateway.drain(DRAIN_S))
    hurried = asyncio.create_task(stop.hurried.wait())
    await asyncio.wait([draining, hurried], timeout=DRAIN_S + HAND_BACK_S, return_when=asyncio.FIRST_COMPLETED)
    hurried.cancel()
    if draining.done():
        draining.result()
        return
    draining.cancel()
    await asyncio.wait([draining])
    if stop.hurried.is_set():
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(HAND_BACK_S):
                await gateway.drain(0)


def _is_all(error: BaseException, kind: type[Exception]) -> bool:
    return error.split(kind)[1] is None if isinstance(error, BaseExceptionGroup) else isinstance(error, kind)


class _Server(uvicorn.Server):
    """uvicorn without its own handling of signals: the gateway drains first."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _build_server(settings: Settings, gateway: Gateway) -> _Server:
    proxies = [str(network) for network in settings.trusted_proxies]
    options: dict[str, Any] = {
        "http": DeadlineHttpProtocol,
        "ws": ParleyWebSocketProtocol,
        "ws_per_message_deflate": False,
        "ws_max_size": 64 * 1024,
        "ws_ping_interval": 25.0,
        "ws_ping_timeout": 15.0,
        "lifespan": "off",
        "log_config": None,
        "access_log": False,
        "server_header": False,
        "proxy_headers": bool(proxies),
        "forwarded_allow_ips": proxies,
        "timeout_graceful_shutdown": int(CLOSE_S),
    }
    return _Server(uvicorn.Config(gateway.app, **options))
