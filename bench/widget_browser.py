"""The widget in a real browser: cut off all the time, on a slow phone, with a long answer."""

import asyncio
import random
from dataclasses import dataclass

from playwright.async_api import Browser, CDPSession, Page

from bench.widget_clients import Faults, compare
from bench.widget_proxy import CuttingProxy
from tests.widget.fake_server import serving

LISTEN = """() => {
    window.heard = []; window.back = []; window.backLate = []; let since = 0, isCutAgain = false;
    const chat = document.querySelector('parley-chat');
    chat.on('message', (one) => { if (one.role === 'user') heard.push(one.text); });
    chat.on('status', (status) => {
        if (status === 'waiting') { isCutAgain = !!since; since ||= performance.now(); }
        if (status === 'ready' && since) {
            (isCutAgain ? backLate : back).push(performance.now() - since);
            since = 0; isCutAgain = false;
        }
    });
    chat.open();
}"""
SEE_LAUNCHER = """
    const look = () => {
        const launcher = document.querySelector('parley-chat')?.shadowRoot?.querySelector('.launcher');
        requestAnimationFrame(launcher?.offsetWidth ? () => { window.launcherAt = performance.now(); } : look);
    };
    requestAnimationFrame(look);
"""
"""The page notes by itself when it has shown the launcher: a driver that looks costs as much as the widget."""
BLOCK = """## Part {n}

A paragraph with **strong words**, `code`, and [a link](https://www.example.com/{n}), as models write them. It goes on
for a while, so that there is something to break into lines, and then it ends.

- first point, which is short
- second point with *emphasis* and more words than the first

```python
for n in range({n}):
    print(n)
```

| name | value |
|---|---:|
| part | {n} |

"""
UNTIL_ANSWERED = """() => new Promise((done) => document.querySelector('parley-chat').on(
    'message', (message) => message.role === 'assistant' && done()))"""
"""Waits without looking: a look at the page in each of its frames would be work of the thread that is measured."""
ANSWER_BYTES = 32 * 1024
SPACING_S = 0.04


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowserCuts:
    """What a browser came through: how often it was cut off, its faults, and milliseconds until it was back.

    `late_ms` are of those that were cut off again before they were back, which waits longer by design.
    """

    cuts: int
    faults: Faults
    back_ms: list[float]
    late_ms: list[float]


async def cut_off_browser(browser: Browser, proxy: CuttingProxy, cuts: int, dice: random.Random) -> BrowserCuts:
    """Messages go on while the path is cut at random points, before acknowledgements among them."""
    page = await browser.new_page()
    await page.goto(f"http://127.0.0.1:{proxy.own_port}/")
    await page.locator(".launcher").wait_for(state="attached")
    await page.evaluate(LISTEN)
    written: list[str] = []
    before = proxy.cuts
    while proxy.cuts - before < cuts:
        written.append(f"message {len(written)}")
        at_ack = dice.random() < 0.3
        proxy.cut_at_ack = at_ack
        await page.evaluate("(text) => document.querySelector('parley-chat').send(text)", written[-1])
        await asyncio.sleep(dice.random() * 0.12)
        if not at_ack:
            proxy.cut()
            await asyncio.sleep(dice.random() * 0.15)
    proxy.cut_at_ack = False
    await page.wait_for_function("(count) => heard.length >= count", arg=len(written), timeout=120_000)
    await page.wait_for_function("!Object.keys(localStorage).some((key) => key.includes(':o'))", timeout=60_000)
    faults = compare(written, await page.evaluate("heard"))
    shown: list[str] = await page.locator(".msg[data-from=me] .body").all_inner_texts()
    faults.add(compare(written[-len(shown) :] if shown else written, shown))
    back_ms: list[float] = await page.evaluate("back")
    late_ms: list[float] = await page.evaluate("backLate")
    await page.close()
    return BrowserCuts(cuts=proxy.cuts - before, faults=faults, back_ms=back_ms, late_ms=late_ms)


async def _main_thread_ms(session: CDPSession) -> dict[str, float]:
    found = await session.send("Performance.getMetrics")
    metrics = {one["name"]: one["value"] * 1000 for one in found["metrics"]}
    return {name: metrics[f"{name}Duration"] for name in ("Script", "Layout", "RecalcStyle", "Task")}


async def stream_long_answer(browser: Browser, size: int) -> dict[str, float]:
    """Processor milliseconds of the main thread for an answer of 32 KB that comes in pieces of `size`, 40 ms apart."""
    text = "".join(BLOCK.format(n=n) for n in range(200))[:ANSWER_BYTES]
    async with serving() as gateway:
        gateway.pause_s = SPACING_S
        gateway.answer = lambda _: [text[at : at + size] for at in range(0, len(text), size)]
        page = await browser.new_page()
        await page.goto(gateway.url)
        await page.get_by_role("textbox").fill("long")
        await page.wait_for_timeout(500)
        session = await page.context.new_cdp_session(page)
        await session.send("Performance.enable", {"timeDomain": "threadTicks"})
        before = await _main_thread_ms(session)
        async with asyncio.timeout(90):
            told = asyncio.ensure_future(page.evaluate(UNTIL_ANSWERED))
            await page.keyboard.press("Enter")
            await told
        await page.wait_for_timeout(1000)
        after = await _main_thread_ms(session)
        await page.close()
    return {name: after[name] - before[name] for name in after}


async def wait_for_launcher(browser: Browser, url: str, latency_ms: int = 40) -> float:
    """Seconds from the start of the navigation until the launcher is there, at 4 x CPU throttle and 1.6 Mbit/s."""
    page: Page = await (await browser.new_context(viewport={"width": 390, "height": 800})).new_page()
    session = await page.context.new_cdp_session(page)
    await session.send("Network.enable")
    bytes_per_s = 1_600_000 / 8
    conditions = {
        "offline": False,
        "latency": latency_ms,
        "downloadThroughput": bytes_per_s,
        "uploadThroughput": bytes_per_s,
    }
    await session.send("Network.emulateNetworkConditions", conditions)
    await session.send("Emulation.setCPUThrottlingRate", {"rate": 4})
    await page.add_init_script(SEE_LAUNCHER)
    await page.goto(url)
    await page.wait_for_timeout(3000)
    seen_ms: float = await page.evaluate("launcherAt")
    await page.context.close()
    return seen_ms / 1000
