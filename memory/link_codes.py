"""Codes by which a person proves on one channel that they have an account on another.

Stored is a keyed hash: whoever reads the table can neither see a code nor try codes against it.
"""

import hashlib
import hmac
import secrets

from agent.errors import BusyError, LinkRefusedError
from agent.ids import UserId
from agent.people import LinkCode
from memory.database import Database
from memory.queries import query

LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""No letter that is read as another."""
LENGTH = 10
VALID_S = 600.0
TRIES = 5
TRIES_S = 600.0
_SELECTOR_BYTES = 12
WRONG_CODE = "this code is not right, or was used, or is older than ten minutes"


class LinkCodes:
    """The codes of a gateway. `secret` is its own, the same for all processes on a database."""

    def __init__(self, database: Database, secret: bytes) -> None:
        self._database = database
        self._key = hmac.digest(secret, b"link code", "sha256")

    async def issue(self, user_id: UserId) -> LinkCode:
        """A new code of a person; the one before it is void. Raises `BusyError` after five within ten minutes."""
        await self._count(user_id, "issue")
        code = "".join(secrets.choice(LETTERS) for _ in range(LENGTH))
        digest = self._digest(code)
        row = await self._database.fetchrow(
            query("save_link_code"), digest[:_SELECTOR_BYTES], digest[_SELECTOR_BYTES:], user_id, VALID_S
        )
        assert row is not None, "the statement always gives the row"
        return LinkCode(code=f"{code[:5]}-{code[5:]}", expires_at=row["expires_at"])

    async def take(self, user_id: UserId, code: str) -> UserId:
        """Who issued the code that `user_id` says; it is used up. Raises `LinkRefusedError` and `BusyError`.

        One's own code is refused, and stays.
        """
        await self._count(user_id, "take")
        digest = self._digest(read_code(code))
        row = await self._database.fetchrow(query("find_link_code"), digest[:_SELECTOR_BYTES])
        if row is None or not hmac.compare_digest(row["digest"], digest[_SELECTOR_BYTES:]):
            raise LinkRefusedError(WRONG_CODE)
        if row["user_id"] == user_id:
            raise LinkRefusedError("this code is to be said on the other channel")
        taken = await self._database.fetchrow(query("take_link_code"), digest[:_SELECTOR_BYTES])
        if taken is None:
            raise LinkRefusedError(WRONG_CODE)
        return UserId(taken["user_id"])

    async def _count(self, user_id: UserId, kind: str) -> None:
        row = await self._database.fetchrow(query("count_try"), user_id, kind, TRIES_S)
        assert row is not None, "the statement always gives the row"
        if row["count"] > TRIES:
            raise BusyError("too many codes were tried; please wait a while", retry_after_s=max(1.0, row["left_s"]))

    def _digest(self, code: str) -> bytes:
        return hmac.digest(self._key, code.encode(errors="replace"), hashlib.sha256)


def read_code(text: str) -> str:
    """A code as it was issued, however it was typed: letters of either case, with or without dashes and spaces."""
    return "".join(c for c in text.upper() if c not in " -")
