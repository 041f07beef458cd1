"""What every test may use."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from memory.database import Database
from tests.support.database import PATIENCE_S, new_database
from tests.support.postgres import SharedPostgres

POSTGRES = pytest.StashKey[SharedPostgres]()
CHAOS = Path(__file__).parent / "chaos"


settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


def pytest_configure(config: pytest.Config) -> None:
    """Make the run's server known; with xdist start it now, since the workers can only take its address over."""
    config.stash[POSTGRES] = SharedPostgres()
    is_worker = hasattr(config, "workerinput")
    if not is_worker and config.getoption("dist", "no") != "no" and not config.option.collectonly:
        config.stash[POSTGRES].url()


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the run's server."""
    if POSTGRES in config.stash:
        config.stash[POSTGRES].stop()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first, which also go one at a time: so one worker begins with them, and the others never wait."""
    items.sort(key=lambda item: not item.path.is_relative_to(CHAOS))


@pytest.fixture(scope="session", autouse=True)
def patient_senders() -> Iterator[None]:
    """Who sends something to a gateway in a test waits long for the store; one test sets the time that people have."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("adapters.deadlines.TOLD_S", PATIENCE_S)
        yield


@pytest.fixture(scope="session")
def postgres_url(pytestconfig: pytest.Config) -> str:
    """The address of the run's PostgreSQL, as a superuser. It is shared: make a database of your own in it."""
    return pytestconfig.stash[POSTGRES].url()


@pytest.fixture
async def database_url(postgres_url: str) -> AsyncIterator[str]:
    """The address of a fresh, migrated database."""
    async with new_database(postgres_url) as url:
        yield url


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A fresh, migrated database, opened as the gateway opens it."""
    database = await Database.open(database_url, size=5, statement_s=PATIENCE_S)
    yield database
    await database.close()
