"""Who bears a token of the widget, for others than the widget: the person's own way to what is known of them."""

import time
from collections.abc import Callable, Mapping

from adapters.ports import Gateway, People
from adapters.widget.door import Bearer, Door, Visitor
from adapters.widget.errors import TokenRefusedError
from adapters.widget.greeting import account_of
from adapters.widget.keys import derive_secret
from adapters.widget.sites import Site
from adapters.widget.tokens import find_site_key
from agent.errors import UserGoneError
from agent.ids import UserId


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

    async def find_person(self, token: str) -> UserId | None:
        """The person that the token speaks of; none where it is not valid, or nobody is known by it."""
        try:
            site = self._sites.get(find_site_key(token)) if token else None
            if site is None:
                return None
            return await self._find(site, self._door.identify(site, token, self._now_s()))
        except (TokenRefusedError, UserGoneError):
            return None

    async def _find(self, site: Site, bearer: Bearer) -> UserId | None:
        if isinstance(bearer, Visitor):
            linked = await self._people.find_visitor(bearer.user_id, site.tenant)
            return linked.id if linked else bearer.user_id
        known = await self._gateway.find_user(account_of(site, bearer))
        return known.id if known else None
