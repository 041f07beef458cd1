"""Where the Slack app is installed, with its tokens sealed, and whose a shared conversation is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import structlog

from agent.records import JsonObject
from memory.database import Database
from memory.errors import SealError
from memory.queries import query
from memory.sealing import Sealer

log = structlog.get_logger(__name__)
Tokens = tuple[JsonObject | None, int, float | None]
"""The tokens (none once they are worth nothing), their version, and the seconds until they end."""
Pin = tuple[str, str, str | None]
"""Installation, team and bot user."""


class TokenState(StrEnum):
    """How an installation's tokens stand: kept, past their end and not renewed, under another key, deleted."""

    VALID = "valid"
    EXPIRED = "expired"
    LOCKED = "locked"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackInstallation:
    """An installation as operators see it: no tokens. `ended_by` says why it works no more."""

    installation: str
    about: JsonObject
    installed_at: datetime
    ended_at: datetime | None
    ended_by: str | None
    expires_in_s: float | None
    token: TokenState


class SlackInstallations:
    """The installations of one app. Tokens leave it in clear only to whoever makes calls with them."""

    def __init__(self, database: Database, sealer: Sealer) -> None:
        self._database = database
        self._sealer = sealer

    async def save(self, installation: str, tokens: JsonObject, about: JsonObject, expires_in_s: float | None) -> None:
        """Keep the tokens of a new installation, or of one that comes again."""
        sealed = self._sealer.seal(tokens, installation)
        await self._database.execute(query("slack_save_installation"), installation, sealed, about, expires_in_s)

    async def load(self, installation: str) -> Tokens | None:
        """The tokens of an installation; none when it was never seen. Those that no key opens are worth nothing."""
        row = await self._database.fetchrow(query("slack_load_installation"), installation)
        if row is None:
            return None
        return self._open(row["sealed"], installation), row["version"], row["expires_in_s"]

    def _open(self, sealed: bytes | None, installation: str) -> JsonObject | None:
        try:
            return self._sealer.open(sealed, installation) if sealed is not None else None
        except SealError as error:
            log.error("slack_tokens_do_not_open", installation=installation, error=str(type(error).__doc__))
            return None

    async def begin_refresh(self, installation: str, version: int) -> bool:
        """Take the right to renew these tokens, for half a minute. False: somebody else does, or did."""
        return await self._database.fetchrow(query("slack_begin_refresh"), installation, version) is not None

    async def end_refresh(
        self, installation: str, version: int, tokens: JsonObject, expires_in_s: float | None
    ) -> bool:
        """Keep renewed tokens. False: the app was installed anew or removed meanwhile."""
        sealed = self._sealer.seal(tokens, installation)
        row = await self._database.fetchrow(query("slack_end_refresh"), installation, version, sealed, expires_in_s)
        return row is not None

    async def give_up_refresh(self, installation: str, version: int) -> None:
        """Leave it to the next try."""
        await self._database.execute(query("slack_give_up_refresh"), installation, version)

    async def end(self, installation: str, version: int, at_s: float | None, reason: str) -> bool:
        """The app was removed, or the tokens of this version revoked, at `at_s` (Unix time): now without one.

        False: it was known, or is installed anew.
        """
        row = await self._database.fetchrow(query("slack_end_installation"), installation, version, at_s, reason)
        if row is not None:
            await self._database.execute(query("slack_unpin"), installation)
        return row is not None


class SlackShared:
    """Which installation a conversation that several companies share belongs to."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def pin(self, conversation: str, installation: str, team: str, bot_user: str | None) -> Pin:
        """The installation it belongs to: the first that told of it, which is this one if nobody did."""
        row = await self._database.fetchrow(query("slack_pin"), conversation, installation, team, bot_user)
        if row is None:  # somebody else was first, at this very moment
            row = await self._database.fetchrow(query("slack_find_pin"), conversation)
        return (row["installation"], row["team"], row["bot_user"]) if row else (installation, team, bot_user)

    async def find(self, conversation: str) -> Pin | None:
        """The installation it belongs to; none when it is not known to be shared."""
        row = await self._database.fetchrow(query("slack_find_pin"), conversation)
        return (row["installation"], row["team"], row["bot_user"]) if row else None


async def list_installations(database: Database, sealer: Sealer) -> Sequence[SlackInstallation]:
    """All installations, for operators: those that work first. Without keys, tokens pass for what they say they are."""
    rows = await database.fetch(query("slack_list_installations"))
    return [_read(dict(row), sealer) for row in rows]


def _read(row: dict[str, Any], sealer: Sealer) -> SlackInstallation:
    sealed = row.pop("sealed")
    return SlackInstallation(**row, token=_judge(sealed, row["installation"], row["expires_in_s"], sealer))


def _judge(sealed: bytes | None, installation: str, expires_in_s: float | None, sealer: Sealer) -> TokenState:
    if sealed is None:
        return TokenState.DELETED
    if sealer.has_keys and not sealer.may_open(sealed, installation):
        return TokenState.LOCKED
    return TokenState.EXPIRED if expires_in_s is not None and expires_in_s <= 0 else TokenState.VALID
