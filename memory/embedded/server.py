"""One life of the server process: from the fork to the last of its backends gone."""

import os
import signal
import subprocess
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path

from memory.embedded import pidfile
from memory.embedded.binaries import Binaries
from memory.embedded.cluster import Workshop, prepare_cluster
from memory.embedded.errors import ServerExitedError, ServerNotReadyError, ServerStillRunningError
from memory.embedded.home import Home
from memory.embedded.locks import open_lock, try_lock
from memory.embedded.log import open_log, read_tail
from memory.embedded.settings import server_command
from memory.embedded.sockets import make_socket_dir
from memory.embedded.spawn import spawn
from memory.embedded.steps import Steps, wait_until


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long to wait, in seconds. The server ends its backends by force 5 s into an immediate stop."""

    ready_s: float = 120.0
    predecessor_s: float = 30.0
    stop_s: float = 5.0
    immediate_stop_s: float = 6.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A running server. `log_begin`: where in the log its life begins."""

    home: Home
    process: subprocess.Popen[bytes]
    sockets: Path
    log_fd: int
    log_begin: int
    limits: Limits

    def read_log(self) -> list[str]:
        """The end of what this server has written since it was launched."""
        return read_tail(self.log_fd, self.log_begin)


def launch(
    home: Home, binaries: Binaries, settings: Mapping[str, str], limits: Limits
) -> Generator[float, None, Server]:
    """Start the server, making its database where there is none, and wait until it takes connections."""
    lock_fd = open_lock(home.server_lock, home.account)
    try:
        yield from await_predecessor(home, lock_fd, limits)
        log_fd = open_log(home.log, home.account)
        try:
            is_durable = settings.get("fsync") != "off"
            shop = Workshop(home=home, binaries=binaries, log_fd=log_fd, lock_fd=lock_fd, is_durable=is_durable)
            yield from prepare_cluster(shop)
            pidfile.remove_foreign(home.data)
            sockets = make_socket_dir(home)
            log_begin = os.fstat(log_fd).st_size
            server = Server(
                home=home,
                process=spawn(
                    server_command(binaries, home.data, sockets, settings),
                    account=home.account,
                    output_fd=log_fd,
                    lock_fd=lock_fd,
                    death_signal=signal.SIGQUIT,
                ),
                sockets=sockets,
                log_fd=log_fd,
                log_begin=log_begin,
                limits=limits,
            )
        except BaseException:
            os.close(log_fd)
            raise
    finally:
        os.close(lock_fd)  # from here on only the server's processes hold it
    yield from await_ready(server)
    return server


def await_predecessor(home: Home, lock_fd: int, limits: Limits) -> Steps:
    """Wait until no process of an earlier server is left, be it ours or another tool's. Nothing is done to them."""

    def is_free() -> bool:
        return try_lock(lock_fd) and pidfile.find_server(home.data) is None

    if not (yield from wait_until(is_free, timeout_s=limits.predecessor_s)):
        raise ServerStillRunningError(home.data, pidfile.read_pid(home.data))


def await_ready(server: Server) -> Steps:
    """Wait until the server has written that it is ready; where it is not, end it."""
    try:
        yield from check_ready(server)
    except BaseException:
        end_now(server)
        raise


def check_ready(server: Server) -> Steps:
    """Raises ServerExitedError, ServerNotReadyError."""
    process, limits = server.process, server.limits

    def is_decided() -> bool:
        return process.poll() is not None or pidfile.is_ready(server.home.data, process.pid)

    is_in_time = yield from wait_until(is_decided, timeout_s=limits.ready_s)
    if process.returncode is not None:
        what = f"The embedded PostgreSQL ended before it was ready (status {process.returncode})."
        raise ServerExitedError(what, server.home.log, server.read_log())
    if not is_in_time:
        what = f"The embedded PostgreSQL was not ready after {limits.ready_s:g} s."
        raise ServerNotReadyError(what, server.home.log, server.read_log())


def shut_down(server: Server, *, is_immediate: bool) -> Steps:
    """End the server: at first asking it to finish (unless `is_immediate`), then to drop everything, then by force."""
    process, limits = server.process, server.limits
    plan = [(signal.SIGQUIT, limits.immediate_stop_s), (signal.SIGKILL, limits.immediate_stop_s)]
    if not is_immediate:
        plan.insert(0, (signal.SIGINT, limits.stop_s))
    try:
        for number, timeout_s in plan:
            process.send_signal(number)  # does nothing once the process is known to have ended
            if (yield from wait_until(lambda: process.poll() is not None, timeout_s=timeout_s, pause_s=0.005)):
                break
    finally:
        end_now(server)


def end_now(server: Server) -> None:
    """Make sure, without pauses for others, that the server's process has ended, and let go of what it used."""
    process = server.process
    if process.poll() is None:
        process.send_signal(signal.SIGQUIT)
        try:
            process.wait(server.limits.immediate_stop_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    os.close(server.log_fd)
