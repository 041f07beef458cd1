"""Word pieces: a text in numbers as BERT's own models were trained to read it."""

import pytest

from gateway.wordpiece import encode, parse_vocabulary
from tests.support.tiny_bert import WORDS

VOCABULARY = parse_vocabulary("\n".join(WORDS) + "\n")


def pieces(text: str, limit: int = 64) -> str:
    """The pieces that a text is read as, without those of start and end."""
    numbers = encode(text, VOCABULARY, limit)
    assert (numbers[0], numbers[-1]) == (WORDS.index("[CLS]"), WORDS.index("[SEP]"))
    return " ".join(WORDS[number] for number in numbers[1:-1])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A man EATS food.", "a man eat ##s food ."),
        ("eating,eats", "eat ##ing , eat ##s"),
        ("  a\tman\n\u00a0eat ", "a man eat"),
        ("café CAFÉ", "cafe cafe"),
        ("語語a", "語 語 a"),
        ("ma\u200bn\x00", "man"),
        ("eatery", "[UNK]"),
        ("a" * 101, "[UNK]"),
        ("[SEP]", "[UNK] [UNK] [UNK]"),
        ("", ""),
    ],
)
def test_a_text_is_read_in_the_longest_pieces_without_case_and_accents(text: str, expected: str) -> None:
    """Vectors of other pieces than those it was trained on mean nothing, and a text must not write marks of its own."""
    assert pieces(text) == expected


def test_a_long_text_is_cut_and_still_ends_as_a_text_does() -> None:
    """A message may be longer than a model reads."""
    assert pieces("a man eats " * 9, limit=6) == "a man eat ##s"


@pytest.mark.parametrize(
    ("text", "expected"),
    [("one\ntwo", r"expected a piece in each line, with \[CLS\]"), ("[CLS]\n[SEP]\n[UNK]\nMan", "found capitals")],
)
def test_a_vocabulary_of_another_kind_is_refused(text: str, expected: str) -> None:
    """It would give numbers that mean something else to the model."""
    with pytest.raises(ValueError, match=expected):
        parse_vocabulary(text)
