"""An answer looks the same however it was cut: nodes that are kept and changed are as those made anew."""

import json
from pathlib import Path

from playwright.async_api import Page

from tests.widget.test_build import run_node
from tests.widget.test_hostile import PAYLOADS


async def test_growing_and_whole_give_the_same_dom(page: Page, tmp_path: Path) -> None:
    """Samples and hostile texts, each cut at random places many times. Proves: WI-49."""
    bundle = tmp_path / "dom.js"
    options = {"entryPoints": ["test/dom.ts"], "bundle": True, "format": "iife", "outfile": str(bundle)}
    program = f"import {{ build }} from 'esbuild'; await build({json.dumps(options)});"
    built = run_node("--input-type=module", "-e", program)
    assert built.returncode == 0, built.stderr
    await page.evaluate(bundle.read_text())
    different = await page.evaluate("([texts, seed, rounds]) => compareCuts(texts, seed, rounds)", [PAYLOADS, 1, 30])
    assert different == []
