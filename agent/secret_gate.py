"""The gate before every write of a memory: finds what must never be stored, and takes it out.

Found are passwords, PINs and door codes that somebody announces, keys and tokens, card numbers, IBANs, social security
numbers, private keys, web tokens and credentials in URLs and headers; spaces, line breaks, invisible characters,
accents and full-width letters do not hide them. Pure, total for any `str`, and linear in its length.
"""

import re
from collections.abc import Callable, Iterator

from agent.secret_cards import find_card_numbers
from agent.secret_kinds import Secret, SecretKind
from agent.secret_numbers import find_ibans, find_social_security_numbers
from agent.secret_patterns import (
    find_authorization,
    find_exact_keys,
    find_issued_keys,
    find_private_keys,
    find_url_credentials,
)
from agent.secret_phrases import find_announced, find_pairs, find_seed_phrases
from agent.secret_text import Folded, fold

__all__ = ["Secret", "SecretKind", "find_secrets", "has_secret", "redact"]

_FINDERS: tuple[Callable[[str], Iterator[Secret]], ...] = (
    find_private_keys,
    find_card_numbers,
    find_ibans,
    find_social_security_numbers,
    find_issued_keys,
    find_exact_keys,
    find_authorization,
    find_url_credentials,
    find_announced,
    find_pairs,
    find_seed_phrases,
)
_MARKER = re.compile(rf"\[(?:{'|'.join(SecretKind)}) removed\]")
_RANK = {kind: rank for rank, kind in enumerate(SecretKind)}


def find_secrets(text: str) -> list[Secret]:
    """Every secret in the text, in order and without overlap. Spans are of the text as given."""
    spans = sorted(_find_spans(fold(text)))
    merged: list[Secret] = []
    for start, end, kind in spans:
        if merged and start < merged[-1].end:
            last = merged.pop()
            first_kind = min(last.kind, kind, key=_RANK.__getitem__)
            merged.append(Secret(kind=first_kind, start=last.start, end=max(last.end, end)))
        else:
            merged.append(Secret(kind=kind, start=start, end=end))
    return merged


def has_secret(text: str) -> bool:
    """Whether the text has any secret; cheaper than `find_secrets` when it has."""
    return any(True for _ in _find_spans(fold(text)))


def _find_spans(folded: Folded) -> Iterator[tuple[int, int, SecretKind]]:
    """Spans of the original with the kind found there, in no order; they may overlap."""
    text = _MARKER.sub(lambda marker: "*" * len(marker[0]), folded.text)
    for find in _FINDERS:
        for secret in find(text):
            yield (*folded.original_span(secret.start, secret.end), secret.kind)


def redact(text: str) -> str:
    """The text with each secret replaced by its kind, as in `[card number removed]`, which is no secret itself."""
    pieces: list[str] = []
    position = 0
    for secret in find_secrets(text):
        pieces += [text[position : secret.start], f"[{secret.kind} removed]"]
        position = secret.end
    return "".join([*pieces, text[position:]])
