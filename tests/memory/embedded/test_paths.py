"""Directories with names that are hard on a database."""

import os
import shutil
import stat
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from memory.embedded import binaries
from memory.embedded.errors import DataDirectoryUnusableError, WrongServerVersionError
from memory.embedded.owner import EmbeddedPostgres
from tests.memory.embedded.gateways import FAST, read_notes, run_gateway, run_owner, write_note

NAMES = [
    pytest.param("deep/" * 30 + "x" * 100, id="too long for a socket"),
    pytest.param("with, 'quotes' \"and\" $pace é\n%2F#?&", id="signs that mean something somewhere"),
]


def socket_dir(dsn: str) -> Path:
    return Path(parse_qs(urlsplit(dsn).query)["host"][0])


@pytest.mark.parametrize("name", NAMES)
async def test_a_database_under_a_hard_name_starts_and_keeps_its_address(place: Path, name: str) -> None:
    """The system takes 107 bytes as a socket's path, and people keep projects where they like."""
    data_dir = place / name
    with run_owner(data_dir) as owner:
        dsn = owner.dsn
        sockets = socket_dir(dsn)
        assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
        assert sockets.stat().st_uid == (owner.home / "data").stat().st_uid
        await write_note(dsn, "kept")
        owner.restart()
        assert owner.dsn == dsn
        assert await read_notes(dsn) == ["kept"]
    assert not sockets.exists()


async def test_programs_under_a_hard_name_make_a_database(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """initdb hands its own path to a shell, and a .venv lies where the project does."""
    hard = place / 'my "$project" `here`'
    binaries.copy_binaries(binaries.find_binaries(), binaries.Binaries(root=hard / "copy"))
    monkeypatch.setattr(binaries, "find_binaries", lambda: binaries.Binaries(root=hard / "copy"))
    with run_owner(place / "parley") as owner:
        await write_note(owner.dsn, "kept")
        assert await read_notes(owner.dsn) == ["kept"]


def test_a_temporary_socket_directory_is_taken_up_again_after_a_kill(place: Path) -> None:
    """The temporary directory does not fill up with what killed gateways left."""
    data_dir = place / ("x" * 120)
    with run_gateway(data_dir) as gateway:
        left = socket_dir(gateway.dsn)
        gateway.kill()
    assert left.is_dir()
    with run_owner(data_dir) as owner:
        assert socket_dir(owner.dsn) == left
    assert not left.exists()


def test_a_directory_that_somebody_else_took_the_name_of_is_left_alone(place: Path) -> None:
    """In the common temporary directory a name of ours may by now be another's."""
    if os.geteuid() != 0:
        pytest.skip("only root can make another user's directory")
    data_dir = place / ("x" * 120)
    with run_gateway(data_dir) as gateway:
        left = socket_dir(gateway.dsn)
        gateway.kill()
    (left / "theirs").touch()
    os.chown(left, 1, 1)
    try:
        with run_owner(data_dir) as owner:
            assert socket_dir(owner.dsn) != left
        assert (left / "theirs").exists()
    finally:
        shutil.rmtree(left)


def test_a_path_too_long_for_postgresql_itself_gets_a_line(place: Path) -> None:
    """Its programs would cut the path off and use another directory."""
    data_dir = place.joinpath(*["y" * 200] * 5)
    with pytest.raises(DataDirectoryUnusableError, match="too long for PostgreSQL"):
        EmbeddedPostgres(data_dir).start()


def test_a_file_in_the_place_of_the_directory_gets_a_line(place: Path) -> None:
    """Not a traceback."""
    (place / "parley").write_text("")
    with pytest.raises(DataDirectoryUnusableError, match="parley: File exists"):
        EmbeddedPostgres(place / "parley").start()


def test_data_of_another_major_version_gets_a_line_that_says_what_to_do(data_dir: Path) -> None:
    """PostgreSQL reads no other major version's files, and nothing may be lost over it."""
    version_file = data_dir / "postgres" / "data" / "PG_VERSION"
    version_file.write_text("17\n")
    try:
        with pytest.raises(WrongServerVersionError) as caught:
            EmbeddedPostgres(data_dir).start()
    finally:
        version_file.write_text("18\n")
    for part in (str(version_file.parent), "PostgreSQL 17", "this is 18", "parley db dump", "parley db restore"):
        assert part in str(caught.value)
    assert "\n" not in str(caught.value)
    with run_owner(data_dir) as owner:
        assert owner.is_running


def test_files_that_are_no_database_are_not_overwritten(place: Path) -> None:
    """Somebody's files are in the way; only they know what they are."""
    found = place / "postgres" / "data" / "thesis.txt"
    found.parent.mkdir(parents=True)
    found.write_text("mine")
    with pytest.raises(DataDirectoryUnusableError, match="no database in it"):
        EmbeddedPostgres(place, settings=FAST).start()
    assert found.read_text() == "mine"
