"""A gateway of our own and Debian's Chromium for the widget's tests."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, BrowserContext, Page

from tests.support.chromium import open_browser
from tests.widget.fake_server import FakeGateway, serving


@pytest.fixture
async def gateway() -> AsyncIterator[FakeGateway]:
    """A strict gateway in memory; the test fails if the widget broke the protocol."""
    async with serving() as running:
        yield running


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """One for all tests of a run's worker."""
    async with open_browser() as browser:
        yield browser


@pytest.fixture
async def context(browser: Browser) -> AsyncIterator[BrowserContext]:
    """A fresh profile: nothing in its storage. Any script error on any of its pages fails the test."""
    fresh = await browser.new_context(viewport={"width": 1200, "height": 860}, locale="en-GB")
    fresh.set_default_timeout(10_000)
    errors: list[str] = []
    fresh.on("weberror", lambda error: errors.append(str(error.error)))
    yield fresh
    await fresh.close()
    assert errors == []


@pytest.fixture
async def page(context: BrowserContext) -> Page:
    """One window."""
    return await context.new_page()
