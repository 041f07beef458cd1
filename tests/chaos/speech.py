"""What people ask in the suite and what the model answers: the answer names every question that it answers.

So whoever reads the database or the platform afterwards can tell which question got which answer, and how often.
"""

import hashlib
import random
import re
from collections.abc import Iterable

TOKEN = re.compile(r"\bQ[0-9a-z]{8}\b")
_TAIL = "one after another the pieces of this answer come, slowly enough to be cut off in their middle"


def make_token(name: str) -> str:
    """The token of a question: the same for the same name."""
    return "Q" + hashlib.sha256(name.encode()).hexdigest()[:8]


def question(token: str) -> str:
    """What a person says."""
    return f"Please answer {token}, and nothing else."


def find_tokens(text: str) -> list[str]:
    """The questions that a text names, in order."""
    return TOKEN.findall(text)


def answer_to(tokens: Iterable[str]) -> str:
    """The one answer to some questions asked together."""
    return f"This answers {' and '.join(tokens)}: {_TAIL}."


def draw(seed: int, *name: object) -> random.Random:
    """A source of chance of its own for a purpose: the same for the same seed and name, whatever else was drawn."""
    return random.Random(hashlib.sha256(repr((seed, *name)).encode()).digest())
