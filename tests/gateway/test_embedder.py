"""An owner's function that gives vectors: plain or async, and whatever it does, a search goes on."""

import asyncio

import pytest

from agent.ids import SessionId
from agent.likeness import add_likeness, compare_vectors
from gateway.embedder import HookEmbedder
from gateway.hooks import EmbedTexts


def plain(texts: list[str]) -> list[list[float]]:
    """A plain function."""
    return [[len(text)] for text in texts]


async def later(texts: list[str]) -> list[tuple[int, ...]]:
    """An async one."""
    return [(len(text),) for text in texts]


def broken(texts: list[str]) -> list[list[float]]:
    """One that fails."""
    raise ValueError(texts[0])


def nonsense(texts: list[str]) -> object:
    """One that gives something else."""
    return ["abc"] * len(texts)


async def hanging(texts: list[str]) -> list[list[float]]:
    """One that does not end."""
    await asyncio.Event().wait()
    raise AssertionError("unreachable")


@pytest.mark.parametrize("function", [plain, later])
async def test_a_plain_and_an_async_function_give_vectors(function: EmbedTexts) -> None:
    """Proves: AG-3."""
    assert await HookEmbedder(function).embed(("ab", "c")) == [[2.0], [1.0]]


@pytest.mark.parametrize("function", [broken, nonsense, hanging])
async def test_one_that_fails_gives_none_and_no_error(function: EmbedTexts, monkeypatch: pytest.MonkeyPatch) -> None:
    """It must not cost a search. Proves: AG-3."""
    monkeypatch.setattr("gateway.embedder.EMBED_S", 0.01)
    async with asyncio.timeout(5):
        assert await HookEmbedder(function).embed(["secret words"]) is None


def test_likeness_is_one_more_feature_and_vectors_that_do_not_fit_are_not_alike() -> None:
    """A vector of zeros, or of another model, says nothing."""
    assert compare_vectors([1, 0], [2, 0]) == pytest.approx(1)
    assert compare_vectors([1, 0], [0, 1]) == compare_vectors([1], [1, 0]) == compare_vectors([0, 0], [1, 0]) == 0
    assert compare_vectors([1, 0], [-1, 0]) == 0
    one, other = (SessionId("t"), 1), (SessionId("t"), 2)
    assert add_likeness([(one, 1.0), (other, 0.8)], {other: 0.3}) == [(other, pytest.approx(1.3)), (one, 1.0)]
