"""The packages that tests import are the product's own."""

import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize("name", ["agent", "adapters", "memory", "gateway", "widget"])
def test_a_top_level_name_is_the_products_package_and_not_a_folder_of_tests(name: str) -> None:
    """`tests/agent` would shadow `agent` if the folders were not packages."""
    module = importlib.import_module(name)
    assert Path(str(module.__file__)).parent == ROOT / name


def test_every_folder_of_tests_is_a_package() -> None:
    """One that is not shadows the product's package of the same name."""
    folders = {path.parent for path in (ROOT / "tests").rglob("*.py")}
    assert [str(folder) for folder in folders if not (folder / "__init__.py").is_file()] == []


def test_the_lock_names_no_registry() -> None:
    """Whoever installs chooses where packages come from."""
    for name in ("requirements.lock", "widget/package-lock.json"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert "://" not in text.replace("https://opencollective.com", "").replace("https://github.com/sponsors", ""), (
            name
        )
