"""How well the secret gate does on made-up sentences: recall per kind, false alarms per look-alike.

`python -m bench.secrets [--count N] [--seed S] [--misses]`. A secret counts as found only when nothing of it is left
over. No data set and no real secret is used: sentences come from templates, values from a seeded generator.
"""

import argparse
import base64
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

from agent.secret_gate import find_secrets
from bench import secret_disguises as disguises
from bench import secret_lookalikes as lookalikes
from bench import secret_sentences as sentences
from bench import secret_values as values
from bench.secret_talk import TALK
from bench.secret_values import Draw

RECALL_FLOOR = 0.95
FALSE_ALARM_CEILING = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A sentence and, unless it is innocent, where its secret lies: `text[start:end]`."""

    label: str
    text: str
    start: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """Of one label: how many sentences, how many the gate judged rightly, and those it did not."""

    label: str
    total: int
    wrong: tuple[Sample, ...]

    @property
    def rate(self) -> float:
        """The share judged wrongly: misses for secrets, false alarms for look-alikes."""
        return len(self.wrong) / self.total


def _plant(label: str, template: str, value: str) -> Sample:
    before, after = template.format("\0").split("\0")
    return Sample(label=label, text=before + value + after, start=len(before), end=len(before) + len(value))


def _basic(rng: Random) -> str:
    return base64.b64encode(f"bob:{values.password(rng)}".encode()).decode()


def _secrets() -> dict[str, tuple[list[str], Draw]]:
    """By label: the sentences and what is planted in them."""
    table: dict[str, tuple[list[str], Draw]] = {
        "password": (sentences.PASSWORD, values.password),
        "password, disguised": (sentences.PASSWORD, disguises.disguised(values.password)),
        "password, plain word": (sentences.PLAIN_PASSWORD, values.plain_word),
        "password, several words": (sentences.SPACED_PASSPHRASE, values.spaced_passphrase),
        "pin or code": (sentences.PIN, values.pin),
        "card security code": (sentences.CVV, lambda rng: values.chars(rng, values.DIGITS, 3)),
        "opaque key by keyword": (sentences.OPAQUE, values.opaque),
        "aws secret key": (sentences.AWS_SECRET, values.aws_secret),
        "card": (sentences.CARD, values.card),
        "card, separated": (sentences.CARD, disguises.card_separated),
        "card, between signs": (sentences.CARD, disguises.card_in_signs),
        "card, oddly written": (sentences.CARD, disguises.card_odd),
        "ssn": (sentences.SSN, values.ssn),
        "ssn, oddly written": (sentences.SSN, disguises.ssn_odd),
        "ssn, named afterwards": (sentences.NAMED_SSN, lambda rng: values.ssn(rng).replace("-", "")),
        "ssn, nine digits": (sentences.BARE_SSN, lambda rng: values.ssn(rng).replace("-", "")),
        "iban": (sentences.IBAN, values.iban),
        "iban, oddly written": (sentences.IBAN, disguises.iban_odd),
        "private key": (sentences.PEM, values.pem),
        "json web token": (sentences.JWT, values.jwt),
        "connection string": (sentences.CONNECTION, values.connection_string),
        "authorization": (sentences.AUTHORIZATION, lambda rng: rng.choice([values.opaque, values.jwt, _basic])(rng)),
    }
    every = [draw for draws in values.VENDOR_KEYS.values() for draw in draws]
    for vendor, draws in values.VENDOR_KEYS.items():
        table[f"vendor key: {vendor}"] = (sentences.VENDOR, lambda rng, draws=draws: rng.choice(draws)(rng))  # type: ignore[misc]
    table["vendor key, disguised"] = (sentences.VENDOR, lambda rng: disguises.disguised(rng.choice(every))(rng))
    table["vendor key, broken in two"] = (sentences.VENDOR, lambda rng: disguises.broken(rng.choice(every))(rng))
    return table


def build_secrets(*, seed: int, count: int) -> Iterator[Sample]:
    """`count` sentences of every label, each with one secret. The same seed gives the same sentences."""
    for label, (templates, draw) in _secrets().items():
        rng = Random(f"{seed} {label}")
        for i in range(count):
            yield _plant(label, templates[i % len(templates)], draw(rng))


def build_lookalikes(*, seed: int, count: int) -> Iterator[Sample]:
    """Innocent sentences: all the talk about secrets, and `count` of every kind of number."""
    for template in TALK:
        text = template.format()
        for variant in (text, text[0].upper() + text[1:] + " Thanks!", f"The user said: {text}"):
            yield Sample(label="talk about secrets", text=variant)
    for label, draw in lookalikes.NUMBERS.items():
        rng = Random(f"{seed} {label}")
        for i in range(count):
            yield _plant(label, lookalikes.NUMBER[i % len(lookalikes.NUMBER)], draw(rng))


def is_missed(sample: Sample) -> bool:
    """Whether any letter or digit of the secret would be left after redaction.

    Of a URL only the password counts, since its host and its scheme are no secret."""
    covered = {i for secret in find_secrets(sample.text) for i in range(secret.start, secret.end)}
    start, end = sample.start, sample.end
    if sample.label == "connection string":
        url = sample.text[start:end]
        start, end = start + url.index(":", url.index("://") + 3) + 1, start + url.rindex("@")
    return any(sample.text[i].isalnum() and i not in covered for i in range(start, end))


def is_false_alarm(sample: Sample) -> bool:
    """Whether anything at all is found in an innocent sentence."""
    return bool(find_secrets(sample.text))


def score(samples: Iterator[Sample], is_wrong: Callable[[Sample], bool]) -> list[Score]:
    """One score per label, in the order of the labels."""
    by_label: dict[str, list[Sample]] = {}
    for sample in samples:
        by_label.setdefault(sample.label, []).append(sample)
    return [
        Score(label=label, total=len(group), wrong=tuple(filter(is_wrong, group))) for label, group in by_label.items()
    ]


def overall(scores: list[Score]) -> float:
    """The share judged wrongly over all labels, every label weighing by its sentences."""
    return sum(len(s.wrong) for s in scores) / sum(s.total for s in scores)


def main(arguments: list[str] | None = None) -> int:
    """Print the table; 1 when a figure is not reached."""
    parser = argparse.ArgumentParser(prog="python -m bench.secrets", description=__doc__)
    parser.add_argument("--count", type=int, default=200, help="sentences per label")
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--misses", action="store_true", help="print what was judged wrongly")
    options = parser.parse_args(arguments)
    kept = score(build_secrets(seed=options.seed, count=options.count), is_missed)
    innocent = score(build_lookalikes(seed=options.seed, count=options.count), is_false_alarm)
    for s in kept:
        print(f"{s.label:32} recall {1 - s.rate:7.1%} of {s.total}")
    for s in innocent:
        print(f"{s.label:32} false alarms {s.rate:7.1%} of {s.total}")
    if options.misses:
        for s in [*kept, *innocent]:
            for sample in s.wrong:
                print(f"{s.label}: {sample.text!r}")
    missed, alarms = overall(kept), overall(innocent)
    print(f"recall {1 - missed:.2%}, floor {RECALL_FLOOR:.0%}")
    print(f"false alarms {alarms:.2%}, ceiling {FALSE_ALARM_CEILING:.0%}")
    return int(1 - missed < RECALL_FLOOR or alarms > FALSE_ALARM_CEILING)


if __name__ == "__main__":
    sys.exit(main())
