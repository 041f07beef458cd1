"""The life of the server under one owner."""

import asyncio
import os
import stat
import threading
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg
import psutil
import pytest

from memory.embedded.errors import (
    EmbeddedPostgresError,
    NotMainThreadError,
    ServerExitedError,
    ServerNotReadyError,
)
from memory.embedded.owner import EmbeddedPostgres
from memory.embedded.server import Limits
from tests.memory.embedded.gateways import (
    FAST,
    is_gone,
    list_family,
    read_notes,
    read_setting,
    run_owner,
    until_sleeping,
    write_note,
)


async def test_a_new_directory_becomes_a_database_fit_for_every_language(place: Path) -> None:
    """Nobody sets up anything: the first start makes the database, with the order and case of all scripts."""
    with run_owner(place / "new") as owner:
        assert await read_setting(owner.dsn, "server_encoding") == "UTF8"
        assert await read_setting(owner.dsn, "data_checksums") == "on"
        connection = await asyncpg.connect(owner.dsn, timeout=5)
        try:
            assert await connection.fetchval("SELECT upper('éä')") == "ÉÄ"
        finally:
            await connection.close()


async def test_what_is_committed_survives_a_stop_and_every_kind_of_restart(data_dir: Path) -> None:
    """The database is the only source of truth."""
    with run_owner(data_dir) as owner:
        await write_note(owner.dsn, "kept")
        owner.restart()
        owner.restart(is_immediate=True)
        assert await read_notes(owner.dsn) == ["kept"]
        owner.stop()
        owner.start()
        assert await read_notes(owner.dsn) == ["kept"]


def test_starting_and_stopping_twice_is_as_once(data_dir: Path) -> None:
    """Whoever cleans up need not know what has been done already."""
    with run_owner(data_dir) as owner:
        pid = owner.pid
        family = list_family(pid)
        owner.start()
        assert owner.pid == pid
        owner.stop()
        owner.stop()
        assert is_gone(family)
        assert not owner.is_running
        with pytest.raises(EmbeddedPostgresError, match="not been started"):
            _ = owner.dsn


async def test_data_and_socket_are_closed_to_others_and_no_port_is_open(data_dir: Path) -> None:
    """What people wrote is read by nobody else on the machine. Proves: OP-2."""
    with run_owner(data_dir) as owner:
        sockets = Path(parse_qs(urlsplit(owner.dsn).query)["host"][0])
        for closed in (owner.home / "data", sockets, sockets / ".s.PGSQL.5432"):
            assert stat.S_IMODE(closed.stat().st_mode) == 0o700
        assert (owner.home.stat().st_mode & 0o066) == 0
        kinds = {connection.family.name for connection in psutil.Process(owner.pid).net_connections()}
        assert kinds == set()


async def test_committing_waits_for_the_disk_unless_told_otherwise(data_dir: Path) -> None:
    """An acked message survives a loss of power."""
    owner = EmbeddedPostgres(data_dir)
    owner.start()
    try:
        for name in ("fsync", "synchronous_commit", "full_page_writes"):
            assert await read_setting(owner.dsn, name) == "on"
    finally:
        owner.stop()


def test_a_start_from_another_thread_is_refused(data_dir: Path) -> None:
    """The system would end the server with that thread."""
    caught: list[BaseException] = []

    def start() -> None:
        try:
            EmbeddedPostgres(data_dir).start()
        except EmbeddedPostgresError as error:
            caught.append(error)

    thread = threading.Thread(target=start)
    thread.start()
    thread.join(5)
    assert [type(error) for error in caught] == [NotMainThreadError]


def test_a_server_that_ends_at_once_is_reported_with_its_log(data_dir: Path) -> None:
    """The person sees why, without looking for a file."""
    owner = EmbeddedPostgres(data_dir, settings={"shared_buffers": "plenty"})
    with pytest.raises(ServerExitedError, match=r"server\.log.*\n.*shared_buffers.*plenty"):
        owner.start()
    assert not owner.is_running
    with run_owner(data_dir) as second:
        assert second.is_running


def test_a_server_that_is_not_ready_in_time_is_ended(data_dir: Path) -> None:
    """A start neither hangs nor leaves a server that nobody owns."""
    before = {child.pid for child in psutil.Process().children()}
    owner = EmbeddedPostgres(data_dir, settings=FAST, limits=Limits(ready_s=0))
    with pytest.raises(ServerNotReadyError, match="not ready after 0 s"):
        owner.start()
    assert {child.pid for child in psutil.Process().children()} <= before


async def test_a_cancelled_start_leaves_nothing(data_dir: Path) -> None:
    """A gateway that is told to stop while it starts goes in peace."""
    before = {child.pid for child in psutil.Process().children()}
    owner = EmbeddedPostgres(data_dir, settings=FAST)
    starting = asyncio.create_task(owner.start_async())
    await asyncio.sleep(0)  # up to its first pause, when the server's process is there
    assert {child.pid for child in psutil.Process().children()} > before
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert {child.pid for child in psutil.Process().children()} <= before
    with run_owner(data_dir) as second:
        assert second.is_running


async def test_a_server_that_dies_is_noticed_and_comes_back_at_the_same_address(data_dir: Path) -> None:
    """The gateway outlives its database, and its workers were given the address."""
    with run_owner(data_dir) as owner:
        await write_note(owner.dsn, "kept")
        dsn, family = owner.dsn, list_family(owner.pid)
        watching = asyncio.create_task(owner.wait_ended())
        psutil.Process(owner.pid).kill()
        async with asyncio.timeout(5):
            assert await watching == -9
            assert not owner.is_running
            await owner.restart_async()
        assert is_gone(family)
        assert owner.dsn == dsn
        assert await read_notes(dsn) == ["kept"]
        await owner.stop_async()


async def test_the_log_holds_nothing_that_people_wrote(data_dir: Path) -> None:
    """Logs hold no texts; PostgreSQL by itself quotes failing values and statements in its own."""
    with run_owner(data_dir) as owner:
        connection = await asyncpg.connect(owner.dsn, timeout=5)
        try:
            await connection.execute("CREATE TEMP TABLE said (body text PRIMARY KEY CHECK (body <> 'my secret'))")
            for statement in (
                "INSERT INTO said VALUES ('my secret')",
                "SELECT 'my secret'::uuid",
                "SELECT my secret from",
                "DO $$ BEGIN RAISE WARNING 'my secret'; END $$",
                "INSERT INTO said SELECT 'our secret' FROM generate_series(1, 2)",
            ):
                try:
                    await connection.execute(statement)
                except asyncpg.PostgresError:
                    continue
            await connection.execute("SELECT pg_sleep(0) /* secret */")
        finally:
            await connection.close()
        assert "secret" not in (owner.home / "server.log").read_text()


async def test_the_log_of_a_crash_does_not_quote_what_the_backend_was_doing(data_dir: Path) -> None:
    """PostgreSQL by itself adds the statement, and with it what a person wrote."""
    with run_owner(data_dir) as owner:
        victim = await asyncpg.connect(owner.dsn, timeout=5)
        backend = psutil.Process(await victim.fetchval("SELECT pg_backend_pid()"))
        working = asyncio.create_task(victim.execute("SELECT pg_sleep(600) /* my secret */"))
        other = await asyncpg.connect(owner.dsn, timeout=5)
        is_closed = asyncio.Event()
        other.add_termination_listener(lambda _: is_closed.set())
        await until_sleeping(other)
        backend.kill()
        with pytest.raises((asyncpg.PostgresError, ConnectionError)):
            await working
        async with asyncio.timeout(5):
            await is_closed.wait()  # the server writes of the crash, then it closes the connections of all others
        victim.terminate()
        other.terminate()
        log = (owner.home / "server.log").read_text()
        assert f"(PID {backend.pid}) was terminated by signal 9" in log
        assert "secret" not in log


def test_a_log_past_its_limit_is_put_aside(data_dir: Path) -> None:
    """A disk is not filled by years of starts."""
    log = data_dir / "postgres" / "server.log"
    log.write_text("old\n" * 300_000)
    with run_owner(data_dir):
        assert log.stat().st_size < 10_000
    assert (data_dir / "postgres" / "server.log.1").read_text().startswith("old\n")


def test_the_server_gets_no_key_of_the_gateway(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment holds the keys of the model and of Slack, and the server has no use for them."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-not-for-the-database")
    monkeypatch.setenv("PGPORT", "1")
    with run_owner(data_dir) as owner:
        assert psutil.Process(owner.pid).environ().keys() <= {"PATH", "LC_ALL", "PG_GRANDPARENT_PID"}


def test_a_server_is_no_part_of_the_terminals_group(data_dir: Path) -> None:
    """Ctrl-C is for the gateway, which still needs its database to finish."""
    with run_owner(data_dir) as owner:
        assert os.getsid(owner.pid) != os.getsid(0)
        assert os.getpgid(owner.pid) != os.getpgid(0)
