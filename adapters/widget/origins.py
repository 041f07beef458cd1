"""Where a request comes from: the page's origin and the peer's address, as far as ASGI tells."""

from starlette.datastructures import Headers
from starlette.types import Scope

from adapters.windows import address_key


def origin_of(scope: Scope) -> str | None:
    """The origin of the page; none for a client that is no browser. Several origins are an origin that nobody has.

    A browser leaves it out where a page asks its own server by GET, and says so in a header that no page can set.
    """
    headers = Headers(scope=scope)
    origins = headers.getlist("origin")
    if origins:
        return ", ".join(origins)
    if headers.get("sec-fetch-site") == "same-origin":
        return f"{scope['scheme']}://{headers.get('host', '')}"
    return None


def address_of(scope: Scope) -> str:
    """What limits count by; empty where the server does not know the peer."""
    return address_key(scope["client"][0]) if scope.get("client") else ""
