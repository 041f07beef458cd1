"""Carries the SDK's HTTP requests to a model inside the process, and streams its answer back piece by piece.

httpx2's own ASGI transport collects the whole answer before it gives any, so nothing would be seen to stream.
"""

from collections.abc import AsyncGenerator, AsyncIterator

import httpx2

from gateway.demo.endpoint import Endpoint, HttpAsk


class InProcessTransport(httpx2.AsyncBaseTransport):
    """A transport whose other side is a function."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """One exchange; the answer's body is made while it is read."""
        ask = HttpAsk(
            method=request.method,
            path=request.url.path,
            headers={name.lower(): value for name, value in request.headers.items()},
            body=await request.aread(),
        )
        reply = await self._endpoint(ask)
        return httpx2.Response(reply.status, headers=dict(reply.headers), stream=_Body(reply.pieces), request=request)


class _Body(httpx2.AsyncByteStream):
    def __init__(self, pieces: AsyncIterator[bytes]) -> None:
        self._pieces = pieces

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._pieces:
            yield piece

    async def aclose(self) -> None:
        if isinstance(self._pieces, AsyncGenerator):
            await self._pieces.aclose()
