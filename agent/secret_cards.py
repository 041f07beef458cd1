"""Payment cards, by their issuers' ranges and lengths and a right check digit (Luhn).

Searches a folded text and gives spans of that text; linear in its length.
"""

import re
from collections.abc import Iterator
from itertools import pairwise

from stdnum import ean, luhn

from agent.secret_kinds import Secret, SecretKind, Span
from agent.secret_text import is_word

_CARD_RANGES: tuple[tuple[str, str, frozenset[int]], ...] = tuple(
    (low, high, frozenset(lengths))
    for low, high, lengths in (
        ("4", "4", (13, 16, 19)),  # Visa
        ("51", "55", (16,)),  # Mastercard
        ("2221", "2720", (16,)),
        ("34", "34", (15,)),  # American Express
        ("37", "37", (15,)),
        ("300", "305", (14, 16)),  # Diners Club
        ("3095", "3095", (14, 16)),
        ("36", "36", (14,)),
        ("38", "39", (14, 16)),
        ("3528", "3589", (16, 17, 18, 19)),  # JCB
        ("2200", "2205", (16, 17, 18, 19)),  # Mir, Borica
        ("50", "50", (12, 13, 16, 18, 19)),  # Maestro, Verve, Elo
        ("56", "58", (12, 13, 16, 18, 19)),  # Maestro
        ("60", "60", (16, 17, 18, 19)),  # Discover, RuPay, Hipercard
        ("62", "62", (16, 17, 18, 19)),  # UnionPay
        ("63", "63", (12, 13, 16, 18, 19)),  # Maestro, InstaPayment
        ("64", "65", (16, 17, 18, 19)),  # Discover, RuPay, Troy
        ("67", "67", (12, 13, 16, 18, 19)),  # Maestro
        ("81", "82", (16, 17, 18, 19)),  # UnionPay, RuPay
        ("8600", "8600", (16,)),  # Uzcard
        ("9792", "9792", (16,)),  # Troy
        ("9860", "9860", (16,)),  # Humo
    )
)
_PRINTED = {(4, 4, 4, 4), (4, 4, 4, 4, 3), (4, 6, 5), (4, 6, 4), (4, 4, 4, 2), (4, 3, 3, 3), (6, 13), (8, 8)}
_SHORTEST, _LONGEST, _SURE = 12, 19, 14
_COMMON = frozenset({" ", "-", "\n", ".", "/", "_", "·", "•", ",", "; "})
"""Separators that numbers of any shape may have; others only as printed on cards, or behind a card's name."""
_SLICING = frozenset(".,-/_·•")
_DIGIT_RUN = re.compile(r"\d(?:[\W_]{0,4}\d){11,}")
_NAME_BEHIND = re.compile(r"[A-Za-z]{1,2}\d")
_DIGITS = re.compile(r"\d+")
_CARD_WORD = re.compile(
    r"card|karte|carte|tarjeta|cart[ao]|kaart|kort\b|credit|kredit|debit|visa|master|maestro|amex|\bcc\b|\bpan\b", re.I
)


def find_card_numbers(text: str) -> Iterator[Secret]:
    """Numbers within an issuer's range, of its length and with a right check digit, however they are grouped."""
    for run in _DIGIT_RUN.finditer(text):
        groups = [match.span() for match in _DIGITS.finditer(text, *run.span())]
        if _NAME_BEHIND.match(text, run.end()):
            groups.pop()  # of an identifier, as "1111a7"; the digits of "1111exp12" are not
        first, after_card = int(_is_behind_name(text, run.start())), False
        while first < len(groups):
            last = _card_end(text, groups, first, after_card=after_card)
            if last:
                yield Secret(kind=SecretKind.CARD_NUMBER, start=groups[first][0], end=groups[last - 1][1])
            first, after_card = last or first + 1, bool(last)


def _is_behind_name(text: str, start: int) -> bool:
    """Whether the digits at `start` belong to an identifier, as in "7f4111"; in "card4111" they do not."""
    before = text[max(0, start - 3) : start]
    return is_word(before[-1:]) and not before.isalpha()


def _card_end(text: str, groups: list[Span], first: int, *, after_card: bool) -> int:
    """The index behind the last group of the longest card that begins at group `first`, or 0."""
    if not after_card and _is_amid(text, groups, first):
        return 0
    is_phone = text[groups[first][0] - 1 : groups[first][0]] == "+"
    if is_phone and not _is_called_card(text, groups[first][0]):
        return 0
    end = 0
    lengths = _lengths_by_range(text[groups[first][0] : groups[first][0] + 40])
    digits = ""
    for last in range(first, min(len(groups), first + _LONGEST) if lengths else first):
        digits += text[slice(*groups[last])]
        if len(digits) > _LONGEST:
            break
        if (
            len(digits) in lengths
            and _is_whole(text, groups, first, last, after_card=after_card)
            and luhn.is_valid(digits)
            and (len(digits) >= _SURE or (not is_phone and _is_short_card(text, groups[first : last + 1], digits)))
        ):
            end = last + 1
    return end


def _is_amid(text: str, groups: list[Span], first: int) -> bool:
    """Whether a short group stands between its likes, so that no card begins with it."""
    if first == 0 or first + 1 == len(groups):
        return False
    (before, begin), (start, end), following = groups[first - 1], groups[first], groups[first + 1]
    is_short = begin - before == end - start < _SHORTEST
    return is_short and _separator(text, groups[first - 1], groups[first]) == _separator(text, groups[first], following)


def _lengths_by_range(beginning: str) -> frozenset[int]:
    digits = "".join(_DIGITS.findall(beginning))
    return frozenset().union(*(n for low, high, n in _CARD_RANGES if low <= digits[: len(low)] <= high))


def _is_whole(text: str, groups: list[Span], first: int, last: int, *, after_card: bool) -> bool:
    """Whether groups `first` to `last` stand as one number, and are no slice of a longer one or of a list."""
    inner = {_separator(text, left, right) for left, right in pairwise(groups[first : last + 1])}
    before = _separator(text, groups[first - 1], groups[first]) if first and not after_card else None
    after = _separator(text, groups[last], groups[last + 1]) if last + 1 < len(groups) else None
    if first == last:
        return before is None or not _SLICING.issuperset(before)
    shape = tuple(end - start for start, end in groups[first : last + 1])
    if len(shape) == 2 and inner <= {".", ",", "/"}:
        return False  # a fraction
    if inner - _COMMON and not _is_called_card(text, groups[first][0]) and _is_listed(text, groups, first, last):
        return False
    if shape in _PRINTED and len(inner - {"\n"}) <= 1:
        return before not in inner or groups[first - 1][1] - groups[first - 1][0] != shape[0]
    is_at_end = after not in inner or _is_called_card(text, groups[first][0])
    is_even = len(set(shape[:-1])) == 1 and shape[-1] <= shape[0]
    is_usual = is_even or inner <= {" ", "-", "\n"}
    return is_usual and len(inner - {"\n"}) <= 1 and not inner & {",", "; "} and before not in inner and is_at_end


def _is_listed(text: str, groups: list[Span], first: int, last: int) -> bool:
    """Whether groups with an unusual sign between them may be cells of a table, an address or a sum: they are of no
    printed shape, or the sign stands before them or goes on behind them."""
    shape = tuple(end - start for start, end in groups[first : last + 1])
    if len(shape) == 2 or shape not in _PRINTED:
        return True
    end = groups[last][1]
    sign = text[groups[first][1] : groups[first + 1][0]].strip()
    if first and text[groups[first - 1][1] : groups[first][0]].strip() == sign:
        return True
    if not text[end : end + 4].strip().startswith(sign):
        return False
    following = groups[last + 1] if last + 1 < len(groups) else None
    return sign == ":" or following is None or following[1] - following[0] == shape[0]


def _separator(text: str, left: Span, right: Span) -> str:
    """What stands between two groups, by kind: a sign, a line break, a space, or `; ` for a sign and a space."""
    between = text[left[1] : right[0]]
    sign = between.strip()
    if sign in {".", ",", ""} or "\n" in between:
        return "\n" if "\n" in between else (sign or " ") if between == sign or not sign else "; "
    return sign


def _is_short_card(text: str, groups: list[Span], digits: str) -> bool:
    """Twelve and thirteen digits are barcodes and phone numbers too: a card's name must stand before them."""
    if _is_called_card(text, groups[0][0]):
        return True
    return digits.startswith("4") and len(digits) == 13 and len(groups) in {1, 4} and not ean.is_valid(digits)


def _is_called_card(text: str, start: int) -> bool:
    return _CARD_WORD.search(text, max(0, start - 40), start) is not None
