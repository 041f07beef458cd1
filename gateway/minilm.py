"""An encoder of the MiniLM family in plain numpy, which the extra `embeddings` brings: texts as vectors of length 1.

word pieces ─► embeddings ─► layers of attention and a small network, each added and normalised ─► mean ─► length 1
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gateway.minilm_files import EMBEDDINGS, BertConfig, read_model_files
from gateway.wordpiece import encode

TEXT_TOKENS = 256
"""Of a text; what comes after them is left out. The family was trained on no more."""
CALL_TOKENS = 4_096
"""Of all texts of a call, about two seconds' work of one core: where there are more, long texts are cut shorter …"""
LEAST_TOKENS = 32
"""… but not below these."""
BATCH = 8
"""Texts at once, of about the same length: so many bound the room, and padding costs little."""
HIDDEN = 1e9
"""So much less weighs a place that is only padding: nothing."""
Floats = NDArray[np.float32]
Weights = Mapping[str, Floats]


class Encoder:
    """Turns texts into vectors. Made by `load_encoder`; safe to use from several threads."""

    def __init__(self, config: BertConfig, vocabulary: Mapping[str, int], weights: Weights) -> None:
        self._config = config
        self._vocabulary = vocabulary
        self._weights = weights
        self._limit = min(TEXT_TOKENS, config.max_position_embeddings)

    def encode(self, texts: Sequence[str], is_given_up: Callable[[], bool] = lambda: False) -> list[list[float]] | None:
        """One vector of length 1 for each text; none once it is given up, which is looked at before each batch."""
        tokens = [encode(text, self._vocabulary, self._limit) for text in texts]
        if sum(map(len, tokens)) > CALL_TOKENS:
            limit = max(LEAST_TOKENS, CALL_TOKENS // len(texts))
            tokens = [[*row[: limit - 1], row[-1]] if len(row) > limit else row for row in tokens]
        order = sorted(range(len(texts)), key=lambda index: len(tokens[index]))
        vectors: list[list[float]] = [[] for _ in texts]
        for begin in range(0, len(order), BATCH):
            if is_given_up():
                return None
            batch = order[begin : begin + BATCH]
            found = compute_vectors(self._weights, self._config, [tokens[index] for index in batch])
            for index, vector in zip(batch, found, strict=True):
                vectors[index] = vector.tolist()
        return vectors


def load_encoder(folder: Path) -> Encoder:
    """The model of a folder with `config.json`, `vocab.txt` and `model.safetensors`.

    The weights stay in their file, which processes share in memory, and are read as they are needed. Raises
    `NotUsableError`.
    """
    files = read_model_files(folder)
    mapped = np.memmap(files.weights, dtype=np.uint8, mode="r")
    weights = {
        name: np.frombuffer(mapped, "<f4", int(np.prod(tensor.shape)), tensor.offset_bytes).reshape(tensor.shape)
        for name, tensor in files.tensors.items()
    }
    return Encoder(files.config, files.vocabulary, weights)


def compute_vectors(weights: Weights, config: BertConfig, tokens: Sequence[Sequence[int]]) -> Floats:
    """A row for each list of tokens: the mean of what the last layer says at its places, of length 1."""
    longest = max(map(len, tokens))
    ids = np.array([[*row, *[0] * (longest - len(row))] for row in tokens])
    is_there = np.arange(longest) < np.array([[len(row)] for row in tokens])
    states = weights[f"{EMBEDDINGS}.word_embeddings.weight"][ids]
    states = states + weights[f"{EMBEDDINGS}.position_embeddings.weight"][:longest]
    states = states + weights[f"{EMBEDDINGS}.token_type_embeddings.weight"][0]
    states = _normalize(weights, f"{EMBEDDINGS}.LayerNorm", states, config.layer_norm_eps)
    for number in range(config.num_hidden_layers):
        states = _run_layer(weights, config, f"encoder.layer.{number}", states, is_there)
    sums = np.where(is_there[:, :, None], states, np.float32(0)).sum(axis=1)
    lengths: Floats = np.linalg.norm(sums, axis=1, keepdims=True)
    vectors: Floats = sums / np.maximum(lengths, np.float32(1e-12))
    return vectors


def _run_layer(weights: Weights, config: BertConfig, layer: str, states: Floats, is_there: NDArray[np.bool_]) -> Floats:
    heard = _attend(weights, config.num_attention_heads, f"{layer}.attention.self", states, is_there)
    heard = _apply(weights, f"{layer}.attention.output.dense", heard)
    states = _normalize(weights, f"{layer}.attention.output.LayerNorm", states + heard, config.layer_norm_eps)
    inner = _gelu(_apply(weights, f"{layer}.intermediate.dense", states))
    thought = _apply(weights, f"{layer}.output.dense", inner)
    return _normalize(weights, f"{layer}.output.LayerNorm", states + thought, config.layer_norm_eps)


def _attend(weights: Weights, heads: int, name: str, states: Floats, is_there: NDArray[np.bool_]) -> Floats:
    """What each place hears from the others, by several heads side by side."""
    count, length, hidden = states.shape

    def split(part: str) -> Floats:
        return _apply(weights, f"{name}.{part}", states).reshape(count, length, heads, -1).swapaxes(1, 2)

    scores = split("query") @ split("key").swapaxes(2, 3) / np.float32((hidden // heads) ** 0.5)
    scores = scores - np.where(is_there, np.float32(0), np.float32(HIDDEN))[:, None, None, :]
    shares = np.exp(scores - scores.max(axis=-1, keepdims=True))
    shares /= shares.sum(axis=-1, keepdims=True)
    heard: Floats = (shares @ split("value")).swapaxes(1, 2).reshape(count, length, hidden)
    return heard


def _apply(weights: Weights, name: str, states: Floats) -> Floats:
    """A linear map. All places go in as one matrix, which is much faster than one for each text."""
    flat = states.reshape(-1, states.shape[-1]) @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]
    return flat.reshape(*states.shape[:-1], -1)


def _normalize(weights: Weights, name: str, states: Floats, least: float) -> Floats:
    centred = states - states.mean(axis=-1, keepdims=True)
    spread = np.sqrt((centred * centred).mean(axis=-1, keepdims=True) + np.float32(least))
    normalized: Floats = centred / spread * weights[f"{name}.weight"] + weights[f"{name}.bias"]
    return normalized


def _gelu(states: Floats) -> Floats:
    """The states times the normal distribution's share below them.

    numpy has no error function; this is formula 7.1.26 of Abramowitz and Stegun, exact to 1.5e-7.
    """
    size = np.abs(states) * np.float32(0.5**0.5)
    step = 1 / (1 + np.float32(0.3275911) * size)
    tail = np.zeros_like(step)
    for factor in (1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592):
        tail = (tail + np.float32(factor)) * step
    error = np.copysign(1 - tail * np.exp(-size * size), states)
    result: Floats = states * (1 + error) * np.float32(0.5)
    return result
