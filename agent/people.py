"""Records about one person's several accounts, and about what was erased of a person."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from agent.ids import UserId

Proof: TypeAlias = Literal["site", "email", "code"]
"""What made two accounts one person: the site signed the visitor in, both channels vouch for the same e-mail address,
or a code from the one was said on the other."""

VISITOR_CHANNEL = "visitor"
"""The channel of accounts that only a visitor's token stands for; the external id is the visitor's first user id."""


def is_email_address(text: str) -> bool:
    """Whether a text has the form of an e-mail address. Whose it is, and whether it works, nobody knows by that."""
    return text.isprintable() and " " not in text and all(text.rpartition("@"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account of a person's. `origin_id` is the user it was with before it was linked; none where it was not."""

    identity_id: str
    tenant: str
    channel: str
    external_id: str
    user_id: UserId
    linked_at: datetime
    origin_id: UserId | None
    proof: Proof | None
    proven_email: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkCode:
    """A code to be said on another channel, once."""

    code: str
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Linked:
    """Who a person is after an account was linked; `merged_from` is the user id that is not in use any more."""

    user_id: UserId
    merged_from: UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """The proof of an erasure: by table how many rows were erased, and how many of the person's are left (none)."""

    at: datetime
    erased: Mapping[str, int]
    left: Mapping[str, int]
