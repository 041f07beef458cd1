"""Which shared threads of websites stand open to who bears a token of one of them."""

from collections.abc import Collection
from dataclasses import dataclass

from agent.ids import SessionId


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenThreads:
    """These, and where there is a `prefix`, all whose session id begins with it. Every other is closed now."""

    session_ids: Collection[SessionId] = ()
    prefix: str | None = None
