"""One of several processes that serve: started by the supervisor as `python -m gateway.worker`, never by a person.

What it is to do comes in a variable of the environment; how it fares it tells over a socket that both hold.
"""

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import MutableMapping
from contextlib import closing
from dataclasses import asdict, dataclass

import structlog
import uvloop

from gateway.address import StoreAddress
from gateway.config import Configuration, add_operator_token, load_configuration
from gateway.listening import bind_shared
from gateway.logs import configure_logs
from gateway.server import Serving, Stop, run_gateway
from gateway.settings import Settings, load_settings
from gateway.start_errors import START_ERRORS, explain_start_error

VARIABLE = "_PARLEY_WORKER"
READY = b"ready\n"
FAILED = b"failed "


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """What the supervisor gives a worker. `link_fd`: the worker's end of the socket between them."""

    number: int
    link_fd: int
    dsn: str
    direct_dsn: str
    pool_size: int

    def to_json(self) -> str:
        """For the environment."""
        return json.dumps(asdict(self))


def take_assignment(environ: MutableMapping[str, str]) -> Assignment:
    """The assignment, gone from the environment: programs that tools start have no use for it."""
    return Assignment(**json.loads(environ.pop(VARIABLE)))


def main() -> int:
    """Serve until the supervisor says stop, or is gone. Returns the exit code."""
    assignment = take_assignment(os.environ)
    with closing(socket.socket(fileno=assignment.link_fd)) as link:
        link.set_inheritable(False)
        structlog.contextvars.bind_contextvars(worker=assignment.number)
        try:
            settings = load_settings()
            configure_logs(settings.log_format)
            configuration = add_operator_token(load_configuration(settings), settings)
            uvloop.run(_run(settings, configuration, assignment, link))
        except START_ERRORS as error:
            link.sendall(FAILED + explain_start_error(error).encode())
            return 1
    return 0


async def _run(settings: Settings, configuration: Configuration, assignment: Assignment, link: socket.socket) -> None:
    stop = Stop()
    stop.catch_signals()
    _stop_without_supervisor(stop, link)
    address = StoreAddress(dsn=assignment.dsn, direct_dsn=assignment.direct_dsn, pool_size=assignment.pool_size)
    with closing(bind_shared(settings.host, settings.port)) as sock:
        serving = Serving(settings=settings, configuration=configuration, address=address, sock=sock)
        await run_gateway(serving, stop, lambda: link.sendall(READY))


def _stop_without_supervisor(stop: Stop, link: socket.socket) -> None:
    """Where the system does not end a worker with its supervisor, the end of their socket does."""
    loop = asyncio.get_running_loop()

    def on_end() -> None:
        loop.remove_reader(link)
        stop.take(signal.SIGTERM)

    loop.add_reader(link, on_end)


if __name__ == "__main__":
    sys.exit(main())
