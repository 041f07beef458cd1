"""The built-in model behind the Messages API: checks a request, asks the rules, paces the answer."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import TypeAlias

from agent.pricing import DEMO_MODEL
from agent.records import JsonObject
from gateway.demo.cache import PromptCache, count_prompt
from gateway.demo.checks import check_headers, parse_request
from gateway.demo.endpoint import HttpAsk, HttpReply, error_reply, json_reply, stream_reply
from gateway.demo.rules import answer
from gateway.demo.transport import InProcessTransport
from gateway.demo.wire import (
    WireError,
    WireReply,
    WireRequest,
    estimate_tokens,
    render_block,
    render_end,
    render_event,
    render_message,
    render_start,
)

WINDOW_TOKENS = 200_000
OUTPUT_TOKENS = 64_000
WORDS_PER_S = 40.0
Pause: TypeAlias = Callable[[float], Awaitable[None]]
_WORDS = re.compile(r"\s*\S+\s*$|\s*\S+")


def build_demo_transport(words_per_s: float = WORDS_PER_S) -> InProcessTransport:
    """What `build_claude(transport=…)` takes to talk to the demo model. 0 words a second is at once, for tests."""
    return InProcessTransport(DemoModel(words_per_s=words_per_s).respond)


class DemoModel:
    """A stand-in for the vendor's server, with rules in the place of a model."""

    def __init__(
        self, *, words_per_s: float = 0, window_tokens: int = WINDOW_TOKENS, pause: Pause = asyncio.sleep
    ) -> None:
        self._pause_s = 1 / words_per_s if words_per_s > 0 else 0.0
        self._window_tokens = window_tokens
        self._pause = pause
        self._cache = PromptCache()

    async def respond(self, ask: HttpAsk) -> HttpReply:
        """One exchange. What the vendor would refuse gets the vendor's error."""
        try:
            return self._route(ask)
        except WireError as error:
            return error_reply(error)

    def _route(self, ask: HttpAsk) -> HttpReply:
        check_headers(ask.headers)
        if ask.method == "GET" and ask.path.startswith("/v1/models/"):
            return json_reply(self._describe(ask.path.removeprefix("/v1/models/")))
        if ask.method == "POST" and ask.path == "/v1/messages/count_tokens":
            return json_reply({"input_tokens": count_prompt(_parse_count(ask))})
        if ask.method == "POST" and ask.path == "/v1/messages":
            return self._answer(parse_request(ask.json()))
        raise WireError(404, "not_found_error", f"no such resource: {ask.path}")

    def _answer(self, request: WireRequest) -> HttpReply:
        size = count_prompt(request)
        if size > self._window_tokens:
            message = f"prompt is too long: {size} tokens > {self._window_tokens} maximum"
            raise WireError(400, "invalid_request_error", message)
        reply = fit(answer(request), request.max_tokens)
        tokens = sum(estimate_tokens(block) for block in reply.content)
        reply = replace(reply, usage=self._cache.account(request, tokens))
        if request.is_stream:
            return stream_reply(self._stream(request, reply))
        return json_reply(render_message(request, reply))

    async def _stream(self, request: WireRequest, reply: WireReply) -> AsyncIterator[bytes]:
        yield render_event(render_start(request, reply))
        for index, block in enumerate(reply.content):
            words = split_words(str(block["text"])) if block.get("type") == "text" else None
            for event in render_block(index, block, words):
                if self._pause_s and event["type"] == "content_block_delta":
                    await self._pause(self._pause_s)
                yield render_event(event)
        for event in render_end(reply):
            yield render_event(event)

    def _describe(self, model: str) -> JsonObject:
        return {
            "type": "model",
            "id": model,
            "display_name": "Parley's demo model" if model == DEMO_MODEL else model,
            "created_at": "2026-01-01T00:00:00Z",
            "lifecycle": "active",
            "max_input_tokens": self._window_tokens,
            "max_tokens": OUTPUT_TOKENS,
        }


def _parse_count(ask: HttpAsk) -> WireRequest:
    body = ask.json()
    return parse_request({**body, "max_tokens": 1} if isinstance(body, dict) else body)


def split_words(text: str) -> list[str]:
    """A text in pieces of one word each; joined they are the text."""
    return _WORDS.findall(text) or [text]


def fit(reply: WireReply, max_tokens: int) -> WireReply:
    """The reply, cut where `max_tokens` are used up, as the vendor cuts it."""
    left, kept = max_tokens, list[JsonObject]()
    for block in reply.content:
        size = estimate_tokens(block)
        if size <= left:
            kept.append(block)
            left -= size
            continue
        text = str(block["text"]).encode()[: 4 * left].decode(errors="ignore") if block["type"] == "text" else ""
        if text.strip():
            kept.append({"type": "text", "text": text})
        return replace(reply, content=tuple(kept), stop_reason="max_tokens")
    return reply
