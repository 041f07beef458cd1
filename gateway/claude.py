"""Claude through the `anthropic` SDK: the one file that imports it, and the one that is slow to import.

The SDK does the connection, the key, the headers and the retries before the first byte; the stream's events are read
raw and put together by `gateway.message_stream`, since building the SDK's own objects costs twice the whole call.
"""

from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import anthropic
import httpx2
from anthropic import AsyncStream

from agent.errors import ModelUnavailableError
from agent.ports import ModelReply, ModelRequest
from agent.pricing import Prices, bill, find_price
from agent.records import JsonObject, JsonValue, Usage
from gateway.message_stream import MessageStream, StreamedError
from gateway.messages_api import BadMessageError, WireMessage, parse_json, parse_message, render_request, text_of
from gateway.model_faults import fault_of_event, fault_of_status, find_retry_after

VENDOR_URL = "https://api.anthropic.com"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallLimits:
    """How long a call may take, and how often it is tried before its first byte.

    `silence_s` is the longest wait between two pieces of an answer. A server that asks for more than `patience_s`
    before the next try is not waited for: the call fails, and the task is tried again later.
    """

    connect_s: float = 5.0
    silence_s: float = 60.0
    max_retries: int = 2
    patience_s: float = 10.0


DEFAULT_LIMITS = CallLimits()


def build_claude(
    *,
    api_key: str,
    prices: Prices,
    base_url: str = VENDOR_URL,
    transport: httpx2.AsyncBaseTransport | None = None,
    limits: CallLimits = DEFAULT_LIMITS,
) -> "ClaudeModel":
    """A model behind `base_url`, or behind `transport` where one is given. The caller closes it with `aclose`."""

    async def refuse_long_waits(response: httpx2.Response) -> None:
        if (find_retry_after(response.headers) or 0.0) > limits.patience_s:
            response.headers["x-should-retry"] = "false"

    timeout = httpx2.Timeout(limits.silence_s, connect=limits.connect_s)
    http_client = anthropic.DefaultAioHttpClient(
        transport=transport, timeout=timeout, event_hooks={"response": [refuse_long_waits]}
    )
    client = anthropic.AsyncAnthropic(
        api_key=api_key,
        base_url=base_url,
        timeout=timeout,
        max_retries=limits.max_retries,
        http_client=http_client,
    )
    return ClaudeModel(client, prices)


class ClaudeModel:
    """`agent.ports.Model` over the Messages API."""

    def __init__(self, client: anthropic.AsyncAnthropic, prices: Prices) -> None:
        self._client = client
        self._prices = prices

    async def stream(self, request: ModelRequest) -> AsyncGenerator[str | ModelReply]:
        """Pieces of text, then the reply. Closing the generator, or cancelling its reader, closes the connection."""
        message = MessageStream()
        with _typed_errors(self._client.api_key or ""):
            body = cast("dict[str, Any]", render_request(request))
            async with self._client.messages.with_streaming_response.create(**body, stream=True) as response:
                async for event in AsyncStream.raw_events(response.http_response):
                    if event.data and (text := message.add(event.data)):
                        yield text
            finished = message.finish()
        yield self._reply(request, finished)

    async def complete_json(self, request: ModelRequest, schema: JsonObject) -> tuple[JsonValue, Usage]:
        """One call in one piece; none when what came back was not JSON, as when the answer was cut short."""
        with _typed_errors(self._client.api_key or ""):
            body = cast("dict[str, Any]", render_request(request))
            body["output_config"] = {"format": {"type": "json_schema", "schema": schema}}
            response = await self._client.messages.with_raw_response.create(**body)
            message = parse_message(parse_json(response.http_response.text))
        reply = self._reply(request, message)
        try:
            return parse_json(text_of(message.content)), reply.usage
        except BadMessageError:
            return None, reply.usage

    async def max_input_tokens(self, model: str) -> int | None:
        """The model's context window; none where the server does not say."""
        try:
            return (await self._client.models.retrieve(model)).max_input_tokens
        except anthropic.AnthropicError:
            return None

    async def count_tokens(self, request: ModelRequest) -> int | None:
        """The exact tokens of a request's prompt; none where the server does not say."""
        body = cast("dict[str, Any]", render_request(request))
        del body["max_tokens"]
        try:
            return (await self._client.messages.count_tokens(**body)).input_tokens
        except anthropic.AnthropicError:
            return None

    async def aclose(self) -> None:
        """Closes every connection. Calls that are still on fail."""
        await self._client.close()

    def _reply(self, request: ModelRequest, message: WireMessage) -> ModelReply:
        model = message.model or request.model
        return ModelReply(
            content=message.content,
            stop_reason=message.stop_reason,
            usage=bill(find_price(self._prices, model), message.tokens),
            model=model,
        )


@contextmanager
def _typed_errors(key: str) -> Iterator[None]:
    """Every fault of a call as a `ModelError`. Their text may be logged: it has neither the key nor the prompt."""
    try:
        yield
    except anthropic.APIStatusError as error:
        raise fault_of_status(
            error.status_code,
            error.type or "",
            _without(key, error.api_message or ""),
            error.response.headers,
            error.request_id or "",
        ) from None
    except anthropic.AnthropicError as error:
        raise _fault_before_answer(error) from error
    except StreamedError as error:
        raise fault_of_event(error.kind, _without(key, error.message)) from None
    except (httpx2.HTTPError, httpx2.StreamError) as error:
        raise ModelUnavailableError(f"the stream broke: {type(error).__name__}") from error
    except (BadMessageError, UnicodeDecodeError) as error:
        raise ModelUnavailableError(f"not the Messages API: {type(error).__name__}") from error


def _fault_before_answer(error: anthropic.AnthropicError) -> ModelUnavailableError:
    """Nothing came back. Who was reached may have worked, and bills it."""
    is_late = isinstance(error, anthropic.APITimeoutError)
    text = "time-out before the first byte" if is_late else f"{type(error).__name__} ({type(error.__cause__).__name__})"
    fault = ModelUnavailableError(text)
    fault.is_unbilled = isinstance(error.__cause__, httpx2.ConnectError | httpx2.ConnectTimeout)
    return fault


def _without(key: str, message: str) -> str:
    return message.replace(key, "…") if key else message
