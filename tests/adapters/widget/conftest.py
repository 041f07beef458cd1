"""The widget over a stand-in gateway, in process."""

from collections.abc import Callable

import pytest
from starlette.applications import Starlette

from adapters.widget.limits import Limits
from adapters.widget.routes import Widget, build_widget
from tests.adapters.widget.make import SECRET, SITES
from tests.adapters.widget.peer import Peer
from tests.support.fake_gateway import FakeGateway, as_gateway

Connect = Callable[..., Peer]


@pytest.fixture
def gateway() -> FakeGateway:
    """The stand-in behind the widget."""
    return FakeGateway()


def build(gateway: FakeGateway, limits: Limits | None = None, instance_id: str = "db1") -> tuple[Widget, Starlette]:
    """A widget, and the application that serves it."""
    widget = build_widget(as_gateway(gateway), SITES, SECRET, instance_id, limits)
    return widget, Starlette(routes=widget.routes)


@pytest.fixture
def widget_and_app(gateway: FakeGateway) -> tuple[Widget, Starlette]:
    """With the limits as they are by default."""
    return build(gateway)


@pytest.fixture
def widget(widget_and_app: tuple[Widget, Starlette]) -> Widget:
    """All connections of the application."""
    return widget_and_app[0]


@pytest.fixture
def connect(widget_and_app: tuple[Widget, Starlette]) -> Connect:
    """A new client; to be used with `async with`."""
    return lambda **options: Peer(widget_and_app[1], **options)
