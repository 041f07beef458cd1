"""Directories to try the owner in."""

import shutil
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
def data_dir() -> Iterator[Path]:
    """A data directory with a database in it. Making one takes most of the time of a test, so the tests take turns:
    each leaves the directory free of servers and fit for the next."""
    directory = make_open_directory()
    owner = EmbeddedPostgres(directory, settings=FAST)
    owner.start()
    owner.stop()
    yield directory
    shutil.rmtree(directory)
