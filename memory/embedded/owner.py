"""The embedded PostgreSQL as its gateway sees it: `start`, an address, `stop`."""

import math
import os
import threading
from collections.abc import Mapping
from pathlib import Path

from memory.embedded.accounts import choose_account
from memory.embedded.binaries import provide_binaries
from memory.embedded.cluster import DATABASE, USER
from memory.embedded.errors import DataDirectoryUnusableError, EmbeddedPostgresError, NotMainThreadError
from memory.embedded.home import Home, make_data_dir, open_home
from memory.embedded.locks import lock_for_gateway
from memory.embedded.server import Limits, Server, launch, shut_down
from memory.embedded.sockets import build_dsn, remove_socket_dir
from memory.embedded.steps import Steps, run_async, run_blocking, wait_until

POLL_S = 0.1


class EmbeddedPostgres:
    """A PostgreSQL server under `data_dir` that lives no longer than this process.

    Each of `start`, `stop` and `restart` has a twin ending in `_async` that does not hold up the event loop. They must
    be called from the main thread, one at a time, and raise EmbeddedPostgresError. `settings` are server settings that
    override `memory.embedded.settings`.
    """

    def __init__(self, data_dir: Path, *, settings: Mapping[str, str] | None = None, limits: Limits | None = None):
        self.data_dir = Path(data_dir).absolute()
        self._settings = dict(settings or {})
        self._limits = limits or Limits()
        self._lock_fd: int | None = None
        self._home: Home | None = None
        self._server: Server | None = None

    @property
    def dsn(self) -> str:
        """The address of the database, for asyncpg and for libpq's programs."""
        return build_dsn(self._running.sockets, user=USER, database=DATABASE)

    @property
    def pid(self) -> int:
        """The process number of the server."""
        return self._running.process.pid

    @property
    def home(self) -> Path:
        """The directory with the data and the log; not under `data_dir` where root's server cannot get there."""
        return (self._home.path if self._home else self.data_dir / "postgres").resolve()

    @property
    def is_running(self) -> bool:
        """Whether the server was started and has not ended."""
        return self._server is not None and self._server.process.poll() is None

    def start(self) -> None:
        """Start the server and return when it takes connections; a second call does nothing while it runs."""
        run_blocking(self._start())

    async def start_async(self) -> None:
        """`start`, without holding the event loop up."""
        await run_async(self._start())

    def stop(self, *, is_immediate: bool = False) -> None:
        """End the server and let go of the directory; a second call does nothing. `is_immediate`: as after a crash."""
        run_blocking(self._stop(is_immediate=is_immediate))

    async def stop_async(self, *, is_immediate: bool = False) -> None:
        """`stop`, without holding the event loop up."""
        await run_async(self._stop(is_immediate=is_immediate))

    def restart(self, *, is_immediate: bool = False) -> None:
        """End the server, if it has not ended by itself, and start it again; the directory stays ours throughout."""
        run_blocking(self._restart(is_immediate=is_immediate))

    async def restart_async(self, *, is_immediate: bool = False) -> None:
        """`restart`, without holding the event loop up."""
        await run_async(self._restart(is_immediate=is_immediate))

    async def wait_ended(self) -> int:
        """Return the exit status once the server has ended, by itself or by `stop`."""
        process = self._running.process
        await run_async(wait_until(lambda: process.poll() is not None, timeout_s=math.inf, pause_s=POLL_S))
        return process.returncode

    @property
    def _running(self) -> Server:
        if self._server is None:
            raise EmbeddedPostgresError("The embedded PostgreSQL has not been started.")
        return self._server

    def _start(self) -> Steps:
        if threading.current_thread() is not threading.main_thread():
            raise NotMainThreadError
        if self.is_running:
            return
        yield from self._end(is_immediate=True)  # one that ended by itself
        try:
            home = self._take_home()
            binaries = provide_binaries(home.account, home.runtime)
            self._server = yield from launch(home, binaries, self._settings, self._limits)
        except OSError as error:
            self._release()
            reason = f"{error.filename}: {error.strerror}" if error.filename else str(error)
            raise DataDirectoryUnusableError(self.data_dir, reason) from error
        except BaseException:
            self._release()
            raise

    def _take_home(self) -> Home:
        account = choose_account(self.data_dir, self.data_dir / "postgres" / "data")
        make_data_dir(self.data_dir, account)
        if self._lock_fd is None:
            self._lock_fd = lock_for_gateway(self.data_dir / "postgres.lock", account)
        self._home = open_home(self.data_dir / "postgres", account)
        return self._home

    def _stop(self, *, is_immediate: bool) -> Steps:
        try:
            yield from self._end(is_immediate=is_immediate)
        finally:
            self._release()

    def _restart(self, *, is_immediate: bool) -> Steps:
        yield from self._end(is_immediate=is_immediate)
        yield from self._start()

    def _end(self, *, is_immediate: bool) -> Steps:
        server, self._server = self._server, None
        if server is not None:
            yield from shut_down(server, is_immediate=is_immediate)

    def _release(self) -> None:
        if self._lock_fd is not None:
            if self._home is not None:
                remove_socket_dir(self._home)
            os.close(self._lock_fd)
            self._lock_fd = None
