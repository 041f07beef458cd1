"""`[search]`: a model is taken from where the file says, and one that cannot be used stops the start by name."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from tests.gateway.configuring import go_to_bare_place, load, refuse
from tests.support.tiny_bert import write_model

TINY = '[search]\nembeddings = "tiny"\n'


@pytest.fixture(autouse=True)
def bare_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An empty directory and none of our variables."""
    go_to_bare_place(monkeypatch, tmp_path)


async def test_a_model_in_a_folder_beside_the_file_is_taken(tmp_path: Path) -> None:
    """Nothing else has to be written. Proves: UM-13."""
    write_model(tmp_path / "tiny")
    embedder = load(TINY).embedder
    assert embedder is not None
    async with asyncio.timeout(5):
        vectors = await embedder.embed(["a man", "food"])
    assert vectors is not None
    assert len(vectors) == 2


def test_there_is_no_model_unless_one_is_named() -> None:
    """It costs half a second for each search, and numpy."""
    assert load("").embedder is None
    assert load("[search]\n").embedder is None


def test_a_model_that_is_not_there_or_not_whole_stops_the_start(tmp_path: Path) -> None:
    """Rather than searches that quietly do without."""
    [told] = refuse(TINY)
    assert told == "search.embeddings: expected a folder, or the name of an installed Python package; found neither"
    write_model(tmp_path / "tiny")
    (tmp_path / "tiny" / "vocab.txt").unlink()
    [told] = refuse(TINY)
    assert told.startswith("search.embeddings: expected vocab.txt in the folder; it cannot be read: ")


def test_without_the_extra_the_start_is_refused_with_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever names a model has to hear of the second half."""
    write_model(tmp_path / "tiny")
    monkeypatch.delitem(sys.modules, "gateway.minilm", raising=False)
    monkeypatch.setitem(sys.modules, "numpy", None)
    assert refuse(TINY) == [
        "search.embeddings: needs numpy, which is not installed: pip install 'parley-gateway[embeddings]'"
    ]


def test_a_model_and_a_hook_exclude_each_other(tmp_path: Path) -> None:
    """Nobody could say which one decides."""
    write_model(tmp_path / "tiny")
    Path("own_embedder.py").write_text("def embed_texts(texts): return [[1.0] for _ in texts]\n", encoding="utf-8")
    assert refuse(f'[hooks]\nmodule = "own_embedder"\n{TINY}') == [
        "search.embeddings: expected no model beside the hook embed_texts; found both"
    ]


def test_a_gateway_without_a_model_never_imports_numpy() -> None:
    """It is not installed where nobody asked for it."""
    root = Path(__file__).parents[2]
    code = "import sys, gateway.config; sys.exit('numpy' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=root, timeout=60)
