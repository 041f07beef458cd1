"""Two gateways and one directory."""

from pathlib import Path

import pytest

from memory.embedded.errors import DataDirectoryInUseError
from memory.embedded.owner import EmbeddedPostgres
from tests.memory.embedded.gateways import read_setting, run_gateway, run_owner


async def test_a_second_gateway_gets_one_line_that_says_who_and_what_to_do(data_dir: Path) -> None:
    """It is the commonest mistake, and the first gateway must not notice it."""
    with run_gateway(data_dir) as first:
        with pytest.raises(DataDirectoryInUseError) as caught:
            EmbeddedPostgres(data_dir).start()
        line = str(caught.value)
        assert "\n" not in line
        for part in (str(data_dir), f"process {first.process.pid}", "stop it", "PARLEY_DATA_DIR"):
            assert part in line
        assert await read_setting(first.dsn, "cluster_name") == "parley"


def test_a_second_gateway_is_told_the_same_in_a_process_of_its_own(data_dir: Path) -> None:
    """The lock holds between processes and by whatever way the directory is named."""
    alias = data_dir.with_name(f"{data_dir.name}-alias")
    alias.symlink_to(data_dir)
    try:
        with run_owner(data_dir), run_gateway(alias) as second:
            assert second.said["kind"] == "DataDirectoryInUseError"
    finally:
        alias.unlink()


def test_the_directory_is_free_once_its_gateway_has_stopped(data_dir: Path) -> None:
    """Neither a stop nor a failed start keeps it."""
    with run_owner(data_dir) as first:
        second = EmbeddedPostgres(data_dir)
        with pytest.raises(DataDirectoryInUseError):
            second.start()
        assert first.is_running
        first.stop()
        second.start()
        second.stop()
