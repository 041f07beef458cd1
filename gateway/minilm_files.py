"""The files that an encoder of the MiniLM family comes in, as far as they are to be understood before it runs."""

import importlib.util
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, ValidationError, model_validator

from gateway.config_explain import explain
from gateway.config_imports import NotUsableError
from gateway.wordpiece import parse_vocabulary

CONFIG, VOCABULARY, WEIGHTS = "config.json", "vocab.txt", "model.safetensors"
LENGTH_BYTES, HEADER_LIMIT_BYTES = 8, 8 * 1024 * 1024
EMBEDDINGS = "embeddings"
Size = Annotated[int, Field(ge=1, le=1_000_000)]


class BertConfig(BaseModel):
    """What is read of `config.json`."""

    model_type: Literal["bert"]
    hidden_act: Literal["gelu"]
    position_embedding_type: Literal["absolute"] = "absolute"
    vocab_size: Size
    hidden_size: Size
    intermediate_size: Size
    num_attention_heads: Size
    num_hidden_layers: Annotated[int, Field(ge=1, le=48)]
    max_position_embeddings: Annotated[int, Field(ge=4, le=1_000_000)]
    type_vocab_size: Size
    layer_norm_eps: Annotated[float, Field(gt=0, le=0.1)]

    @model_validator(mode="after")
    def _check_heads(self) -> Self:
        if self.hidden_size % self.num_attention_heads:
            raise ValueError("num_attention_heads: expected a number that divides hidden_size")
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Tensor:
    """Numbers of four bytes, from `offset_bytes` of the file on."""

    shape: tuple[int, ...]
    offset_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFiles:
    """A checked model: `weights` is the file that `tensors`, by name, lie in."""

    config: BertConfig
    vocabulary: Mapping[str, int]
    weights: Path
    tensors: Mapping[str, Tensor]


def find_folder(name: str, base: Path) -> Path:
    """The folder of that path, or `model/` in the installed Python package of that name, which is not imported.

    Raises `NotUsableError`.
    """
    if (base / name).is_dir():
        return base / name
    module = name.replace("-", "_")
    is_package = module.isidentifier() and module != "__main__"  # which can have no spec to be found
    spec = importlib.util.find_spec(module) if is_package else None
    places = spec.submodule_search_locations if spec is not None else None
    if not places:
        raise NotUsableError("expected a folder, or the name of an installed Python package; found neither")
    return Path(places[0]) / "model"


def read_model_files(folder: Path) -> ModelFiles:
    """Everything but the numbers themselves. Raises `NotUsableError` with the file and what is wrong with it."""
    config = _parse_config(_read(folder, CONFIG))
    try:
        vocabulary = parse_vocabulary(_read(folder, VOCABULARY).decode())
    except ValueError as error:
        raise NotUsableError(f"{VOCABULARY}: {_say(error, 'expected UTF-8')}") from None
    if len(vocabulary) != config.vocab_size:
        raise NotUsableError(f"{VOCABULARY}: expected {config.vocab_size} pieces; found {len(vocabulary)}")
    tensors = _read_tensors(folder)
    for name, shape in _list_shapes(config):
        if name not in tensors:
            raise NotUsableError(f"{WEIGHTS}: expected {name}; found none")
        if tensors[name].shape != shape:
            raise NotUsableError(f"{WEIGHTS}: expected {name} of {[*shape]}; found {[*tensors[name].shape]}")
    return ModelFiles(config=config, vocabulary=vocabulary, weights=folder / WEIGHTS, tensors=tensors)


def _read(folder: Path, name: str, limit_bytes: int = -1) -> bytes:
    try:
        with (folder / name).open("rb") as file:
            return file.read(limit_bytes)
    except OSError as error:
        raise NotUsableError(f"expected {name} in the folder; it cannot be read: {error.strerror}") from None


def _parse_config(data: bytes) -> BertConfig:
    try:
        return BertConfig.model_validate(json.loads(data))
    except ValidationError as error:
        key, text = explain(error.errors(include_url=False)[0])
        raise NotUsableError(f"{CONFIG}: {key}: {text}" if key else f"{CONFIG}: {text}") from None
    except (ValueError, RecursionError):
        raise NotUsableError(f"{CONFIG}: expected JSON") from None


def _read_tensors(folder: Path) -> Mapping[str, Tensor]:
    """Those of four-byte numbers. The file: the header's length in eight bytes, the header in JSON, the numbers."""
    head = _read(folder, WEIGHTS, LENGTH_BYTES + HEADER_LIMIT_BYTES)
    begin_bytes = LENGTH_BYTES + int.from_bytes(head[:LENGTH_BYTES], "little")
    try:
        header = json.loads(head[LENGTH_BYTES:begin_bytes])
        found = {
            name: (tuple(entry["shape"]), *(begin_bytes + offset for offset in entry["data_offsets"]))
            for name, entry in header.items()
            if entry.get("dtype") == "F32"
        }
        size_bytes = (folder / WEIGHTS).stat().st_size
        for name, (shape, begin, end) in found.items():
            if not begin_bytes <= begin <= end <= size_bytes or end - begin != 4 * prod(shape):
                raise NotUsableError(f"{WEIGHTS}: expected all of {name}; the file ends before it, or it is torn")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise NotUsableError(f"{WEIGHTS}: expected a header of the safetensors format; found other bytes") from None
    return {name: Tensor(shape=shape, offset_bytes=begin) for name, (shape, begin, _) in found.items()}


def _list_shapes(config: BertConfig) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Every tensor that is needed."""
    hidden, inner = config.hidden_size, config.intermediate_size
    yield f"{EMBEDDINGS}.word_embeddings.weight", (config.vocab_size, hidden)
    yield f"{EMBEDDINGS}.position_embeddings.weight", (config.max_position_embeddings, hidden)
    yield f"{EMBEDDINGS}.token_type_embeddings.weight", (config.type_vocab_size, hidden)
    yield from _with_bias(f"{EMBEDDINGS}.LayerNorm", hidden)
    for number in range(config.num_hidden_layers):
        layer = f"encoder.layer.{number}"
        for name in ("self.query", "self.key", "self.value", "output.dense"):
            yield from _with_bias(f"{layer}.attention.{name}", hidden, hidden)
        yield from _with_bias(f"{layer}.attention.output.LayerNorm", hidden)
        yield from _with_bias(f"{layer}.intermediate.dense", inner, hidden)
        yield from _with_bias(f"{layer}.output.dense", hidden, inner)
        yield from _with_bias(f"{layer}.output.LayerNorm", hidden)


def _with_bias(name: str, *shape: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield f"{name}.weight", shape
    yield f"{name}.bias", shape[:1]


def _say(error: ValueError, otherwise: str) -> str:
    return otherwise if isinstance(error, UnicodeDecodeError) else str(error)
