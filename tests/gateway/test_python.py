"""The gateway from a program of one's own, as docs/python.md shows it."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.support.postgres import make_open_directory

ROOT = Path(__file__).parent.parent.parent


def test_the_first_program_of_the_page_runs_as_it_stands() -> None:
    """What a page shows has to work for whoever copies it. Proves: ID-6."""
    program = re.findall(r"```python\n(.*?)```", (ROOT / "docs/python.md").read_text(encoding="utf-8"), re.DOTALL)[0]
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PARLEY_", "ANTHROPIC_", "DATABASE_"))}
    environment["PARLEY_DATA_DIR"] = str(make_open_directory() / "data")
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "green tea" in done.stdout
