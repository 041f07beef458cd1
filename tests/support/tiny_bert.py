"""A BERT of two layers with numbers drawn at random, in the files that real ones come in."""

import json
import math
import random
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "man", "eat", "##s", "##ing", "food", ".", ",", "cafe", "語"]
CONFIG = {
    "model_type": "bert",
    "hidden_act": "gelu",
    "vocab_size": len(WORDS),
    "hidden_size": 8,
    "intermediate_size": 12,
    "num_attention_heads": 2,
    "num_hidden_layers": 2,
    "max_position_embeddings": 16,
    "type_vocab_size": 2,
    "layer_norm_eps": 1e-12,
}
Numbers = Sequence[float]


def draw_weights() -> dict[str, tuple[list[int], list[float]]]:
    """Shape and numbers of every tensor, by name; the same at every call."""
    shapes = {
        "embeddings.word_embeddings.weight": [len(WORDS), 8],
        "embeddings.position_embeddings.weight": [16, 8],
        "embeddings.token_type_embeddings.weight": [2, 8],
        "embeddings.LayerNorm.weight": [8],
        "embeddings.LayerNorm.bias": [8],
    }
    for layer in ("encoder.layer.0", "encoder.layer.1"):
        for name in ("attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"):
            shapes |= {f"{layer}.{name}.weight": [8, 8], f"{layer}.{name}.bias": [8]}
        shapes |= {f"{layer}.intermediate.dense.weight": [12, 8], f"{layer}.intermediate.dense.bias": [12]}
        shapes |= {f"{layer}.output.dense.weight": [8, 12], f"{layer}.output.dense.bias": [8]}
        for name in ("attention.output.LayerNorm", "output.LayerNorm"):
            shapes |= {f"{layer}.{name}.weight": [8], f"{layer}.{name}.bias": [8]}
    drawn = random.Random(5)
    weights = {name: (shape, [drawn.gauss(0, 1) for _ in range(math.prod(shape))]) for name, shape in shapes.items()}
    return {name: (shape, _as_stored(numbers)) for name, (shape, numbers) in weights.items()}


def write_model(folder: Path, weights: Mapping[str, tuple[list[int], list[float]]] | None = None) -> None:
    """The three files."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(CONFIG), encoding="utf-8")
    (folder / "vocab.txt").write_text("\n".join(WORDS) + "\n", encoding="utf-8")
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    data = b""
    for name, (shape, numbers) in (draw_weights() if weights is None else weights).items():
        packed = struct.pack(f"<{len(numbers)}f", *numbers)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [len(data), len(data) + len(packed)]}
        data += packed
    text = json.dumps(header).encode()
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + data)


class SlowBert:
    """The same model as it is told of in words: one text, one number after another, no array."""

    def __init__(self) -> None:
        self._numbers = draw_weights()

    def embed(self, ids: Sequence[int]) -> list[float]:
        """The vector of one text."""
        words, places, kinds = (
            self._rows(f"embeddings.{name}_embeddings") for name in ("word", "position", "token_type")
        )
        states = [
            [a + b + c for a, b, c in zip(words[i], places[at], kinds[0], strict=True)] for at, i in enumerate(ids)
        ]
        states = [self._norm("embeddings.LayerNorm", state) for state in states]
        for layer in ("encoder.layer.0", "encoder.layer.1"):
            states = self._layer(layer, states)
        mean = [sum(column) / len(states) for column in zip(*states, strict=True)]
        return [value / math.hypot(*mean) for value in mean]

    def _layer(self, layer: str, states: list[list[float]]) -> list[list[float]]:
        asked, keys, values = (
            [self._line(f"{layer}.attention.self.{part}", state) for state in states]
            for part in ("query", "key", "value")
        )
        after = []
        for state, query in zip(states, asked, strict=True):
            heard = [*_hear(query[:4], keys, values, 0), *_hear(query[4:], keys, values, 4)]
            heard = self._line(f"{layer}.attention.output.dense", heard)
            mixed = self._norm(f"{layer}.attention.output.LayerNorm", _add(state, heard))
            inner = [
                x * 0.5 * (1 + math.erf(x / math.sqrt(2))) for x in self._line(f"{layer}.intermediate.dense", mixed)
            ]
            after.append(
                self._norm(f"{layer}.output.LayerNorm", _add(mixed, self._line(f"{layer}.output.dense", inner)))
            )
        return after

    def _rows(self, name: str) -> list[list[float]]:
        (count, width), numbers = self._numbers[f"{name}.weight"]
        return [numbers[row * width : (row + 1) * width] for row in range(count)]

    def _line(self, name: str, state: Numbers) -> list[float]:
        offsets = self._numbers[f"{name}.bias"][1]
        return [
            sum(a * b for a, b in zip(row, state, strict=True)) + offset
            for row, offset in zip(self._rows(name), offsets, strict=True)
        ]

    def _norm(self, name: str, state: Numbers) -> list[float]:
        mean = sum(state) / len(state)
        spread = math.sqrt(sum((x - mean) ** 2 for x in state) / len(state))
        scales, offsets = self._numbers[f"{name}.weight"][1], self._numbers[f"{name}.bias"][1]
        return [(x - mean) / spread * a + b for x, a, b in zip(state, scales, offsets, strict=True)]


def _hear(query: Numbers, keys: Sequence[Numbers], values: Sequence[Numbers], begin: int) -> list[float]:
    scores = [sum(a * b for a, b in zip(query, key[begin : begin + 4], strict=True)) / 2 for key in keys]
    shares = [math.exp(score) for score in scores]
    return [
        sum(share * value[begin + column] for share, value in zip(shares, values, strict=True)) / sum(shares)
        for column in range(4)
    ]


def _add(one: Numbers, other: Numbers) -> list[float]:
    return [a + b for a, b in zip(one, other, strict=True)]


def _as_stored(numbers: Numbers) -> list[float]:
    return [*struct.unpack(f"<{len(numbers)}f", struct.pack(f"<{len(numbers)}f", *numbers))]
