"""What is wrong with a configuration, told before anything is started.

ConfigurationError        everything that was found wrong, one `Problem` each
├── SettingsError         in the environment
└── ConfigFileError       in the configuration file, or in what it names

A problem never quotes a value that might be a secret: it says where it stands, what was expected, and of what kind
the thing found there is.
"""

from collections.abc import Sequence
from dataclasses import dataclass

ENVIRONMENT = "environment"
_KEY_LIMIT = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong. `source` is a file's path or `environment`; `key` a variable, or a path such as
    `agents[0].tools[1]`, which counts from 0; empty where the whole source is meant. `text` is for people.
    """

    source: str
    key: str = ""
    text: str

    @property
    def line(self) -> str:
        """The problem in one line."""
        parts = (self.source, _printable(self.key)[:_KEY_LIMIT], _printable(self.text))
        return ": ".join(part for part in parts if part)


class ConfigurationError(Exception):
    """The configuration is wrong."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(problem.line for problem in self.problems))


class SettingsError(ConfigurationError):
    """The environment is wrong."""


class ConfigFileError(ConfigurationError):
    """The configuration file is wrong."""


class Report:
    """Collects what is wrong with one file, so that a person hears of everything at once."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._problems: list[Problem] = []

    def add(self, key: str, text: str) -> None:
        """One more problem."""
        self._problems.append(Problem(source=self._source, key=key, text=text))

    def close(self) -> None:
        """Raises `ConfigFileError` if there was any."""
        if self._problems:
            raise ConfigFileError(self._problems)


def _printable(text: str) -> str:
    """The text in one line: a key or an error of another library may hold anything."""
    return "".join(char if char.isprintable() else "�" for char in " ".join(text.split()))
