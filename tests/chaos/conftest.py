"""A database server of the suite's own, since it is restarted, and one run at a time, whatever else the tests do."""

import fcntl
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from memory.embedded.owner import EmbeddedPostgres
from tests.support.postgres import make_open_directory


@pytest.fixture
def own_postgres() -> Iterator[EmbeddedPostgres]:
    """A running, empty server. Others that want one wait: two runs at once would only slow each other down."""
    with (Path(tempfile.gettempdir()) / "parley-chaos.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        postgres = EmbeddedPostgres(make_open_directory())
        postgres.start()
        try:
            yield postgres
        finally:
            postgres.stop(is_immediate=True)
            shutil.rmtree(postgres.home, ignore_errors=True)
            shutil.rmtree(postgres.data_dir, ignore_errors=True)
