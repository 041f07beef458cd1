"""The websites a widget may stand on. Every rule is checked when a `Site` is made: a bad one is never served."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from adapters.widget.errors import SiteInvalidError
from adapters.widget.keys import SigningKey
from agent.ids import AgentId

SITE_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
DEMO = "demo"
_LOOPBACK = re.compile(r"https?://(localhost|127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_MAX_KEYS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Starter:
    """A first question to choose: what the button says, and what choosing it sends."""

    label: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How the chat presents itself. What is none is the widget's own."""

    title: str | None = None
    subtitle: str | None = None
    greeting: str | None = None
    color: str | None = None
    locale: str | None = None
    starters: tuple[Starter, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A website. `origins` are exact, as browsers send them: `https://www.example.com`, a port only if unusual.

    `allows_no_origin` lets clients in that are no browsers. On the site `is_demo`, which may only be served on
    loopback, anybody has any thread and any name. Raises `SiteInvalidError`.
    """

    key: str
    origins: frozenset[str]
    signing_keys: tuple[SigningKey, ...] = ()
    agent_id: AgentId
    tenant: str = "default"
    allows_no_origin: bool = False
    is_demo: bool = False
    look: Look = Look()

    def __post_init__(self) -> None:
        if not SITE_KEY.fullmatch(self.key):
            raise SiteInvalidError("site key: expected 1 to 64 letters, digits, dots, dashes and underscores")
        for origin in self.origins:
            _check_origin(self.key, origin)
        if not self.origins and not self.allows_no_origin and not self.is_demo:
            raise SiteInvalidError(f"{self.key}.origins: expected at least one origin")
        kids = [key.kid for key in self.signing_keys]
        if len(kids) > _MAX_KEYS or len(set(kids)) < len(kids):
            raise SiteInvalidError(f"{self.key}.signing_keys: expected at most {_MAX_KEYS} keys, each with its own kid")

    def may_connect(self, origin: str | None) -> bool:
        """Whether a page of this origin (none: no browser) may use the site."""
        if origin is None:
            return self.allows_no_origin
        return origin in self.origins or (self.is_demo and _LOOPBACK.fullmatch(origin) is not None)


def build_demo_site(agent_id: AgentId, look: Look | None = None) -> Site:
    """The site that exists only while no other is configured, and only on loopback."""
    return Site(
        key=DEMO,
        origins=frozenset(),
        agent_id=agent_id,
        allows_no_origin=True,
        is_demo=True,
        look=look or Look(),
    )


def _check_origin(site_key: str, origin: str) -> None:
    expected = f"{site_key}.origins: expected exact origins such as https://www.example.com"
    if "*" in origin:
        raise SiteInvalidError(f"{expected}, without wildcards")
    try:
        parts = urlsplit(origin)
        port = parts.port
    except ValueError:
        raise SiteInvalidError(expected) from None
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise SiteInvalidError(expected)
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    suffix = "" if port in {None, _DEFAULT_PORTS[parts.scheme]} else f":{port}"
    if origin != f"{parts.scheme}://{host}{suffix}" or not origin.isascii():
        raise SiteInvalidError(f"{expected}, in lower case, without path, user or usual port")
