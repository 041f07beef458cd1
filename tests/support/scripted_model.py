"""A model that does what a test says, behind the Messages API.

    model = ScriptedModel()
    model.add(says("Hello!"), when=last_text_has("hi"))
    model.add(calls(("calculate", {"expression": "17*23"})))
    async with model:                       # checks at the end that every step was used and nothing went wrong
        claude = build_scripted_claude(model)
        ...

Every request is checked as the vendor checks it and kept in `model.requests`. The steps are used in order; a request
that finds none, or one that does not suit it, is a failure that `assert_done` raises even where the caller took the
error for an outage. The prompt of a session may only grow: see `prompt_prefix`.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Self

from agent.pricing import build_prices
from agent.private_arguments import PRIVATE_ARGUMENTS
from agent.records import JsonObject, JsonValue
from agent.speech import MEMORY_HEAD
from gateway.claude import CallLimits, ClaudeModel, build_claude
from gateway.demo.cache import PromptCache, count_prompt
from gateway.demo.checks import check_headers, parse_request
from gateway.demo.endpoint import HttpAsk, HttpReply, error_reply, json_reply, stream_reply
from gateway.demo.transport import InProcessTransport
from gateway.demo.wire import (
    WireError,
    WireReply,
    WireRequest,
    estimate_tokens,
    render_block,
    render_end,
    render_error,
    render_event,
    render_message,
    render_start,
)
from gateway.messages_api import THINKING
from tests.support.model_steps import Predicate, Step, describe_step, first_label, last_text

QUICK = CallLimits(connect_s=2.0, silence_s=5.0, max_retries=0)


def prompt_prefix(request: WireRequest) -> tuple[JsonValue, ...]:
    """What the prompt cache goes by: tools, system and blocks in order, without breakpoints, without the memory block,
    which is never part of a later prompt, and without thinking and the private arguments of calls, which are given back
    within their own run only.
    """
    parts: list[JsonValue] = [["tool", _bare(tool)] for tool in request.tools]
    parts += [["system", _bare(block)] for block in request.system]
    parts += [[role, _bare(block)] for role, content in request.messages for block in content if _lasts(block)]
    return tuple(parts)


def _lasts(block: JsonObject) -> bool:
    return block["type"] not in THINKING and not str(block.get("text", "")).startswith(MEMORY_HEAD)


def _bare(block: JsonObject) -> JsonObject:
    bare = {key: value for key, value in block.items() if key != "cache_control"}
    private, arguments = PRIVATE_ARGUMENTS.get(str(block.get("name"))), block.get("input")
    if private and isinstance(arguments, dict):
        bare["input"] = {key: value for key, value in arguments.items() if key not in private}
    return bare


@dataclass(slots=True)
class ScriptedModel:
    """See the module. `session_of` tells the sessions apart; `checks_prefix` off allows every prompt to move.

    `held` is set when an answer is held back, `abandoned` when a caller gave one up before its end.
    """

    session_of: Callable[[WireRequest], str] = first_label
    checks_prefix: bool = True
    window_tokens: int = 200_000
    requests: list[WireRequest] = field(default_factory=list)
    asks: list[HttpAsk] = field(default_factory=list)
    held: asyncio.Event = field(default_factory=asyncio.Event)
    abandoned: asyncio.Event = field(default_factory=asyncio.Event)
    _steps: list[Step] = field(default_factory=list)
    _faults: list[str] = field(default_factory=list)
    _prefixes: dict[str, tuple[JsonValue, ...]] = field(default_factory=dict)
    _cache: PromptCache = field(default_factory=PromptCache)
    _last_stop: str = ""

    def add(self, *steps: Step, when: Predicate | None = None, may_move: bool = False) -> None:
        """Appends steps. `when` must hold for the request that gets them."""
        for step in steps:
            self._steps.append(replace(step, when=when or step.when, may_move=may_move or step.may_move))

    def assert_done(self) -> None:
        """Raises `AssertionError` for everything that went wrong and every step that nobody asked for."""
        faults = [*self._faults, *(f"a step was not used: {describe_step(step)}" for step in self._steps)]
        assert not faults, "\n".join(faults)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.assert_done()

    async def respond(self, ask: HttpAsk) -> HttpReply:
        """One exchange."""
        self.asks.append(ask)
        try:
            check_headers(ask.headers)
            if ask.method == "GET":
                return json_reply(_describe_model(ask.path.rpartition("/")[2], self.window_tokens))
            request = parse_request(ask.json(), may_end_with_assistant=self._last_stop == "pause_turn")
            if ask.path.endswith("/count_tokens"):
                return json_reply({"input_tokens": count_prompt(request)})
            step = self._next(request)
        except WireError as error:
            return error_reply(self._blame(error))
        return await self._play(request, step)

    def _blame(self, error: WireError) -> WireError:
        self._faults.append(f"a request was refused: {error}")
        return error

    def _next(self, request: WireRequest) -> Step:
        self.requests.append(request)
        if not self._steps:
            raise WireError(400, "invalid_request_error", f"unexpected call: {last_text(request)[:80]!r}")
        step = self._steps[0]
        if step.when is not None and not step.when(request):
            raise WireError(400, "invalid_request_error", f"the next step does not suit: {last_text(request)[:80]!r}")
        del self._steps[0]
        self._check_prefix(request, step)
        self._last_stop = step.stop_reason
        return step

    def _check_prefix(self, request: WireRequest, step: Step) -> None:
        session, now = self.session_of(request), prompt_prefix(request)
        before = self._prefixes.get(session, ())
        self._prefixes[session] = now
        if self.checks_prefix and not step.may_move and request.schema is None and now[: len(before)] != before:
            at = next((i for i, (a, b) in enumerate(zip(before, now, strict=False)) if a != b), len(now))
            raise WireError(400, "invalid_request_error", f"the prompt of {session} moved at block {at}")

    async def _play(self, request: WireRequest, step: Step) -> HttpReply:
        if step.hold is not None:
            await self._hold(step.hold)
        if step.error is not None and step.error.status >= 400:
            return error_reply(step.error)
        tokens = sum(estimate_tokens(block) for block in step.content)
        reply = WireReply(
            content=step.content,
            stop_reason=step.stop_reason,
            usage=self._cache.account(request, tokens),
            message_id=f"msg_{len(self.requests)}",
        )
        if not request.is_stream:
            return json_reply(render_message(request, reply))
        return stream_reply(self._stream(request, reply, step))

    async def _hold(self, until: asyncio.Event) -> None:
        self.held.set()
        try:
            await until.wait()
        except asyncio.CancelledError:
            self.abandoned.set()
            raise

    async def _stream(self, request: WireRequest, reply: WireReply, step: Step) -> AsyncIterator[bytes]:
        try:
            yield render_event(render_start(request, reply))
            async for event in _gated(reply, step):
                yield render_event(event)
        except (GeneratorExit, asyncio.CancelledError):
            self.abandoned.set()
            raise


async def _gated(reply: WireReply, step: Step) -> AsyncIterator[JsonObject]:
    for index, block in enumerate(reply.content):
        for event in render_block(index, block, step.pieces or None if block["type"] == "text" else None):
            if step.is_cut and event["type"] == "content_block_stop":
                return
            if step.gate is not None and event["type"] == "content_block_delta":
                await step.gate.wait()
            yield event
        if step.error is not None:
            yield render_error(step.error)
            return
    for event in render_end(reply):
        yield event


def _describe_model(model: str, window_tokens: int) -> JsonObject:
    return {
        "type": "model",
        "id": model,
        "display_name": model,
        "created_at": "2026-01-01T00:00:00Z",
        "lifecycle": "active",
        "max_input_tokens": window_tokens,
        "max_tokens": 64_000,
    }


def build_scripted_claude(model: ScriptedModel, limits: CallLimits = QUICK) -> ClaudeModel:
    """The real SDK with the scripted model at its other end. The caller closes it."""
    transport = InProcessTransport(model.respond)
    return build_claude(api_key="test-key", prices=build_prices({}), transport=transport, limits=limits)
