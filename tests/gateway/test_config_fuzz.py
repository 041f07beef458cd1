"""Whatever stands in the file or in the environment, a person gets lines about it, never a traceback."""

import json
from collections.abc import Iterator
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from gateway.config_errors import ConfigFileError, ConfigurationError, Problem
from gateway.config_file import parse_config
from gateway.config_models import ConfigFile
from gateway.settings import Settings, load_settings
from tests.gateway.configuring import unset_all

VARIABLES = [str(field.validation_alias) for field in Settings.model_fields.values()]


def names_in(model: type[BaseModel]) -> Iterator[str]:
    """Every key that any table has."""
    for name, field in model.model_fields.items():
        yield name
        waiting: list[Any] = [field.annotation]
        while waiting:
            one = waiting.pop()
            waiting += get_args(one)
            if isinstance(one, type) and issubclass(one, BaseModel):
                yield from names_in(one)


names = st.sampled_from(sorted(set(names_in(ConfigFile)))) | st.text(max_size=8)
words = st.sampled_from(["a", "HS256", "EdDSA", "agentic", "calculate", "tasks", "\x1b[31m", "5"])
texts = st.text(max_size=20) | words
values = st.recursive(
    texts | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=6),
    max_leaves=20,
)


files = st.dictionaries(names, values, max_size=6)
agents_and_sites = st.fixed_dictionaries({"agents": st.lists(values), "sites": values})
any_text = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


def render(value: Any) -> str:
    """The value as TOML in one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{render(name)} = {render(one)}" for name, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(render, value)) + "]"
    return json.dumps(value).replace("\x7f", "\\u007f")


def problems_of(data: bytes) -> tuple[Problem, ...]:
    """What is wrong with a file of these bytes; nothing else may be raised."""
    try:
        parse_config(data, "parley.toml")
    except ConfigFileError as error:
        return error.problems
    return ()


@given(files | agents_and_sites)
def test_any_table_is_taken_or_refused_in_lines(content: dict[str, Any]) -> None:
    """Each names its place, and none steers the terminal that it is shown on."""
    text = "\n".join(f"{render(name)} = {render(value)}" for name, value in content.items())
    for problem in problems_of(text.encode()):
        assert problem.line.startswith("parley.toml: ")
        assert problem.line.isprintable()


@given(st.binary(max_size=60) | st.text(alphabet="[]{}=\"'#.\n a1-:", max_size=60).map(str.encode))
def test_any_bytes_are_taken_or_refused_in_lines(data: bytes) -> None:
    """Also what is not TOML at all."""
    assert all(problem.line.isprintable() for problem in problems_of(data))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from(VARIABLES), any_text))
def test_any_environment_is_taken_or_refused_in_lines(monkeypatch: pytest.MonkeyPatch, environ: dict[str, str]) -> None:
    """Each line names its variable."""
    unset_all(monkeypatch)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    problems: tuple[Problem, ...] = ()
    try:
        load_settings()
    except ConfigurationError as error:
        problems = error.problems
    assert all(problem.key in VARIABLES and problem.line.isprintable() for problem in problems)
