"""Who speaks: `users.info`, cached per installation, and the person the gateway knows behind the account."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar
from weakref import WeakValueDictionary

import structlog

from adapters.ports import Gateway
from adapters.slack.errors import SlackError
from adapters.slack.people import Profile, parse_profile
from adapters.slack.places import identity_of
from adapters.slack.ports import Own, WebApi
from adapters.slack.records import Origin, Said, object_of, text_of
from agent.ids import new_user_id
from agent.records import JsonObject, User

log = structlog.get_logger(__name__)
FRESH_S = 600.0
"""One process hears that a profile changed; the others look it up anew after so long."""
FAILED_FRESH_S = 30.0
LIMIT = 20_000
NAMES_LOOKED_UP = 8
PATIENCE_S = 2.0
K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who speaks. `user` is stored; a bot has none, since it is nobody to remember."""

    user: User | None
    name: str


class Profiles:
    """The people of one app's installations."""

    def __init__(
        self,
        gateway: Gateway,
        api: WebApi,
        own: Own,
        trusts: Callable[[str], bool],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._gateway = gateway
        self._own = own
        self._trusts = trusts
        self._api = api
        self._clock = clock
        self._known: OrderedDict[tuple[str, str], tuple[float, Profile | None]] = OrderedDict()
        self._asking: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()
        self._users: OrderedDict[tuple[str, str], tuple[Profile | None, User]] = OrderedDict()

    async def find_person(self, origin: Origin, home: str, user: str) -> Person:
        """The person behind a Slack user. Without `users.info` it is the same person, with fewer details.

        Raises `StoreUnavailableError`.
        """
        profile = await self._load(origin, user)
        if profile is not None and profile.is_bot:
            return Person(user=None, name=profile.name)
        stored = await self._ensure(origin, home, user, profile)
        return Person(user=stored, name=profile.name if profile else stored.display_name)

    async def find_names(self, origin: Origin, users: Iterable[str]) -> dict[str, str]:
        """The names of people who are mentioned, as far as they can be had. Raises `StoreUnavailableError`."""
        names: dict[str, str] = {}
        for user in list(dict.fromkeys(users))[:NAMES_LOOKED_UP]:
            profile = await self._load(origin, user)
            if profile is not None:
                names[user] = profile.name
        return names

    def list_names(self, said: Said) -> list[str]:
        """The names of other people of an installation, as far as they were lately looked up here."""
        return [
            name
            for (installation, user), (_, profile) in self._known.items()
            if profile is not None and installation == said.origin.installation and user != said.user
            for name in profile.names
        ]

    async def change(self, origin: Origin, user: str, told: JsonObject) -> None:
        """A profile changed: it is looked up anew when it is next needed. An address that went proves nothing now."""
        self._known.pop((origin.installation, user), None)
        await self._withdraw(origin, user, told, parse_profile(origin, told))

    def forget_people(self) -> None:
        """Accounts were linked, parted or erased: who is behind each is looked up anew."""
        self._users.clear()

    async def _ensure(self, origin: Origin, home: str, user: str, profile: Profile | None) -> User:
        key = (origin.installation, f"{home}:{user}")
        known = self._users.get(key)
        if known is not None and known[0] is profile:  # read anew it is proven anew: the proof may be withdrawn by now
            return known[1]
        details = profile.as_user() if profile else User(id=new_user_id())
        identity = identity_of(origin.installation, home, user)
        stored = await self._gateway.ensure_user(identity, details)
        if profile is not None and profile.email is not None and self._trusts(origin.installation):
            stored = await self._own.prove_email(identity, stored, profile.email)
        _remember(self._users, key, (profile, stored))
        return stored

    async def _load(self, origin: Origin, user: str) -> Profile | None:
        key = (origin.installation, user)
        found = self._known.get(key)
        if found is not None and found[0] > self._clock():
            return found[1]
        async with self._asking.setdefault(key, asyncio.Lock()):  # whoever asks meanwhile waits for the same answer
            found = self._known.get(key)
            if found is not None and found[0] > self._clock():
                return found[1]
            return await self._ask(origin, user, found[1] if found else None)

    async def _ask(self, origin: Origin, user: str, before: Profile | None) -> Profile | None:
        """What Slack tells of somebody; what was known before where it tells nothing."""
        key = (origin.installation, user)
        try:
            answer = await self._api.call(origin.installation, "users.info", {"user": user}, patience_s=PATIENCE_S)
        except SlackError as error:
            log.info("slack_profile_not_read", error=str(error))
            _remember(self._known, key, (self._clock() + FAILED_FRESH_S, before))
            return before
        told = object_of(answer, "user")
        profile = parse_profile(origin, told)
        await self._withdraw(origin, user, told, profile)
        _remember(self._known, key, (self._clock() + FRESH_S, profile))
        return profile

    async def _withdraw(self, origin: Origin, user: str, told: JsonObject, profile: Profile) -> None:
        """What was proven by an address that Slack does not vouch for any more is so no longer, whatever their home."""
        but = profile.email if self._trusts(origin.installation) else None
        homes = {origin.installation, origin.team, text_of(told, "team_id") or origin.team}
        for home in sorted(homes):
            await self._own.withdraw_email(identity_of(origin.installation, home, user), but)


def _remember(cache: OrderedDict[K, V], key: K, value: V) -> None:
    cache[key] = value
    cache.move_to_end(key)
    if len(cache) > LIMIT:
        cache.popitem(last=False)
