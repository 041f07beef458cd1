"""Texts that every store and every screen can hold."""

import json

from hypothesis import given
from hypothesis import strategies as st

from agent.text import storable, storable_object, utf16_length

ANY = st.text(alphabet=st.characters(categories=None), max_size=50)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANY, inner, max_size=4),
    max_leaves=10,
)


@given(text=ANY)
def test_any_text_can_be_encoded_and_has_no_zero_and_a_good_one_stays_as_it_is(text: str) -> None:
    """PostgreSQL takes neither NUL nor half a surrogate pair."""
    kept = storable(text)
    kept.encode()
    assert "\x00" not in kept
    assert len(kept) == len(text)
    assert storable(kept) == kept
    assert all(a == b for a, b in zip(text, kept, strict=True) if b != "\ufffd")


@given(value=st.dictionaries(ANY, JSON, max_size=4))
def test_any_object_becomes_json_that_a_database_takes(value: dict[str, object]) -> None:
    """A model may write any JSON, and Python reads more than JSON."""
    text = json.dumps(storable_object(value), allow_nan=False, ensure_ascii=False)  # type: ignore[arg-type]
    text.encode()
    assert "\\u0000" not in text.replace("\\\\", "")


@given(text=st.text(max_size=50))
def test_lengths_are_as_browsers_count(text: str) -> None:
    """Offsets of a running answer are in UTF-16 code units."""
    assert utf16_length(text) == len(text.encode("utf-16-le")) // 2
