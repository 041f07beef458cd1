"""A database made once and copied, since making one takes most of the time of a test."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from memory.embedded.owner import EmbeddedPostgres
from tests.memory.embedded.gateways import FAST
from tests.support.postgres import make_open_directory


@pytest.fixture
def place() -> Iterator[Path]:
    """A new directory that the server's user can pass."""
    directory = make_open_directory()
    yield directory
    shutil.rmtree(directory)


@pytest.fixture(scope="session")
def template() -> Iterator[Path]:
    """A data directory with a database in it and nobody at work."""
    directory = make_open_directory()
    owner = EmbeddedPostgres(directory, settings=FAST)
    owner.start()
    owner.stop()
    yield directory
    shutil.rmtree(directory)


@pytest.fixture
def data_dir(place: Path, template: Path) -> Path:
    """A data directory of the test's own, with a database in it."""
    copy = place / "parley"
    subprocess.run(["/bin/cp", "-a", "--reflink=auto", str(template), str(copy)], check=True)
    return copy
