"""Where tokens may go: to Slack, over the internet, and nowhere else."""

import socket

import pytest
from aiohttp import ClientError, ClientSession, web
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.test_utils import TestServer

from adapters.slack.network import PublicResolver, is_public, open_session

PLACES = {
    "3.121.10.1": True,
    "2a05:d014::1": True,
    "10.0.0.1": False,
    "127.0.0.1": False,
    "169.254.169.254": False,
    "192.168.1.1": False,
    "100.64.0.1": False,
    "0.0.0.0": False,
    "224.0.0.1": False,
    "::1": False,
    "fe80::1%eth0": False,
    "fd00::1": False,
    "::ffff:10.0.0.1": False,
    "slack.com": False,
}


@pytest.mark.parametrize("address", PLACES)
def test_only_addresses_of_the_internet_are_public(address: str) -> None:
    """A name of Slack's that somebody's DNS leads inside must not get the token. Proves: SL-20."""
    assert is_public(address) is PLACES[address]


class Names(AbstractResolver):
    """A DNS that leads everywhere to the same places."""

    def __init__(self, *addresses: str) -> None:
        self._addresses = addresses

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Those."""
        return [
            ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=0)
            for address in self._addresses
        ]

    async def close(self) -> None:
        """Nothing is open."""


async def test_a_name_that_leads_to_a_private_address_is_not_connected_to() -> None:
    """One private address among public ones is enough to refuse. Proves: SL-20."""
    with pytest.raises(OSError, match="private"):
        await PublicResolver([], Names("3.121.10.1", "10.0.0.1")).resolve("files.slack.com")
    assert await PublicResolver([], Names("3.121.10.1")).resolve("files.slack.com")
    assert await PublicResolver(["proxy.internal"], Names("10.0.0.1")).resolve("proxy.internal")


async def test_no_redirect_is_followed() -> None:
    """The place it leads to was not checked. Proves: SL-20."""

    async def lead_away(_: web.Request) -> web.Response:
        raise web.HTTPFound("http://127.0.0.1:1/")

    app = web.Application()
    app.router.add_get("/", lead_away)
    async with TestServer(app) as server, open_session(["127.0.0.1"]) as session:
        assert isinstance(session, ClientSession)
        with pytest.raises(ClientError, match="redirect"):
            await session.get(server.make_url("/"))
