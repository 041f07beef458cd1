"""BERT's word pieces in lower case: a text as the numbers by which a model of that family knows its parts."""

import unicodedata
from collections.abc import Iterator, Mapping

START, END, UNKNOWN = "[CLS]", "[SEP]", "[UNK]"
WORD_CHARACTERS = 100
"""A longer word has no pieces; it is unknown as a whole."""
_SPACES = "\t\n\r"
_IDEOGRAPHS = (
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2CEAF),
    (0x2F800, 0x2FA1F),
)


def parse_vocabulary(text: str) -> Mapping[str, int]:
    """The numbers of the pieces: one piece in each line of the text, from 0. Raises `ValueError` in plain words."""
    pieces = {piece.removesuffix("\r"): number for number, piece in enumerate(text.removesuffix("\n").split("\n"))}
    missing = [name for name in (START, END, UNKNOWN) if name not in pieces]
    if missing:
        raise ValueError(f"expected a piece in each line, with {', '.join(missing)} among them")
    if any(piece.isalpha() and piece != piece.lower() for piece in pieces):
        raise ValueError("expected pieces in lower case; found capitals")
    return pieces


def encode(text: str, vocabulary: Mapping[str, int], limit: int) -> list[int]:
    """The text's numbers between those of start and end, at most `limit` in all; the rest of it is left out.

    What a text says is never a mark: "[SEP]" in it is read as a word in brackets.
    """
    numbers = [vocabulary[START]]
    for word in _split(text):
        numbers.extend(_find_pieces(word, vocabulary))
        if len(numbers) >= limit:
            break
    return [*numbers[: limit - 1], vocabulary[END]]


def _split(text: str) -> Iterator[str]:
    """Words, and each mark and ideograph by itself."""
    spaced = "".join(_space(char) for char in text)
    plain = "".join(char for char in unicodedata.normalize("NFD", spaced) if unicodedata.category(char) != "Mn")
    for run in plain.lower().split():
        word = ""
        for char in run:
            if not _is_mark(char):
                word += char
                continue
            if word:
                yield word
            yield char
            word = ""
        if word:
            yield word


def _space(char: str) -> str:
    if char in _SPACES:
        return " "
    if char == "\N{REPLACEMENT CHARACTER}" or unicodedata.category(char).startswith("C"):
        return ""
    return f" {char} " if any(first <= ord(char) <= last for first, last in _IDEOGRAPHS) else char


def _is_mark(char: str) -> bool:
    is_ascii_mark = char.isascii() and not char.isalnum() and not char.isspace()
    return is_ascii_mark or unicodedata.category(char).startswith("P")


def _find_pieces(word: str, vocabulary: Mapping[str, int]) -> list[int]:
    """The longest piece that the word begins with, and so on; those after the first are written with "##"."""
    if len(word) > WORD_CHARACTERS:
        return [vocabulary[UNKNOWN]]
    found, begin = [], 0
    while begin < len(word):
        prefix = "##" if begin else ""
        ends = range(len(word), begin, -1)
        end = next((end for end in ends if prefix + word[begin:end] in vocabulary), None)
        if end is None:
            return [vocabulary[UNKNOWN]]
        found.append(vocabulary[prefix + word[begin:end]])
        begin = end
    return found
