"""The named statements in `memory/sql/*.sql`, each under a line `-- name: NAME`."""

import re
from functools import cache
from importlib.resources import files

_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


@cache
def load_queries() -> dict[str, str]:
    """All statements by name. Raises `ValueError` for a name that stands twice."""
    queries: dict[str, str] = {}
    for path in sorted(files("memory").joinpath("sql").iterdir(), key=lambda entry: entry.name):
        if path.name.endswith(".sql"):
            _, *parts = _NAME.split(path.read_text(encoding="utf-8"))
            for name, text in zip(parts[::2], parts[1::2], strict=True):
                if name in queries:
                    raise ValueError(f"the statement {name} stands twice, the second time in {path.name}")
                queries[name] = text.strip().rstrip(";")
    return queries


def query(name: str) -> str:
    """The statement of that name. Raises `KeyError`."""
    return load_queries()[name]
