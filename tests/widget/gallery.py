"""The gallery's pages on a server of their own, and the pictures of the documentation that are taken of them.

python -m tests.widget.gallery        takes the pictures in docs/images anew
"""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import uvicorn
from playwright.async_api import Browser, Page, async_playwright

from gateway.app import Readiness, build_app
from tests.support.chromium import CHROMIUM, FLAGS
from tests.widget.small_png import shrink_png

IMAGES = Path(__file__).parents[2] / "docs/images"
STATES = (
    *("closed", "unread", "open", "streaming", "answer", "error"),
    *("offline", "stopped", "past", "files", "people", "handoff"),
)
PICTURES = {
    "closed": ("state=closed", 560),
    "open": ("state=open", 560),
    "streaming": ("state=streaming", 560),
    "error": ("state=error", 560),
    "offline": ("state=offline", 560),
    "mobile": ("state=answer&mobile", 390),
    "dark": ("state=answer&theme=dark", 560),
    "rtl": ("state=open&lang=ar", 560),
}
"""The pictures of the documentation: which state, and how wide the screen is."""


@asynccontextmanager
async def serve_gallery() -> AsyncIterator[str]:
    """The address of a server that has the pages and nothing behind them."""
    app = build_app(Readiness(), [], has_demo_page=True, has_gallery=True)
    server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_config=None))
    listener = socket.create_server(("127.0.0.1", 0))
    serving = asyncio.create_task(server._serve([listener]))
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        async with asyncio.timeout(10):
            await serving
        listener.close()


async def open_state(page: Page, url: str, query: str) -> None:
    """One state, as far as it gets."""
    await page.goto(f"{url}/gallery/state?{query}")
    await page.locator(".launcher").wait_for(state="attached")
    if "state=closed" not in query and "state=stopped" not in query:
        await page.locator("html[data-ready]").wait_for(state="attached")


async def _take(browser: Browser, url: str, name: str) -> None:
    query, width = PICTURES[name]
    context = await browser.new_context(
        viewport={"width": width, "height": 720},
        color_scheme="dark" if "dark" in query else "light",
        reduced_motion="reduce",
    )
    page = await context.new_page()
    await open_state(page, url, query)
    await page.wait_for_timeout(800)
    (IMAGES / f"widget-{name}.png").write_bytes(shrink_png(await page.screenshot()))
    await context.close()


async def take_pictures() -> None:
    """All of them."""
    IMAGES.mkdir(exist_ok=True)
    async with async_playwright() as playwright, serve_gallery() as url:
        browser = await playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        for name in PICTURES:
            await _take(browser, url, name)
        await browser.close()


if __name__ == "__main__":
    asyncio.run(take_pictures())
