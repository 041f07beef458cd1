"""Each promise that is listed is proved by a test that names it, and each id that a test names is listed."""

import re
import tomllib
from pathlib import Path

TESTS = Path(__file__).parent
_PROVES = re.compile(r"Proves:\s+((?:[A-Z]{2,3}-\d+(?:,\s+)?)+)")
_ID = re.compile(r"[A-Z]{2,3}-\d+")


def find_proved() -> dict[str, set[str]]:
    """The ids that tests name, with the files that do."""
    proved: dict[str, set[str]] = {}
    for path in [*TESTS.rglob("test_*.py"), *TESTS.parent.glob("widget/test/*")]:
        if not path.is_file():
            continue
        for match in _PROVES.finditer(path.read_text(encoding="utf-8")):
            for found in _ID.findall(match[1]):
                proved.setdefault(found, set()).add(path.name)
    return proved


def load_promised() -> dict[str, str]:
    """The listed promises, each with its sentence."""
    listed = tomllib.loads((TESTS / "requirements.toml").read_text(encoding="utf-8"))
    return {name: text for group in listed.values() for name, text in group.items()}


def test_every_listed_promise_is_proved_and_every_proved_id_is_listed() -> None:
    """A promise without a proof is a wish; a proof without a promise is lost when it is deleted."""
    promised, proved = set(load_promised()), set(find_proved())
    assert promised - proved == set(), "listed, but no test names it"
    assert proved - promised == set(), "named by a test, but not listed"


def test_every_promise_is_said_in_a_sentence() -> None:
    """The list is read by people who decide whether to trust the gateway."""
    assert all(len(text) > 20 and text.endswith(".") for text in load_promised().values())
