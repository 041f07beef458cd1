"""One connection to a server of tools, kept up. It and `gateway.mcp_limits` alone import `mcp`, which takes a second.

connect ─► list its tools ─► ask every ten seconds what there is ─► gone: its tools are away, try again with back-off
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import structlog
from mcp.client import Client, Transport
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError

from agent.errors import ToolError
from agent.records import JsonObject
from agent.tools import Tool
from gateway import metrics
from gateway.backoff import Backoff
from gateway.mcp_limits import TOO_LARGE, bound_responses, open_program
from gateway.mcp_servers import (
    DESCRIPTION_CHARACTERS,
    TOOLS_LIMIT,
    Address,
    Program,
    ToolServer,
    find_fault,
    render_result,
)

log = structlog.get_logger(__name__)
LOOK_S = 10.0
CONNECT_S = 20.0
PAGES_LIMIT = 20
LIST_BYTES = 4_000_000
"""What a message may hold in any case: a list of tools, for one."""
GRACE_S = 1.0
"""The library has its own time-out: it tells the server that nobody waits any more. Ours comes a little later."""


class Connection:
    """A server, and its tools as long as it is there."""

    def __init__(self, server: ToolServer, backoff: Backoff | None = None) -> None:
        self.server = server
        self.tools: tuple[Tool, ...] = ()
        self._backoff = backoff or Backoff(first_s=0.5, longest_s=60.0)
        self._client: Client | None = None
        self._doubt = asyncio.Event()
        self._missing: list[str] = []
        self.changed = asyncio.Event()
        """Set whenever the tools came or went."""

    async def run(self) -> None:
        """Keep it up, until cancelled."""
        metrics.mcp_up.labels(self.server.name).set(0)
        while True:
            self._backoff.begin()
            try:
                async with _open(self.server) as client:
                    await self._serve(client)
            except Exception as error:  # noqa: BLE001  another program's faults must not end this one
                log.warning("tool_server_away", server=self.server.name, error=_name_of(error))
            finally:
                self._client = None
                self._offer(())
                metrics.mcp_up.labels(self.server.name).set(0)
            await asyncio.sleep(self._backoff.next_s())

    async def _serve(self, client: Client) -> None:
        """Offer its tools, and look from time to time whether it still has them. Raises when it does not answer."""
        while True:
            self._doubt.clear()
            async with asyncio.timeout(CONNECT_S):
                found = await _list_tools(client)
            self._client = client
            self._offer(self._build(found))
            self._tell_missing({str(one.name) for one in found})
            metrics.mcp_up.labels(self.server.name).set(1)
            try:
                async with asyncio.timeout(LOOK_S):
                    await self._doubt.wait()
            except TimeoutError:
                continue

    def _offer(self, tools: tuple[Tool, ...]) -> None:
        before = [tool.name for tool in self.tools]
        if before != [tool.name for tool in tools]:
            log.info("tool_server_tools", server=self.server.name, tools=len(tools))
        self.tools = tools
        self.changed.set()

    def _tell_missing(self, found: set[str]) -> None:
        """A name that is misspelt in the configuration lets the tool run unasked: somebody should see it, once."""
        missing = self.server.find_missing(found)
        if missing and missing != self._missing:
            log.warning("tools_not_there", server=self.server.name, tools=[name[:100] for name in missing])
        self._missing = missing

    def _build(self, found: list[Any]) -> tuple[Tool, ...]:
        tools: dict[str, Tool] = {}
        for one in sorted(found, key=lambda tool: str(tool.name)):
            if not self.server.may_use(one.name):
                continue
            if fault := find_fault(self.server, one.name, one.input_schema):
                log.warning("tool_left_out", server=self.server.name, tool=one.name[:100], reason=fault)
            elif len(tools) < TOOLS_LIMIT:
                tools[one.name] = self._build_tool(one)
        return tuple(tools.values())

    def _build_tool(self, one: Any) -> Tool:
        async def call(arguments: JsonObject) -> str:
            return await self._call(one.name, arguments)

        return Tool(
            name=self.server.full_name(one.name),
            description=(one.description or one.title or one.name)[:DESCRIPTION_CHARACTERS],
            title=(one.title or one.name.replace("_", " ").capitalize())[:100],
            arguments=one.input_schema,
            function=call,
            takes_context=False,
            timeout_s=self.server.timeout_s + GRACE_S,
            is_repeatable=one.name in self.server.repeatable,
            needs_approval=one.name in self.server.needs_approval,
            channels=self.server.channels,
        )

    async def _call(self, name: str, arguments: JsonObject) -> str:
        """Raises `ToolError` with a line for the model, whatever went wrong."""
        if self._client is None:
            raise ToolError(f"{self.server.name} is not reachable right now.")
        try:
            result = await self._client.call_tool(name, arguments, read_timeout_seconds=self.server.timeout_s)
        except MCPError as error:
            if TOO_LARGE in error.message:
                raise self._too_much(name) from error
            self._doubt.set()
            raise ToolError(f"{self.server.full_name(name)} failed: {_name_of(error)}") from error
        except Exception as error:
            self._doubt.set()
            raise ToolError(f"{self.server.full_name(name)} failed: {_name_of(error)}") from error
        blocks = [block.model_dump(mode="json", by_alias=True, exclude_none=True) for block in result.content]
        text = render_result(blocks, result.structured_content)
        if len(text.encode(errors="replace")) > self.server.result_bytes:
            raise self._too_much(name)
        if result.is_error:
            raise ToolError(text or f"{self.server.full_name(name)} failed.")
        return text

    def _too_much(self, name: str) -> ToolError:
        most = f"{self.server.result_bytes:,} bytes"
        return ToolError(f"{self.server.full_name(name)} gave more than {most}. Ask for less.")


@asynccontextmanager
async def _open(server: ToolServer) -> AsyncGenerator[Client, None]:
    most_bytes = max(2 * server.result_bytes, LIST_BYTES)  # as JSON writes it
    match server.place:
        case Program() as program:
            async with _connect(open_program(program, most_bytes)) as client:
                yield client
        case Address() as address:
            headers = {"accept-encoding": "identity"}
            headers |= {"authorization": f"Bearer {address.token}"} if address.token else {}
            timeout = httpx2.Timeout(server.timeout_s + GRACE_S, connect=CONNECT_S)
            hooks = {"response": [bound_responses(most_bytes)]}
            async with httpx2.AsyncClient(headers=headers, timeout=timeout, event_hooks=hooks) as http:
                transport = streamable_http_client(address.url, http_client=http, max_sse_event_size=most_bytes)
                async with _connect(transport) as client:
                    yield client


@asynccontextmanager
async def _connect(transport: Transport) -> AsyncGenerator[Client, None]:
    client = Client(transport, read_timeout_seconds=CONNECT_S, cache=None)
    async with client:
        yield client


async def _list_tools(client: Client) -> list[Any]:
    found: list[Any] = []
    cursor = None
    for _ in range(PAGES_LIMIT):
        page = await client.list_tools(cursor=cursor)
        found += page.tools
        cursor = page.next_cursor
        if cursor is None:
            break
    return found


def _name_of(error: BaseException) -> str:
    """The kind of fault, never its text, which another program wrote; of several the first."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return type(error).__name__
