"""What the core asks of the outside: a model to call. Implemented in `gateway`."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

from agent.records import JsonObject, JsonValue, Turn, Usage

CacheFor = Literal["5m", "1h"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A block of text. `cache_for` puts a cache breakpoint after it."""

    text: str
    cache_for: CacheFor | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolResult:
    """What a tool gave back for the call `call_id`."""

    call_id: str
    text: str
    is_error: bool = False
    cache_for: CacheFor | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verbatim:
    """A block that the model wrote earlier, given back to it unread, in the Messages API's JSON form."""

    content: JsonObject


Block: TypeAlias = Text | ToolResult | Verbatim


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelMessage:
    """One message of a request. Neighbours may have the same role; the model reads them as one."""

    role: Literal["user", "assistant"]
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolSpec:
    """A tool as the model sees it. `input_schema` is a JSON schema of type object."""

    name: str
    description: str
    input_schema: JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRequest:
    """One call of the model: the stable part first (tools, system), then the thread."""

    model: str
    max_tokens: int
    system: tuple[Text, ...]
    tools: tuple[ToolSpec, ...]
    messages: tuple[ModelMessage, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelReply:
    """A finished call. `content` is in the Messages API's JSON form; `stop_reason` is the vendor's word."""

    content: tuple[JsonObject, ...]
    stop_reason: str
    usage: Usage
    model: str


class Journal(Protocol):
    """Keeps the turns of a run that uses tools as they happen, so that another attempt goes on where this one ended."""

    async def record_calls(self, n: int, turn: Turn) -> None:
        """Turn `n` (from 0) asked for tools, none of which has run yet. Returns once that is safe."""
        ...

    async def record_results(self, n: int, turn: Turn) -> None:
        """The tools of turn `n` have run."""
        ...


class Model(Protocol):
    """A language model behind the Messages API."""

    def stream(self, request: ModelRequest) -> AsyncGenerator[str | ModelReply, None]:
        """Pieces of text as they come, then exactly one `ModelReply`, which is the last item.

        Raises `ModelError` in one of its kinds. Closing the iterator ends the call.
        """
        ...

    async def complete_json(self, request: ModelRequest, schema: JsonObject) -> tuple[JsonValue, Usage]:
        """One call whose answer should be JSON of `schema`; none when what came back was not JSON.

        Raises `ModelError`.
        """
        ...


class Embedder(Protocol):
    """Turns texts into vectors; texts that mean alike point alike."""

    async def embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]] | None:
        """One vector per text, all of one length; none where that cannot be done now."""
        ...
