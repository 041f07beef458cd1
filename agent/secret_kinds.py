"""What a secret is called, and where one lies in a text."""

from dataclasses import dataclass
from enum import StrEnum

Span = tuple[int, int]
"""Start and end of a stretch of text."""


class SecretKind(StrEnum):
    """The name of a secret as a person reads it. Where two overlap, the one that stands first here names both."""

    PRIVATE_KEY = "private key"
    CARD_NUMBER = "card number"
    IBAN = "IBAN"
    SOCIAL_SECURITY_NUMBER = "social security number"
    API_KEY = "API key"
    TOKEN = "token"  # noqa: S105 - a name
    CREDENTIALS = "credentials"
    PASSWORD = "password"  # noqa: S105 - a name
    CODE = "code"


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """`text[start:end]` of the text that was searched is a secret; `start < end`."""

    kind: SecretKind
    start: int
    end: int
