"""Long results: what of them stands in a prompt, and how the rest is read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.payloads import PAGE_CHARACTERS, READ_RESULT, add_excerpt, count_pages, cut_payload, find_passages, read_page
from agent.records import ToolCall
from agent.text import estimate_tokens

LINES = "\n".join(f"line {n}: nothing to see" for n in range(20_000))


def call_of(result: str, name: str = "fetch") -> ToolCall:
    """A call that gave this."""
    return ToolCall(call_id="toolu_7", name=name, arguments={}, result=result)


def test_a_long_result_keeps_whole_lines_of_its_head_and_tail_and_says_how_to_read_the_rest() -> None:
    """What is in the middle must not be lost for good. Proves: CX-3."""
    excerpt = cut_payload(LINES, "toolu_7", 8_000)
    head, _, tail = excerpt.partition("\n(The middle is left out here: ")
    assert LINES.startswith(head + "\n")
    assert LINES.endswith(tail.partition("\n")[2])
    assert tail.partition("\n")[2].startswith("line ")
    assert "read_result with id toolu_7" in tail
    assert f"page 1 to {count_pages(LINES)}" in tail
    assert f"{len(LINES):,} bytes in all" in tail


@given(text=st.text(min_size=1, max_size=400), times=st.integers(1, 300), limit=st.integers(100, 2_000))
def test_an_excerpt_never_is_longer_than_the_limit_whatever_the_text(text: str, times: int, limit: int) -> None:
    """The limit is a promise, also for texts of long characters and without line breaks. Proves: CX-3."""
    excerpt = add_excerpt(call_of(text * times), limit).excerpt
    if estimate_tokens(text * times) <= limit:
        assert excerpt is None
    else:
        assert excerpt is not None
        assert estimate_tokens(excerpt) <= limit


def test_pages_are_never_cut_again() -> None:
    """Else the agent would be sent in a circle."""
    assert add_excerpt(call_of(LINES, READ_RESULT), 100).excerpt is None


@given(st.text(max_size=3 * PAGE_CHARACTERS))
def test_the_pages_of_a_result_are_all_of_it(text: str) -> None:
    """Proves: CX-3."""
    pages = [read_page(text, n) for n in range(1, count_pages(text) + 1)]
    assert "".join(page.partition("\n")[2] for page in pages if page) == text
    assert read_page(text, 0) is None
    assert read_page(text, count_pages(text) + 1) is None


@pytest.mark.parametrize("query", ["needle", "NEEDLE", " needle "])
def test_a_query_finds_its_passages_with_their_pages(query: str) -> None:
    """Reading a hundred pages to find one line would cost more than the answer. Proves: CX-3."""
    text = LINES[:50_000] + "\nthe Needle is 4711\n" + LINES
    [passage] = find_passages(text, query)
    assert passage.startswith("(page 9) …")
    assert "the Needle is 4711" in passage
    assert find_passages(text, "haystack") == []
    assert find_passages(text, "  ") == []
    assert len(find_passages(text, "line")) == 20
