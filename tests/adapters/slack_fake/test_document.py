"""The document names everything that the fake can do."""

import re
from pathlib import Path

from adapters.slack_fake.faults import FaultKind
from adapters.slack_fake.web_api import METHODS

TEXT = (Path(__file__).parents[3] / "docs" / "slack-fake.md").read_text(encoding="utf-8")


def test_every_method_is_listed_and_every_listed_method_is_there() -> None:
    """Whoever reads the list can rely on both sides of it."""
    table = TEXT.partition("| group | methods |")[2]
    assert set(re.findall(r"`([a-zA-Z0-9.]+)`", table)) == {*METHODS, "apps.connections.open"}


def test_every_fault_is_explained() -> None:
    """A fault that is not in the document is not found by who needs it."""
    assert set(re.findall(r"^\| `(\w+)` \|", TEXT, flags=re.MULTILINE)) >= set(FaultKind)
