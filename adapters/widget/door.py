"""Who may come in: site, origin and token of a `hello`. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from adapters.widget.codes import CloseCode
from adapters.widget.errors import RefusedError, TokenRefusedError
from adapters.widget.frames import Hello
from adapters.widget.keys import GatewaySecret
from adapters.widget.sites import Site
from adapters.widget.tokens import (
    Claims,
    is_visitor_token,
    issue_visitor_token,
    verify_site_token,
    verify_visitor_token,
)
from agent.ids import UserId, new_user_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """Somebody of whom nothing is known but that they are the same as before. `fresh_token` is for them to keep."""

    user_id: UserId
    fresh_token: str | None = None


Bearer: TypeAlias = Visitor | Claims


def is_same_person(one: Bearer, other: Bearer) -> bool:
    """Whether two tokens speak of one person."""
    if isinstance(one, Claims):
        return isinstance(other, Claims) and one.subject == other.subject
    return isinstance(other, Visitor) and one.user_id == other.user_id


def may_join(site: Site, bearer: Bearer, thread: str) -> bool:
    """Whether a shared thread is open to the bearer: by their token, or because it is the demo site."""
    return site.is_demo or (isinstance(bearer, Claims) and thread in bearer.threads)


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    """A `hello` whose site, origin and token are in order."""

    hello: Hello
    site: Site
    bearer: Bearer


class Door:
    """The sites, and how their visitors prove who they are."""

    def __init__(self, sites: Mapping[str, Site], secret: GatewaySecret) -> None:
        self._sites = sites
        self._secret = secret

    def knows_origin(self, origin: str | None) -> bool:
        """Whether any site lets this origin in: all that can be said before `hello` names the site."""
        return any(site.may_connect(origin) for site in self._sites.values())

    def admit(self, hello: Hello, origin: str | None, now_s: float) -> Admitted:
        """Raises `RefusedError`. `now_s` is in seconds since 1970."""
        site = self._sites.get(hello.site)
        if site is None:
            raise RefusedError(CloseCode.FORBIDDEN, "site: expected the key of a site of this gateway")
        if not site.may_connect(origin):
            raise RefusedError(CloseCode.FORBIDDEN, "origin: expected one that the site allows")
        if hello.thread is not None and hello.session_id is not None:
            raise RefusedError(CloseCode.BAD_FRAME, "thread: expected either a thread or a session_id")
        try:
            bearer = self.identify(site, hello.token, now_s)
        except TokenRefusedError as error:
            raise RefusedError(CloseCode.TOKEN, str(error)) from None
        return Admitted(hello=hello, site=site, bearer=bearer)

    def identify(self, site: Site, token: str | None, now_s: float) -> Bearer:
        """The bearer of a token; without one a new visitor. Raises `TokenRefusedError`."""
        if token is None:
            user_id = new_user_id()
            return Visitor(user_id=user_id, fresh_token=issue_visitor_token(user_id, site.key, self._secret, now_s))
        if is_visitor_token(token):
            return Visitor(user_id=verify_visitor_token(token, site.key, self._secret))
        return verify_site_token(token, site.key, site.signing_keys, now_s)
