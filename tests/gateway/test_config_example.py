"""`parley.example.toml` and docs/configuration.md tell of every key and variable there is, and of no other."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from gateway.config import load_configuration
from gateway.config_file import parse_config
from gateway.config_models import ConfigFile
from gateway.settings import Settings
from tests.gateway.configuring import unset_all

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "parley.example.toml"
DOC = ROOT / "docs" / "configuration.md"
SECRETS = {
    "ORDERS_TOKEN": "t",
    "PARLEY_WEATHER_TOKEN": "t",
    "PARLEY_SHOP_SECRET": "kV3hT9xWq2Lr7YbN5mZc8PdJ4sGf6Ea1",
    "PARLEY_SHOP_API_TOKEN": "Jd82ls0fKq3mXn5bTz7w",
}


NAMED = {"prices.", "budgets.channels.", "budgets.sites."}
"""Tables whose keys are names of people's own."""


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """The tables that a field may hold."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from models_in(argument)


def keys_of(model: type[BaseModel], path: str = "") -> Iterator[str]:
    """Every key that the models have, as `agents.memory.mode`."""
    for name, field in model.model_fields.items():
        inner = next(models_in(field.annotation), None)
        yield f"{path}{name}"
        if inner is not None:
            yield from keys_of(inner, f"{path}{name}.")


def keys_in(table: Any, path: str = "") -> Iterator[str]:
    """Every key that stands in parsed TOML; the names in `NAMED` tables are no keys."""
    for item in table if isinstance(table, list) else [table]:
        for name, value in item.items() if isinstance(item, dict) else ():
            here = path.rstrip(".") if path in NAMED else f"{path}{name}"
            yield here
            yield from keys_in(value, f"{here}." if path not in NAMED else f"{path}*.")


def uncommented(text: str) -> str:
    """The example with its commented tables at work."""
    return re.sub(r"^# (?=\[|\w+ = )", "", text, flags=re.MULTILINE)


def test_the_example_has_every_key_and_no_other() -> None:
    """It is what people copy from; a key that it lacks is found by nobody, one too many is refused."""
    text = EXAMPLE.read_text()
    alternatives = {
        "sites.keys.secret",
        "sites.keys.secret_file",
        "sites.keys.public_key_file",
        "api.tokens.secret_file",
    }
    there = {key.replace("*.", "") for key in keys_in(tomllib.loads(uncommented(text)))}
    assert there | alternatives == set(keys_of(ConfigFile))
    assert all(re.search(rf"\b{key.rpartition('.')[2]} = ", text) for key in alternatives)


def test_the_example_is_a_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    """As it stands, with its secrets set."""
    unset_all(monkeypatch)
    monkeypatch.setenv("PARLEY_CONFIG", str(EXAMPLE))
    configuration = load_configuration(Settings(), SECRETS)
    assert list(configuration.agents.by_id) == ["support", "sales"]
    assert set(configuration.sites) == {"shop"}


def test_the_defaults_the_example_tells_are_the_defaults() -> None:
    """Where the example gives a key's default as its value, leaving the key out must change nothing."""
    told = parse_config(EXAMPLE.read_bytes(), "example")
    bare = ConfigFile()
    assert (told.widget, told.runs, told.demo) == (bare.widget, bare.runs, bare.demo)
    own: dict[str, object] = {"agent": None, "conversations": []}
    assert told.slack.model_copy(update=own) == bare.slack
    support, fields = told.agents[0], type(told.agents[0]).model_fields
    for name in ("model", "small_model", "storage", "history_runs", "max_tokens", "max_tool_calls", "run_s"):
        assert getattr(support, name) == fields[name].default


def test_the_page_on_configuration_tells_of_every_variable_and_key() -> None:
    """Docs are tests: what can be set is written down."""
    words = set(re.findall(r"`([^`\s]+)`", DOC.read_text()))
    assert {str(field.validation_alias) for field in Settings.model_fields.values()} <= words
    assert {key.rpartition(".")[2] for key in keys_of(ConfigFile)} <= words


def test_the_page_on_configuration_tells_of_no_variable_that_is_not_there() -> None:
    """A variable that was renamed must not live on in the docs."""
    names = set(re.findall(r"`((?:PARLEY|SLACK|ANTHROPIC|DATABASE)_[A-Z_]+)`", DOC.read_text()))
    assert names == {str(field.validation_alias) for field in Settings.model_fields.values()}
