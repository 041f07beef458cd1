"""The named statements in `memory/sql/*.sql`, each under a line `-- name: NAME`.

What several statements share stands under a line `-- fragment: NAME`, and in them a line `-- include: NAME VALUE`: the
value takes the place of `:value` in the fragment.
"""

import re
from functools import cache
from importlib.resources import files

_NAME = re.compile(r"^-- (name|fragment): (\w+)$", re.MULTILINE)
_INCLUDE = re.compile(r"^ *-- include: (\w+) (\S+)$", re.MULTILINE)


@cache
def load_queries() -> dict[str, str]:
    """All statements by name. Raises `ValueError` for a name that stands twice, `KeyError` for a missing fragment."""
    found: dict[str, dict[str, str]] = {"name": {}, "fragment": {}}
    for path in sorted(files("memory").joinpath("sql").iterdir(), key=lambda entry: entry.name):
        if path.name.endswith(".sql"):
            _, *parts = _NAME.split(path.read_text(encoding="utf-8"))
            for kind, name, text in zip(parts[::3], parts[1::3], parts[2::3], strict=True):
                if name in found[kind]:
                    raise ValueError(f"the statement {name} stands twice, the second time in {path.name}")
                found[kind][name] = text.strip().rstrip(";")
    fragments = found["fragment"]
    return {
        name: _INCLUDE.sub(lambda match: fragments[match[1]].replace(":value", match[2]), text)
        for name, text in found["name"].items()
    }


def query(name: str) -> str:
    """The statement of that name. Raises `KeyError`."""
    return load_queries()[name]
