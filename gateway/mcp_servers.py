"""Servers of tools (Model Context Protocol): what is configured of one, and what its tools and results become.

Pure: connections are in `gateway.mcp_connection`, which loads the library only where one is configured.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from agent.ids import AgentId
from agent.records import JsonObject

SEPARATOR = "__"
TOOLS_LIMIT = 100
DESCRIPTION_CHARACTERS = 4_000
SCHEMA_CHARACTERS = 20_000
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A server that is started here and speaks on its standard input and output. `environ` is added to little else."""

    command: str
    arguments: tuple[str, ...] = ()
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A server on the network, over streamable HTTP."""

    url: str
    token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolServer:
    """A server and who may use what of it (none: everybody, everything, everywhere).

    `agents_approve`: which of its tools an agent's own settings hold back.
    """

    name: str
    place: Program | Address
    tools: frozenset[str] | None = None
    agents: frozenset[AgentId] | None = None
    channels: frozenset[str] | None = None
    repeatable: frozenset[str] = frozenset()
    needs_approval: frozenset[str] = frozenset()
    agents_approve: frozenset[str] = frozenset()
    timeout_s: float = 30.0
    result_bytes: int = 1_000_000

    def may_use(self, tool: str) -> bool:
        """Whether a tool of that name, as the server calls it, is on the list."""
        return self.tools is None or tool in self.tools

    def find_missing(self, tools: Iterable[str]) -> list[str]:
        """Tools that are to be approved or may be repeated, and that are not among what the server offers, by name."""
        return sorted((self.needs_approval | self.agents_approve | self.repeatable).difference(tools))

    def full_name(self, tool: str) -> str:
        """What the model calls it."""
        return f"{self.name}{SEPARATOR}{tool}"


def find_fault(server: ToolServer, name: str, schema: JsonObject) -> str | None:
    """Why a tool cannot be offered to the model; none where it can."""
    if not _NAME.fullmatch(server.full_name(name)):
        return "its name is too long, or has other characters than letters, digits, dashes and underscores"
    if schema.get("type") != "object" or not isinstance(schema.get("properties", {}), dict):
        return "its arguments are no JSON object"
    if len(json.dumps(schema)) > SCHEMA_CHARACTERS:
        return "the description of its arguments is too long"
    return None


def render_result(blocks: Iterable[JsonObject], structured: object) -> str:
    """A result as text; what is no text is described in a line."""
    parts = [_render(block) for block in blocks]
    if not parts and structured is not None:
        parts = [json.dumps(structured, ensure_ascii=False)]
    return "\n".join(parts)


def _render(block: JsonObject) -> str:
    kind, resource = block.get("type"), block.get("resource")
    if kind == "text":
        return str(block.get("text", ""))
    if kind == "resource_link":
        return f"[a link: {block.get('name', '')} {block.get('uri', '')}]"
    if kind == "resource" and isinstance(resource, dict):
        if "text" in resource:
            return str(resource["text"])
        return _describe("file", resource.get("mimeType"), resource.get("blob"))
    return _describe(str(kind), block.get("mimeType"), block.get("data"))


def _describe(kind: str, media_type: object, data: object) -> str:
    size_bytes = len(data) * 3 // 4 if isinstance(data, str) else 0
    return f"[{kind}, {media_type or 'of an unknown type'}, {size_bytes:,} bytes, not shown]"
