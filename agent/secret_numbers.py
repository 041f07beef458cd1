"""Numbers that prove themselves or are named: IBANs (mod 97) and social security numbers.

Every function searches a folded text and gives spans of that text. All are linear in its length.
"""

import re
from collections.abc import Iterator

from stdnum import iban

from agent.secret_kinds import Secret, SecretKind, Span
from agent.secret_text import is_word

_SSN = re.compile(r"(?<![A-Za-z0-9_])(\d{3})(\s?[-._]?\s?)(\d{2})(\s?[-._]?\s?)(\d{4})(?![A-Za-z0-9_])")
_NINE_DIGITS = r"(?P<number>(?<!\d)\d(?:[\s.\-_/]{0,3}\d){8}(?!\d))"
_SSN_NAME = (
    r"(?<![a-z])(?:ssn|itin|soc(?:ial)?[ _-]?sec(?:urity)?|social(?= (?:is|number|no|insurance))|tax(?:payer)?[ _-]?id)"
)
_INSURED = r"(?P<number>(?<![A-Za-z0-9_])[a-z]{0,2}\d(?:[\s.\-_/]{0,3}(?:[a-z] ?)?\d){7,14}[a-z]?(?![A-Za-z0-9_]))"
_INSURANCE = r"(?:(?:sozial|renten)versicherung\w*|securite sociale|seguridad social|national insurance|seguro social)"
_IS_OWN = (
    r"\s{0,2}(?:[,;:=(-]{1,2}\s{0,2})?(?:(?:that|this|it|which)?(?:'s|\s?is|\s?was)\s|(?:as|ist|est|es|c'est)\s)?"
    r"(?:(?:my|our|your|his|her|their|the|a|an|us|valid|real|actual|full|own|new|old|user's|[a-z]{1,15}'s|meine?|deine?"
    r"|mon|ma|mi|su|numero|de|la|del?)\s){0,4}"
)
_NAMED = tuple(
    re.compile(pattern, re.I)
    for pattern in (
        rf"{_SSN_NAME}\D{{0,40}}?{_NINE_DIGITS}",
        rf"{_INSURANCE}[^\d\n]{{0,30}}?{_INSURED}",
        rf"(?<![A-Za-z]){_NINE_DIGITS}{_IS_OWN}{_SSN_NAME}",
        rf"{_INSURED}{_IS_OWN}{_INSURANCE}",
    )
)


def find_social_security_numbers(text: str) -> Iterator[Secret]:
    """Nine digits as 3-2-4 in a range that is issued, and what has the number's name before or behind it."""
    for match in _SSN.finditer(text):
        area, left, group, right, serial = match.groups()
        sign = left.strip()
        is_issued = area not in {"000", "666"} and area < "900" and group != "00" and serial != "0000"
        is_separated = bool(sign) or left == right == " "
        if is_issued and is_separated and sign == right.strip() and not _continues(text, match.span(), sign):
            yield Secret(kind=SecretKind.SOCIAL_SECURITY_NUMBER, start=match.start(), end=match.end())
    for pattern in _NAMED:
        for match in pattern.finditer(text):
            start, end = match.span("number")
            yield Secret(kind=SecretKind.SOCIAL_SECURITY_NUMBER, start=start, end=end)


def _continues(text: str, span: Span, sign: str) -> bool:
    """Whether more digits follow or go before, as in longer numbers and in lists."""
    start, end = span
    signs = {sign or " ", "-", "/"}
    before, after = text[max(0, start - 2) : start], text[end : end + 2]
    is_preceded = before[-1:] in signs and before[:1].isdigit()
    return is_preceded or (after[:1] in signs and after[1:].isdigit())


_IBAN_START = re.compile(r"(?:(?<![A-Za-z0-9])|(?<=iban)|(?<=IBAN))[A-Za-z][ ]?[A-Za-z][\s.\-]{0,2}\d[\s.\-]?\d")
_IBAN_PART = re.compile(r"(?:[\s.\-_/]{0,3}| ?[|:*#+~·•] ?)([A-Za-z0-9])")
_IBAN_SHORTEST, _IBAN_LONGEST = 15, 34


def find_ibans(text: str) -> Iterator[Secret]:
    """Account numbers of a known country's shape with right check digits, in any grouping and case."""
    for match in _IBAN_START.finditer(text):
        end = _iban_end(text, match.start())
        if end:
            yield Secret(kind=SecretKind.IBAN, start=match.start(), end=end)


def _iban_end(text: str, start: int) -> int:
    number, position = "", start
    while len(number) < _IBAN_LONGEST and (part := _IBAN_PART.match(text, position)):
        number, position = number + part[1].upper(), part.end()
        is_end = len(number) >= _IBAN_SHORTEST and not is_word(text[position : position + 1])
        if is_end and _has_check_digits(number) and iban.is_valid(number, check_country=False):
            return position
    return 0


def _has_check_digits(number: str) -> bool:
    return int("".join(str(int(char, 36)) for char in number[4:] + number[:4])) % 97 == 1
