"""The one built file: of these sources, small, and its pure parts tested where node is."""

import gzip
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

WIDGET = Path(__file__).parents[2] / "widget"
BUILT = WIDGET / "dist/widget.js"


def run_node(*command: str) -> subprocess.CompletedProcess[str]:
    """Runs node in the widget's folder; skips where there is no node or its packages are not installed."""
    node = shutil.which("node")
    missing = "node is not installed" if node is None else ""
    if not missing and not (WIDGET / "node_modules").is_dir():
        missing = "widget/node_modules is missing (npm ci in widget/)"
    if missing or node is None:
        if os.environ.get("CI"):
            pytest.fail(f"CI needs node for the widget: {missing}")
        pytest.skip(f"{missing}: the built file is tested as it is")
    return subprocess.run([node, *command], cwd=WIDGET, capture_output=True, text=True, check=False, timeout=120)


def test_the_built_file_is_what_the_sources_build(tmp_path: Path) -> None:
    """Whoever has Python alone runs the committed file: it must not differ from its sources by a byte."""
    outfile = tmp_path / "widget.js"
    built = run_node("build.mjs", str(outfile))
    assert built.returncode == 0, built.stderr
    assert outfile.read_bytes() == BUILT.read_bytes()


def test_the_types_of_the_js_api_are_those_of_the_sources() -> None:
    """`dist/widget.d.ts` is what an embedding site compiles against."""
    assert (WIDGET / "dist/widget.d.ts").read_bytes() == (WIDGET / "src/api.d.ts").read_bytes()


def test_the_sources_pass_the_strict_type_checker() -> None:
    """Strict TypeScript, sources and tests."""
    checked = run_node("node_modules/typescript/bin/tsc", "--noEmit", "-p", "test")
    assert checked.returncode == 0, checked.stdout


def test_the_pure_parts_pass_their_unit_tests() -> None:
    """The state machine, the outbox, the reconnect policy and the Markdown lexer, under `node --test`."""
    tested = run_node("test/run.mjs")
    assert tested.returncode == 0, tested.stdout[-4000:]


def test_the_built_file_is_at_most_25_kilobytes_compressed() -> None:
    """A visitor on a slow phone pays for every byte; the smallest full peer ships 111 KB. Proves: WI-46."""
    assert len(gzip.compress(BUILT.read_bytes(), 9)) <= 25_000


def test_nothing_in_the_sources_parses_markup() -> None:
    """No innerHTML and its kind anywhere: that is what lets the widget run under `trusted-types 'none'`."""
    words = ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "DOMParser", "eval(", "new Function")
    found = [(path.name, word) for path in WIDGET.glob("src/**/*.ts") for word in words if word in path.read_text()]
    assert found == []


def test_the_lock_names_no_registry_host() -> None:
    """Whoever installs chooses the registry."""
    packages = json.loads((WIDGET / "package-lock.json").read_text())["packages"]
    assert [name for name, entry in packages.items() if "resolved" in entry] == []
