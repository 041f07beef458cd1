"""Secrets as people write them without meaning harm: grouped, broken over lines, in wide or invisible characters."""

from collections.abc import Callable
from random import Random

from bench import secret_values as values
from bench.secret_values import Draw


def wide(value: str) -> str:
    """The value in full-width characters, as East Asian keyboards give them."""
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in value)


def with_invisible(rng: Random, value: str) -> str:
    """The value with one character inside that is not seen, as copying from a web page gives it."""
    at = rng.randint(1, len(value) - 1)
    return value[:at] + rng.choice("\u200b\u200c\u200d\u2060\ufeff\u00ad") + value[at:]


def disguised(draw: Draw) -> Draw:
    """Values of `draw`, wide or with an invisible character."""
    return lambda rng: rng.choice([wide(draw(rng)), with_invisible(rng, draw(rng)), with_invisible(rng, draw(rng))])


def broken(draw: Draw) -> Draw:
    """Values of `draw` with a space or a line break inside."""

    def break_once(rng: Random) -> str:
        value = draw(rng)
        at = rng.randint(len(value) // 3, len(value) - 4)
        return value[:at] + rng.choice([" ", "\n", " \n"]) + value[at:]

    return break_once


def grouped(value: str, separator: str) -> str:
    """The value in the groups printed on paper and plastic: fours, or 4-6-5 and 4-6-4."""
    if len(value) in {14, 15}:
        return separator.join([value[:4], value[4:10], value[10:]])
    return separator.join(value[i : i + 4] for i in range(0, len(value), 4))


def card_separated(rng: Random) -> str:
    """A card number in groups with one of the usual separators."""
    separators = [" ", "-", ".", "\u00a0", "\u2009", "–", " - ", "  ", "/", "_", "\u2011"]
    return grouped(values.card(rng), rng.choice(separators))


def card_odd(rng: Random) -> str:
    """A card number as it comes from phones, tables, tired people and other scripts."""
    number = values.card(rng)
    at = rng.randint(5, 11)
    ways: list[Callable[[], str]] = [
        lambda: " ".join(number),
        lambda: ".".join(number),
        lambda: "-".join(number),
        lambda: grouped(number, rng.choice(["\n", " \n", "\r\n", "-\n", "\t"])),
        lambda: number[:at] + rng.choice([" ", "\n", "-"]) + number[at:],
        lambda: wide(grouped(number, rng.choice([" ", "-", ""]))),
        lambda: with_invisible(rng, grouped(number, " ")),
        lambda: "\u200b".join(number),
        lambda: "".join(chr(0x0660 + int(c)) for c in number),
        lambda: grouped(number, "\u200b \u200b"),
        lambda: " ".join(number[i : i + 2] for i in range(0, len(number), 2)),
    ]
    return rng.choice(ways)()


def card_in_signs(rng: Random) -> str:
    """A card number with any sign between its printed groups."""
    signs = ["|", " | ", ":", "*", "#", "~", "=", ";", "\\", "'", "…", " — ", "    ", "+"]
    return grouped(values.card(rng), rng.choice(signs))


def ssn_odd(rng: Random) -> str:
    """A social security number with another separator, or wide."""
    number = values.ssn(rng)
    separator = rng.choice([" ", ".", "–", "\u2011", " - ", "\u2212", "\u00a0"])
    return rng.choice([number.replace("-", separator), number.replace("-", separator), wide(number)])


def iban_odd(rng: Random) -> str:
    """An IBAN in groups, in small letters or disguised."""
    number = values.iban(rng)
    groups = grouped(number, rng.choice([" ", " ", "-", "\u00a0", ".", "\n", "  "]))
    return rng.choice([groups, groups, groups.lower(), number.lower(), wide(number), with_invisible(rng, groups)])
