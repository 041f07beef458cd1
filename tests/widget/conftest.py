"""A gateway of our own and Debian's Chromium for the widget's tests."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from tests.widget.fake_server import FakeGateway, serving

CHROMIUM = Path(os.environ.get("PARLEY_CHROMIUM", "/usr/bin/chromium"))
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture
async def gateway() -> AsyncIterator[FakeGateway]:
    """A strict gateway in memory; the test fails if the widget broke the protocol."""
    async with serving() as running:
        yield running


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Chromium without a window. Skipped where there is none, except in CI, where it must be there."""
    if not CHROMIUM.exists():
        if os.environ.get("CI"):
            pytest.fail(f"CI needs a browser at {CHROMIUM}: apt-get install chromium")
        pytest.skip(f"no browser at {CHROMIUM}: the widget's browser tests need Debian's chromium")
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield launched
        await launched.close()


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
