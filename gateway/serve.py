"""`parley serve`: the database, the model, the gateway and the web server, from start to a graceful end."""

import asyncio
import contextlib
import signal
import socket
import sys
from collections.abc import Generator, Iterator
from dataclasses import replace
from typing import Any

import structlog
import uvicorn
import uvloop

from agent.errors import StoreUnavailableError
from agent.ports import Model
from agent.pricing import DEMO_MODEL
from gateway.compose import Gateway, StoreAddress, open_gateway
from gateway.config import Configuration, add_operator_token
from gateway.config_errors import ConfigurationError
from gateway.http_protocol import DeadlineHttpProtocol
from gateway.settings import Settings
from gateway.websocket_protocol import ParleyWebSocketProtocol
from memory.embedded.errors import EmbeddedPostgresError
from memory.embedded.owner import EmbeddedPostgres
from memory.errors import StoreSetupError
from memory.migrate import migrate

log = structlog.get_logger(__name__)
DRAIN_S = 8.0
CLOSE_S = 3.0
DEMO_WORDS_PER_S = 40


def serve(settings: Settings, configuration: Configuration) -> int:
    """Serve until SIGTERM or SIGINT. Returns the exit code; what is wrong is one line on standard error."""
    try:
        with open_store(settings) as (address, store_name):
            configuration = add_operator_token(configuration, settings)
            uvloop.run(_serve(settings, configuration, address, store_name))
    except (EmbeddedPostgresError, StoreSetupError, PortTakenError, ConfigurationError) as error:
        print(f"parley: {error}", file=sys.stderr)
        return 1
    except StoreUnavailableError as error:
        print(f"parley: the database is not reachable: {error}", file=sys.stderr)
        return 1
    return 0


class PortTakenError(Exception):
    """Another program listens where the gateway should."""


@contextlib.contextmanager
def open_store(settings: Settings) -> Generator[tuple[StoreAddress, str], None, None]:
    """The database that is configured, or the embedded one, which lives as long as the context.

    Raises `EmbeddedPostgresError`.
    """
    if settings.database_url is not None:
        dsn = settings.database_url.get_secret_value()
        direct = settings.database_direct_url
        yield (
            StoreAddress(dsn=dsn, direct_dsn=direct.get_secret_value() if direct else dsn),
            "PostgreSQL (DATABASE_URL)",
        )
        return
    embedded = EmbeddedPostgres(settings.data_dir)
    embedded.start()
    try:
        yield StoreAddress(dsn=embedded.dsn, direct_dsn=embedded.dsn), f"embedded PostgreSQL in {settings.data_dir}"
    finally:
        embedded.stop()


def build_model(settings: Settings, configuration: Configuration) -> tuple[Configuration, Model, str]:
    """Claude where there is a key, else the demo model for every agent. Importing the SDK is slow: it is done here."""
    from gateway.claude import VENDOR_URL, build_claude

    if settings.anthropic_api_key is not None:
        url, key = settings.anthropic_base_url or VENDOR_URL, settings.anthropic_api_key.get_secret_value()
        return configuration, build_claude(api_key=key, prices=configuration.prices, base_url=url), f"Claude at {url}"
    from gateway.demo.model import build_demo_transport

    transport = build_demo_transport(words_per_s=DEMO_WORDS_PER_S)
    model = build_claude(api_key="demo", prices=configuration.prices, transport=transport)
    configuration = replace(configuration, agents=configuration.agents.with_model(DEMO_MODEL))
    return configuration, model, "built-in demo model, no AI (for Claude set ANTHROPIC_API_KEY)"


async def _serve(settings: Settings, configuration: Configuration, address: StoreAddress, store_name: str) -> None:
    sock = _listen(settings.host, settings.port)
    await migrate(address.direct_dsn)
    configuration, model, model_name = build_model(settings, configuration)
    async with open_gateway(configuration, address, model, lease_s=settings.lease_s) as gateway:
        server = _build_server(settings, gateway)
        serving = asyncio.create_task(server.serve(sockets=[sock]))
        while not server.started and not serving.done():  # noqa: ASYNC110  uvicorn tells by a flag
            await asyncio.sleep(0.01)
        gateway.readiness.is_serving = True
        _announce(configuration, sock, store_name, model_name)
        stop = _catch_signals()
        await asyncio.wait([serving, asyncio.create_task(stop.wait())], return_when=asyncio.FIRST_COMPLETED)
        log.info("stopping")
        await gateway.drain(DRAIN_S)
        server.should_exit = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_S + 1):
                await serving


def _listen(host: str, port: int) -> socket.socket:
    """The listening socket, made before anything else is started: a port that is taken is known at once."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host.strip("[]"), port))
        sock.listen(1024)
    except OSError as error:
        sock.close()
        raise PortTakenError(
            f"cannot listen on {host}:{port}: {error.strerror}. Choose another with --port."
        ) from error
    return sock


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
        "ws_ping_interval": 20.0,
        "ws_ping_timeout": 20.0,
        "lifespan": "off",
        "log_config": None,
        "access_log": False,
        "server_header": False,
        "proxy_headers": bool(proxies),
        "forwarded_allow_ips": proxies,
        "timeout_graceful_shutdown": int(CLOSE_S),
    }
    return _Server(uvicorn.Config(gateway.app, **options))


def _catch_signals() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop


def _announce(configuration: Configuration, sock: socket.socket, store_name: str, model_name: str) -> None:
    """What was started, in a few lines for a person."""
    host, port = sock.getsockname()[:2]
    lines = [
        "Parley is up.",
        f"  database  {store_name}",
        f"  model     {model_name}",
        f"  sites     {', '.join(configuration.sites) or 'none'}",
        *configuration.notices,
        f"  open      http://{f'[{host}]' if ':' in host else host}:{port}/",
    ]
    print("\n".join(lines), flush=True)
