"""The gate stands before every write, so its cost may grow no faster than the text."""

import re
import sys
from importlib import import_module
from types import FrameType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.secret_gate import find_secrets, redact
from tests.agent.secret_pieces import PIECES


def _count_calls(text: str) -> int:
    calls = 0

    def count(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event in {"call", "c_call"}

    sys.setprofile(count)
    try:
        find_secrets(text)
    finally:
        sys.setprofile(None)
    return calls


@pytest.mark.parametrize("piece", PIECES)
def test_twice_the_text_costs_no_more_than_about_twice_the_calls(piece: str) -> None:
    """A pasted log must not hold up a write; calls are counted, since clocks lie on a busy machine."""
    text = piece * (2000 // len(piece))
    _count_calls(text)  # fills the caches
    assert _count_calls(text * 2) <= 2.3 * _count_calls(text) + 500


@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=4).map("".join))
@settings(deadline=None, max_examples=8)
def test_fifty_kilobytes_of_repeated_trouble_come_to_an_end(piece: str) -> None:
    """A pattern that backtracks without bound would never return."""
    text = (piece * (50_000 // len(piece) + 1))[:50_000]
    assert len(redact(text)) > 0


def _find_repeats(tree: object, *, is_inside: bool) -> bool:
    """Whether an unbounded repeat stands inside another in a parsed pattern."""
    items = getattr(tree, "data", tree)
    if not isinstance(items, list | tuple):
        return False
    if isinstance(items, tuple) and len(items) == 2 and str(items[0]) in {"MAX_REPEAT", "MIN_REPEAT"}:
        _least, most, inner = items[1]
        is_unbounded = str(most) == "MAXREPEAT"
        return (is_inside and is_unbounded) or _find_repeats(inner, is_inside=is_inside or is_unbounded)
    return any(_find_repeats(item, is_inside=is_inside) for item in items)


def test_no_pattern_of_the_gate_repeats_a_repetition_without_bound() -> None:
    """`(a+)+` is how regular expressions come to take years. Bounded ones may stand inside."""
    parse = import_module("re._parser").parse
    assert _find_repeats(parse("(?:a+b)+"), is_inside=False)
    names = ("gate", "cards", "keywords", "numbers", "patterns", "phrases", "talk", "text")
    modules = [import_module(f"agent.secret_{name}") for name in names]
    patterns = [item for module in modules for item in vars(module).values() if isinstance(item, re.Pattern)]
    assert len(patterns) > 30
    assert [p.pattern for p in patterns if _find_repeats(parse(p.pattern, p.flags), is_inside=False)] == []
