"""Which token opens which installation: one that the owner set, or those of the workspaces that installed the app."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from weakref import WeakValueDictionary

import structlog

from adapters.slack.errors import LimitedError, PayloadError, RefusedError, SlackError
from adapters.slack.grants import Grant, parse_grant
from adapters.slack.ports import Installations
from adapters.slack.records import text_of
from agent.errors import StoreUnavailableError
from agent.records import JsonObject

log = structlog.get_logger(__name__)
KNOWN_S = 20.0
"""For so long a token is not looked up again: another process may have got a newer one."""
RENEW_BEFORE_S = 3_600.0
AGAIN_S = 1.0
CLOSE_S = 10.0
NOT_INSTALLED = "not_installed"
Renew = Callable[[str], Awaitable[JsonObject]]
"""Asks Slack for new tokens for a refresh token. Raises `SlackError`."""


class SingleToken:
    """One token, whichever workspace of its organisation something comes from."""

    def __init__(self, token: str) -> None:
        self._token = token

    async def find(self, installation: str) -> str:
        """The token."""
        return self._token

    def forget(self, installation: str) -> None:
        """There is no other."""

    async def close(self) -> None:
        """Nothing is left to be kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """A token, until when it is good and until when it is not looked up again, by the monotonic clock."""

    token: str = field(repr=False)
    ends_at_s: float
    fresh_until_s: float


class InstalledTokens:
    """The tokens of all installations, renewed in time by one process at a time. `clock` is monotonic, in seconds.

    Slack gives tokens for a refresh token once: whatever becomes of the call that wanted them, they are kept.
    """

    def __init__(self, store: Installations, renew: Renew, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._renew = renew
        self._clock = clock
        self._known: dict[str, _Known] = {}
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._unkept: dict[str, _Known] = {}
        self._renewals: set[asyncio.Task[None]] = set()

    async def find(self, installation: str) -> str:
        """The token of an installation. Raises `RefusedError` when there is none, `LimitedError` when not just now."""
        known = self._known.get(installation)
        if known is not None and self._clock() < known.fresh_until_s:
            return known.token
        lock = self._locks.setdefault(installation, asyncio.Lock())
        async with lock:
            known = self._known.get(installation)
            if known is None or self._clock() >= known.fresh_until_s:
                known = await self._look_up(installation)
        return known.token

    def forget(self, installation: str) -> None:
        """Slack would not have the token: look it up anew."""
        self._known.pop(installation, None)

    async def close(self) -> None:
        """What Slack gives for a refresh token that is used is kept first, as far as the store takes it."""
        if self._renewals:
            _, left = await asyncio.wait(self._renewals, timeout=CLOSE_S)
            for task in left:
                task.cancel()
        for installation in self._unkept:
            log.error("slack_token_lost", installation=installation)

    async def _look_up(self, installation: str) -> _Known:
        if (unkept := self._unkept.get(installation)) is not None:
            return unkept
        try:
            stored = await self._store.load(installation)
            tokens, version, expires_in_s = stored or (None, 0, None)
            token = text_of(tokens or {}, "bot_token")
            if tokens is None or token is None:
                raise RefusedError("token", NOT_INSTALLED)
            if expires_in_s is not None and expires_in_s < RENEW_BEFORE_S:
                renewed = await self._try_renew(installation, version, text_of(tokens, "refresh_token"))
                if renewed is not None:
                    return renewed
                if expires_in_s <= 0:
                    raise LimitedError("a token that is being renewed", AGAIN_S)
        except StoreUnavailableError as error:
            raise LimitedError("the store", AGAIN_S) from error
        return self._remember(installation, token, expires_in_s)

    def _remember(self, installation: str, token: str, expires_in_s: float | None) -> _Known:
        now_s = self._clock()
        ends_at_s = now_s + expires_in_s if expires_in_s is not None else float("inf")
        known = _Known(token=token, ends_at_s=ends_at_s, fresh_until_s=min(now_s + KNOWN_S, ends_at_s))
        self._known[installation] = known
        return known

    async def _try_renew(self, installation: str, version: int, refresh_token: str | None) -> _Known | None:
        """New tokens; none when somebody else gets them just now, or when it did not work this time."""
        if refresh_token is None or not await self._store.begin_refresh(installation, version):
            return None
        renewed: asyncio.Future[_Known | None] = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(self._renew_and_keep(installation, version, refresh_token, renewed))
        self._renewals.add(task)  # not the caller's: a caller that goes away takes nothing along
        task.add_done_callback(self._renewals.discard)
        return await renewed

    async def _renew_and_keep(
        self, installation: str, version: int, refresh_token: str, renewed: asyncio.Future[_Known | None]
    ) -> None:
        try:
            grant = parse_grant(await self._renew(refresh_token))
        except (SlackError, PayloadError) as error:
            log.error("slack_token_not_renewed", installation=installation, error=str(error))
            with suppress(StoreUnavailableError):  # the right to renew ends by itself
                await self._store.give_up_refresh(installation, version)
            return
        else:
            known = self._unkept[installation] = self._remember(installation, grant.bot_token, grant.expires_in_s)
            while not await self._try_keep(installation, version, grant, known):
                _tell(renewed, known)
                await asyncio.sleep(AGAIN_S)
            _tell(renewed, known)
        finally:
            _tell(renewed, None)

    async def _try_keep(self, installation: str, version: int, grant: Grant, known: _Known) -> bool:
        """Whether the store had a word on new tokens. After a removal or a new installation they are worth nothing."""
        expires_in_s = known.ends_at_s - self._clock() if grant.expires_in_s is not None else None
        try:
            is_kept = await self._store.end_refresh(installation, version, grant.tokens, expires_in_s)
        except StoreUnavailableError as error:
            log.error("slack_token_not_kept_yet", installation=installation, error=str(error))
            return False
        del self._unkept[installation]
        if is_kept:
            log.info("slack_token_renewed", installation=installation)
        else:
            self.forget(installation)
        return True


def _tell(renewed: "asyncio.Future[_Known | None]", known: _Known | None) -> None:
    """Unless it was told, or nobody waits any more."""
    if not renewed.done():
        renewed.set_result(known)
