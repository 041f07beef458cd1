"""`parley db dump` and `parley db restore`: what was kept comes back, whole, into an empty database and no other."""

import asyncio
import os
import re
import secrets
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from gateway.backup import (
    BackupError,
    dump_database,
    explain_failure,
    find_program,
    part_password,
    restore_database,
    run_program,
)
from gateway.settings import Settings, load_settings
from memory.embedded.owner import EmbeddedPostgres
from memory.errors import StoreSetupError
from memory.migrate import migrate
from tests.gateway.configuring import go_to_bare_place
from tests.support.database import new_database, with_database


@pytest.fixture(autouse=True)
def bare_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An empty directory and none of our variables."""
    go_to_bare_place(monkeypatch, tmp_path)


def settings_for(url: str, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The settings of a gateway on this database."""
    monkeypatch.setenv("DATABASE_URL", url)
    return load_settings()


async def fetchval(url: str, sql: str) -> object:
    """One value."""
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


@asynccontextmanager
async def plain_role(postgres_url: str) -> AsyncIterator[str]:
    """The address of an empty database whose owner is no superuser, as with most providers."""
    name, password = f"owner_{secrets.token_hex(4)}", secrets.token_hex(8)
    connection = await asyncpg.connect(postgres_url)
    await connection.execute(f"CREATE ROLE {name} LOGIN CREATEROLE PASSWORD '{password}'")
    await connection.execute(f"GRANT parley_app TO {name} WITH ADMIN OPTION")
    await connection.execute(f"CREATE DATABASE {name} OWNER {name} TEMPLATE template0")
    try:
        host = re.sub(r"^postgresql://[^@]*@", "", with_database(postgres_url, name))
        yield f"postgresql://{name}:{password}@{host}"
    finally:
        await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await connection.execute(f"REASSIGN OWNED BY {name} TO CURRENT_USER")
        await connection.execute(f"DROP OWNED BY {name}")
        await connection.execute(f"DROP ROLE {name}")
        await connection.close()


async def test_what_was_kept_comes_back(
    database_url: str, postgres_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Rows, the secret that visitors' tokens are signed with, and row level security as it was. Proves: OP-8."""
    told = "SELECT secret FROM instance"
    guarded = "SELECT count(*) FROM pg_class WHERE relrowsecurity AND relforcerowsecurity"
    size_bytes = await asyncio.to_thread(dump_database, settings_for(database_url, monkeypatch), tmp_path / "a.dump")
    assert size_bytes == (tmp_path / "a.dump").stat().st_size
    async with new_database(postgres_url, is_migrated=False) as target:
        await asyncio.to_thread(restore_database, settings_for(target, monkeypatch), tmp_path / "a.dump")
        for sql in (told, guarded):
            assert await fetchval(target, sql) == await fetchval(database_url, sql)
        assert await migrate(target) == []


async def test_a_dump_is_for_its_owners_eyes_and_leaves_nothing_else(
    database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It holds everything that anybody said."""
    await asyncio.to_thread(dump_database, settings_for(database_url, monkeypatch), Path("a.dump"))
    assert stat.S_IMODE(Path("a.dump").stat().st_mode) == 0o600
    assert os.listdir(tmp_path) == ["a.dump"]  # noqa: PTH208


async def test_a_file_is_replaced_only_when_asked(
    database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """And is left as it was when the dump does not succeed."""
    file, settings = tmp_path / "a.dump", settings_for(database_url, monkeypatch)
    file.write_text("precious")
    with pytest.raises(BackupError, match="is there already"):
        dump_database(settings, file)
    away = settings_for("postgresql://x@127.0.0.1:1/y", monkeypatch)
    with pytest.raises(BackupError, match=r"pg_dump: .*127\.0\.0\.1"):
        await asyncio.to_thread(dump_database, away, file, may_replace=True)
    assert (file.read_text(), os.listdir(tmp_path)) == ("precious", ["a.dump"])  # noqa: PTH208
    await asyncio.to_thread(dump_database, settings, file, may_replace=True)
    assert file.read_bytes().startswith(b"PGDMP")


async def test_nothing_is_read_into_a_database_that_holds_something(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A slip in the address must not mix two gateways, or lose one."""
    settings = settings_for(database_url, monkeypatch)
    before = await fetchval(database_url, "SELECT secret FROM instance")
    await asyncio.to_thread(dump_database, settings, Path("a.dump"))
    with pytest.raises(StoreSetupError, match=r"has \d+ tables already"):
        await asyncio.to_thread(restore_database, settings, Path("a.dump"))
    assert await fetchval(database_url, "SELECT secret FROM instance") == before


async def test_a_file_that_is_no_dump_leaves_the_database_empty(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The right one can still be read in."""
    Path("no.dump").write_text("hello")
    async with new_database(postgres_url, is_migrated=False) as target:
        settings = settings_for(target, monkeypatch)
        for name, expected in (("no.dump", "pg_restore: input file"), ("gone.dump", "there is no file gone.dump")):
            with pytest.raises(BackupError, match=expected):
                await asyncio.to_thread(restore_database, settings, Path(name))
        assert await fetchval(target, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == 0


async def test_an_owner_who_is_no_superuser_restores_and_is_told_why_not_dump(
    database_url: str, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Row level security is forced on the owner too: a dump that silently lacks rows would be worse than none."""
    await asyncio.to_thread(dump_database, settings_for(database_url, monkeypatch), Path("a.dump"))
    async with plain_role(postgres_url) as target:
        settings = settings_for(target, monkeypatch)
        await asyncio.to_thread(restore_database, settings, Path("a.dump"))
        assert await migrate(target) == []
        with pytest.raises(BackupError, match="does not see every row: dump with a superuser"):
            await asyncio.to_thread(dump_database, settings, Path("b.dump"))
    assert not Path("b.dump").exists()


def test_an_embedded_database_is_dumped_while_its_gateway_runs_and_while_it_does_not(tmp_path: Path) -> None:
    """And read into a new directory, which a gateway can then start on."""
    first = EmbeddedPostgres(Path(".parley"))
    first.start()
    try:
        asyncio.run(migrate(first.dsn))
        dump_database(load_settings(), Path("running.dump"))
    finally:
        first.stop()
    dump_database(load_settings(), Path("stopped.dump"))
    assert Path("running.dump").stat().st_size == pytest.approx(Path("stopped.dump").stat().st_size, rel=0.05)


def test_there_has_to_be_an_embedded_database_to_dump(tmp_path: Path) -> None:
    """One is not made for the sake of an empty dump."""
    with pytest.raises(BackupError, match=r"there is no database in \.parley"):
        dump_database(load_settings(), Path("a.dump"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("dsn", "address", "password"),
    [
        ("postgresql://u:p%40ss@h:5/d?sslmode=require", "postgresql://u@h:5/d?sslmode=require", "p@ss"),
        ("postgresql://u@h/d?password=x%20y&a=%2Ftmp", "postgresql://u@h/d?a=%2Ftmp", "x y"),
        ("postgresql://h/d", "postgresql://h/d", None),
        ("postgresql://parley@/parley?host=%2Fa%20b&port=5", "postgresql://parley@/parley?host=%2Fa%20b&port=5", None),
    ],
)
def test_a_password_is_no_argument(dsn: str, address: str, password: str | None) -> None:
    """Arguments are for every user of the machine to read."""
    assert part_password(dsn) == (address, {} if password is None else {"PGPASSWORD": password})


async def test_what_a_program_says_becomes_one_line(postgres_url: str) -> None:
    """Without its own name twice, and without what it says beside the error."""
    with pytest.raises(BackupError) as caught:
        await asyncio.to_thread(run_program, "pg_dump", ["--table=gone"], postgres_url)
    assert str(caught.value) == "pg_dump: no matching tables were found"
    assert explain_failure("pg_dump", "", 3) == "pg_dump: ended with 3"
    with pytest.raises(BackupError, match="there is no pg_gone here"):
        find_program("pg_gone")
