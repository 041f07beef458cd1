"""Reads `parley.toml` into its models. Nothing that it names is looked at yet."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from gateway.config_errors import ConfigFileError, Problem, Report
from gateway.config_explain import explain
from gateway.config_models import ConfigFile

LIMIT_BYTES = 4 * 1024 * 1024


def read_config(path: Path, *, must_exist: bool) -> ConfigFile | None:
    """The file's content; none where there is no file and need not be one. Raises `ConfigFileError`."""
    data = _read(path, must_exist=must_exist)
    return None if data is None else parse_config(data, str(path))


def parse_config(data: bytes, source: str) -> ConfigFile:
    """The content of a file called `source`. Raises `ConfigFileError` with everything that is wrong."""
    report = Report(source)
    try:
        return ConfigFile.model_validate(tomllib.loads(data.decode()))
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _error(source, f"expected UTF-8; found other bytes (at line {line})") from None
    except tomllib.TOMLDecodeError as error:
        raise _error(source, f"expected TOML; {_lower_first(str(error))}") from None
    except RecursionError:
        raise _error(source, "expected TOML; found too many tables inside each other") from None
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            report.add(*explain(detail, _known_keys(detail)))
        report.close()
        raise


def _read(path: Path, *, must_exist: bool) -> bytes | None:
    try:
        with path.open("rb") as file:
            data = file.read(LIMIT_BYTES + 1)
    except FileNotFoundError:
        if not must_exist:
            return None
        raise _error(str(path), "there is no such file, and PARLEY_CONFIG names it") from None
    except OSError as error:
        raise _error(str(path), f"the file cannot be read: {error.strerror}") from None
    if len(data) > LIMIT_BYTES:
        raise _error(str(path), f"expected at most {LIMIT_BYTES} bytes")
    return data


def _error(source: str, text: str) -> ConfigFileError:
    return ConfigFileError([Problem(source=source, text=text)])


def _lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]


def _known_keys(detail: ErrorDetails) -> tuple[str, ...]:
    """The keys of the table that an unknown key stands in."""
    model: type[BaseModel] | None = ConfigFile
    for part in detail["loc"][:-1]:
        if isinstance(part, str) and model is not None and part in model.model_fields:
            model = next(_models_in(model.model_fields[part].annotation), None)
    return tuple(model.model_fields) if model is not None else ()


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models_in(argument)
