"""Who bears a token of the widget, for others than the widget: the person's own way to what is known of them."""

import time
from collections.abc import Callable, Mapping

from adapters.memory_ports import Person
from adapters.ports import Gateway, People
from adapters.widget.conversations import session_id_of
from adapters.widget.door import Bearer, Door, Visitor
from adapters.widget.errors import TokenRefusedError
from adapters.widget.greeting import account_of
from adapters.widget.keys import derive_secret
from adapters.widget.sites import Site
from adapters.widget.tokens import Claims, find_site_key
from agent.errors import UserGoneError
from agent.open_threads import OpenThreads
from agent.records import User


class PersonTokens:
    """`adapters.memory_ports.PersonTokens` for tokens that sites sign, and for those that visitors were given."""

    def __init__(
        self,
        gateway: Gateway,
        people: People,
        sites: Mapping[str, Site],
        secret: bytes,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        self._gateway = gateway
        self._people = people
        self._sites = sites
        self._door = Door(sites, derive_secret(secret))
        self._now_s = now_s

    async def find_person(self, token: str) -> Person | None:
        """The person that the token speaks of; none where it is not valid, or nobody is known by it."""
        try:
            site = self._sites.get(find_site_key(token)) if token else None
            if site is None:
                return None
            bearer = self._door.identify(site, token, self._now_s())
            user = await self._find(site, bearer)
        except (TokenRefusedError, UserGoneError):
            return None
        if user is None:
            return None
        return Person(user_id=user.id, origin_id=user.origin_id, open_threads=_list_open(site, bearer))

    async def _find(self, site: Site, bearer: Bearer) -> User | None:
        if isinstance(bearer, Visitor):
            return await self._people.find_visitor(bearer.user_id, site.tenant) or User(id=bearer.user_id)
        return await self._gateway.find_user(account_of(site, bearer))


def _list_open(site: Site, bearer: Bearer) -> OpenThreads:
    """What `adapters.widget.door.may_join` lets the bearer into."""
    if site.is_demo:
        return OpenThreads(prefix=session_id_of(site.key, ""))
    threads = bearer.threads if isinstance(bearer, Claims) else ()
    return OpenThreads(session_ids=[session_id_of(site.key, thread) for thread in threads])
