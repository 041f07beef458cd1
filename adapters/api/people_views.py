"""What the API shows of people: their accounts, codes, and what was erased."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

from pydantic import Field

from adapters.api.bodies import Sent
from adapters.api.views import View
from agent.people import Proof


class AccountView(View):
    """An account. `origin_id` is the user it was with before it was linked, by `proof`; null where it was not."""

    identity_id: str
    tenant: str
    channel: str
    external_id: str
    linked_at: datetime
    origin_id: str | None
    proof: Proof | None
    proven_email: str | None


class AccountsView(View):
    """A person's accounts, those that came first before the others."""

    user_id: str
    identities: tuple[AccountView, ...]


class LinkCodeView(View):
    """A code to be said on another channel, once and soon."""

    code: str
    expires_at: datetime


class LinkedView(View):
    """Who the person is now; `merged_from` is the user id that leads there from now on."""

    user_id: str
    merged_from: str


class UnlinkedView(View):
    """The user that the account went back to, with what it had made."""

    user_id: str


class ErasureView(View):
    """How many rows were erased, and how many of the person's are left, by table."""

    at: datetime
    erased: Mapping[str, int]
    left: Mapping[str, int]


class SayCode(Sent):
    """A code that was issued on another channel."""

    code: Annotated[str, Field(min_length=1, max_length=40)]
