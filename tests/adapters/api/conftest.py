"""A fresh gateway and callers for every test of the API."""

import pytest

from tests.adapters.api.caller import OPERATOR, OTHER, Caller, build_app
from tests.adapters.api.fake import FakeGateway


@pytest.fixture
def gateway() -> FakeGateway:
    """A gateway in memory."""
    return FakeGateway()


@pytest.fixture
def caller(gateway: FakeGateway) -> Caller:
    """Somebody whose token may give tasks."""
    return Caller(build_app(gateway))


@pytest.fixture
def other(caller: Caller) -> Caller:
    """Somebody else of the same kind, at the same API."""
    return Caller(caller.app, OTHER)


@pytest.fixture
def operator(caller: Caller) -> Caller:
    """An operator, at the same API."""
    return Caller(caller.app, OPERATOR)
