"""`parley serve` with several workers.

    supervisor   owns the port, the embedded database and the migrations; serves nothing itself
      ├── worker 0   its own socket on the port, its own pool, its own /metrics
      ├── worker 1   …

A worker that dies is replaced. When the supervisor dies, in whatever way, the system ends its workers and its database.
"""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import warnings
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import TypeAlias

from gateway.config import Configuration, add_operator_token
from gateway.crew import Crew
from gateway.listening import reserve, url_of
from gateway.server import Stop
from gateway.settings import Settings
from gateway.store import Store, kept_running, open_store
from gateway.worker import FAILED, READY, VARIABLE, Assignment
from memory.capacity import connections_for, load_room, share_connections
from memory.database import store_errors
from memory.embedded.settings import SETTINGS
from memory.embedded.spawn import tie_to_parent
from memory.migrate import migrate

COMMAND = (sys.executable, "-P", "-m", "gateway.worker")
READY_S = 60.0
POLL_S = 0.05
_GONE_S = 15

Announce: TypeAlias = Callable[[Settings, Configuration, Store, str], None]


def supervise(settings: Settings, configuration: Configuration, announce: Announce) -> None:
    """Serve with `settings.workers` processes until SIGTERM or SIGINT. Raises one of `START_ERRORS`.

    To be called on the main thread: workers end with the thread that started them.
    """
    room = max(int(SETTINGS["max_connections"]), connections_for(settings.workers))
    holder = reserve(settings.host, settings.port)
    with closing(holder), open_store(settings, server_settings={"max_connections": str(room)}) as store:
        configuration = add_operator_token(configuration, settings)
        asyncio.run(_supervise(settings, configuration, store, holder, announce))


async def _supervise(
    settings: Settings, configuration: Configuration, store: Store, holder: socket.socket, announce: Announce
) -> None:
    dsn, direct_dsn = store.address.dsn, store.address.direct_dsn
    with store_errors():
        await migrate(direct_dsn)
    pool_size = share_connections(await load_room(direct_dsn), settings.workers)
    stop = Stop()
    stop.catch_signals(gone_s=_GONE_S)
    environment = _environment(settings, holder)

    def launch(n: int) -> WorkerProcess:
        ours, theirs = socket.socketpair()
        with theirs:
            fd = theirs.fileno()
            assignment = Assignment(number=n, link_fd=fd, dsn=dsn, direct_dsn=direct_dsn, pool_size=pool_size)
            return WorkerProcess(_spawn({**environment, VARIABLE: assignment.to_json()}, fd), ours)

    async with kept_running(store.embedded):
        await Crew(settings.workers, launch).run(stop, lambda: announce(settings, configuration, store, url_of(holder)))


def _environment(settings: Settings, holder: socket.socket) -> dict[str, str]:
    """What workers find in their environment: the supervisor's own, and what its command line said."""
    port = holder.getsockname()[1]
    said = {"PARLEY_HOST": settings.host, "PARLEY_PORT": str(port), "PARLEY_WORKERS": str(settings.workers)}
    return {**os.environ, **said}


def _spawn(environment: Mapping[str, str], link_fd: int) -> "subprocess.Popen[bytes]":
    """A worker in a session of its own, so that a Ctrl-C in the terminal is the supervisor's to pass on."""
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):  # see memory.embedded.spawn
        return subprocess.Popen(  # noqa: S603 - our own program
            COMMAND,
            env=environment,
            stdin=subprocess.DEVNULL,
            pass_fds=(link_fd,),
            start_new_session=True,
            preexec_fn=tie_to_parent(signal.SIGKILL),  # noqa: PLW1509 - two system calls that are loaded before the fork
        )


class WorkerProcess:
    """`gateway.crew.Worker` for a process of ours. `link` is our end of the socket between us."""

    def __init__(self, process: "subprocess.Popen[bytes]", link: socket.socket) -> None:
        self._process = process
        self._link = link
        link.setblocking(False)  # noqa: FBT003

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    async def wait_ready(self) -> str | None:
        """Its first word. One that says nothing for a minute is ended."""
        said = b""
        try:
            async with asyncio.timeout(READY_S):
                while said != READY and (part := await asyncio.get_running_loop().sock_recv(self._link, 4096)):
                    said += part
        except TimeoutError:
            self.send(signal.SIGKILL)
            return f"a worker was not ready after {READY_S:g} s"
        except ConnectionError:
            pass
        return None if said == READY else said.removeprefix(FAILED).decode(errors="replace")

    async def wait_ended(self) -> int:
        """Its exit status."""
        while (status := self._process.poll()) is None:  # noqa: ASYNC110 - no handler of SIGCHLD needed
            await asyncio.sleep(POLL_S)
        self._link.close()
        return status

    def send(self, number: signal.Signals) -> None:
        """Send a signal; does nothing once it has ended."""
        self._process.send_signal(number)
