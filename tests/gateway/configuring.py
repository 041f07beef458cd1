"""What tests of the configuration begin with: an empty place, a file in it, and the lines it is refused with."""

import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from gateway.config import Configuration, load_configuration
from gateway.config_errors import ConfigFileError
from gateway.settings import Settings, load_settings

SHARED = "kV3hT9xWq2Lr7YbN5mZc8PdJ4sGf6Ea1"
TOKEN = "Jd82ls0fKq3mXn5bTz7w"
SITE = '[[sites]]\nkey = "shop"\norigins = ["https://x.example"]\n'
AGENT = '[[agents]]\nid = "a"\ninstructions = "Hi"\n'


def unset_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """None of the gateway's variables is set."""
    for field in Settings.model_fields.values():
        monkeypatch.delenv(str(field.validation_alias), raising=False)


def go_to_bare_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The working directory is empty, none of the gateway's variables is set, and imports from there are forgotten."""
    unset_all(monkeypatch)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))


def load(text: str, environ: Mapping[str, str] | None = None) -> Configuration:
    """The configuration of a file with this text."""
    Path("parley.toml").write_text(text, encoding="utf-8")
    return load_configuration(load_settings(), environ or {})


def refuse(text: str, environ: Mapping[str, str] | None = None) -> list[str]:
    """The lines that a file with this text is refused with, without the file's name."""
    with pytest.raises(ConfigFileError) as caught:
        load(text, environ)
    lines = [problem.line for problem in caught.value.problems]
    assert all(line.startswith("parley.toml: ") and "\n" not in line for line in lines)
    return [line.removeprefix("parley.toml: ") for line in lines]
