"""The one aiohttp session that carries tokens: it follows no redirect, and goes to no private address."""

import ipaddress
import socket
from collections.abc import AsyncGenerator, Collection
from contextlib import asynccontextmanager
from types import SimpleNamespace

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

CALL_S = 8.0
CONNECT_S = 3.0


class PublicResolver(AbstractResolver):
    """Resolves names, and refuses those that lead to a private address, but for the hosts that the owner named.

    What is checked is what is connected to, so a name cannot lead elsewhere between the two.
    """

    def __init__(self, named: Collection[str], inner: AbstractResolver | None = None) -> None:
        self._named = frozenset(named)
        self._inner = inner or ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses of a host. Raises `OSError` when one of them is not public."""
        found = await self._inner.resolve(host, port, family)
        if host not in self._named and not all(is_public(result["host"]) for result in found):
            raise OSError(f"{host} leads to a private address")
        return found

    async def close(self) -> None:
        """End the resolver beneath."""
        await self._inner.close()


def is_public(address: str) -> bool:
    """Whether an address belongs to the internet, and not to somebody's own network or machine."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(parsed, "ipv4_mapped", None) or parsed
    return bool(mapped.is_global and not mapped.is_multicast)


async def _refuse_redirect(_: aiohttp.ClientSession, __: SimpleNamespace, params: object) -> None:
    raise aiohttp.ClientError("a redirect was refused")


@asynccontextmanager
async def open_session(named: Collection[str]) -> AsyncGenerator[aiohttp.ClientSession, None]:
    """A session, closed with the context. `named` hosts may be private: the owner set them."""
    trace = aiohttp.TraceConfig()
    trace.on_request_redirect.append(_refuse_redirect)
    timeout = aiohttp.ClientTimeout(total=CALL_S, connect=CONNECT_S)
    connector = aiohttp.TCPConnector(resolver=PublicResolver(named))
    async with aiohttp.ClientSession(timeout=timeout, trace_configs=[trace], connector=connector) as session:
        yield session
