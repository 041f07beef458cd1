"""Every way in which a model call can fail, through the real SDK, and what the gateway makes of it."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from agent.errors import ContextWindowExceededError, ModelError, ModelRefusedRequestError, ModelUnavailableError
from agent.pricing import build_prices
from gateway.claude import CallLimits, build_claude
from gateway.demo.endpoint import HttpAsk, HttpReply, json_reply, stream_reply
from gateway.demo.transport import InProcessTransport
from tests.support.model_calls import ask, call, scripted
from tests.support.model_socket import serve_model
from tests.support.model_steps import breaks, fails, hangs, is_cut_off, says
from tests.support.scripted_model import QUICK, ScriptedModel

TOO_LONG = "prompt is too long: 210000 tokens > 200000 maximum"
NO_ROOM = "input length and `max_tokens` exceed context limit: 182831 + 64000 > 200000, decrease input length"

STATUSES: list[tuple[int, str, str, type[ModelError]]] = [
    (400, "invalid_request_error", "messages.0: nonsense", ModelRefusedRequestError),
    (400, "invalid_request_error", TOO_LONG, ContextWindowExceededError),
    (400, "invalid_request_error", NO_ROOM, ContextWindowExceededError),
    (400, "invalid_request_error", "Your credit balance is too low to access the API.", ModelUnavailableError),
    (401, "authentication_error", "invalid bearer token", ModelUnavailableError),
    (402, "billing_error", "no payment method", ModelUnavailableError),
    (403, "permission_error", "not allowed", ModelUnavailableError),
    (404, "not_found_error", "model: claude-nonsense-9", ModelRefusedRequestError),
    (408, "timeout_error", "too slow", ModelUnavailableError),
    (409, "conflict_error", "busy", ModelUnavailableError),
    (413, "request_too_large", "Request exceeds the maximum size", ContextWindowExceededError),
    (422, "invalid_request_error", "nonsense", ModelRefusedRequestError),
    (429, "rate_limit_error", "slow down", ModelUnavailableError),
    (500, "api_error", "oops", ModelUnavailableError),
    (502, "api_error", "bad gateway", ModelUnavailableError),
    (503, "api_error", "away", ModelUnavailableError),
    (504, "timeout_error", "too slow", ModelUnavailableError),
    (529, "overloaded_error", "Overloaded", ModelUnavailableError),
]


@pytest.mark.parametrize(("status", "kind", "message", "expected"), STATUSES)
async def test_every_error_status_becomes_a_typed_error(
    status: int, kind: str, message: str, expected: type[ModelError]
) -> None:
    """Whether a task waits, is given up or is tried with a shorter thread hangs on this table. Proves: AG-1."""
    async with scripted(fails(status, kind, message), fails(status, kind, message)) as (_, claude):
        with pytest.raises(ModelError) as streamed:
            await call(claude, ask())
        with pytest.raises(ModelError) as whole:
            await claude.complete_json(ask(), {"type": "object", "additionalProperties": False})
    for caught in (streamed, whole):
        assert type(caught.value) is expected
        assert str(status) in str(caught.value)


EVENTS: list[tuple[str, str, type[ModelError]]] = [
    ("overloaded_error", "Overloaded", ModelUnavailableError),
    ("api_error", "oops", ModelUnavailableError),
    ("timeout_error", "too slow", ModelUnavailableError),
    ("rate_limit_error", "slow down", ModelUnavailableError),
    ("invalid_request_error", "nonsense", ModelRefusedRequestError),
    ("invalid_request_error", TOO_LONG, ContextWindowExceededError),
    ("error_of_tomorrow", "?", ModelUnavailableError),
]


@pytest.mark.parametrize(("kind", "message", "expected"), EVENTS)
async def test_an_error_in_mid_stream_becomes_a_typed_error(
    kind: str, message: str, expected: type[ModelError]
) -> None:
    """The vendor answers 200 and fails later; the text that came by then is no answer."""
    async with scripted(breaks("half an ", kind=kind, message=message)) as (_, claude):
        with pytest.raises(ModelError) as caught:
            await call(claude, ask())
    assert type(caught.value) is expected


async def test_a_stream_without_its_end_is_no_answer() -> None:
    """A broken connection must not turn half an answer into a whole one."""
    async with scripted(is_cut_off("half an ")) as (_, claude):
        with pytest.raises(ModelUnavailableError):
            await call(claude, ask())


@pytest.mark.parametrize("retry_after", ["7", "7.0", "7000ms", "date"])
async def test_the_wait_that_the_server_asks_for_is_passed_on(retry_after: str) -> None:
    """The dispatcher sets the next try by it."""
    headers = {"retry-after-ms": "7000"} if retry_after == "7000ms" else {"retry-after": retry_after}
    if retry_after == "date":
        headers = {"retry-after": "Fri, 31 Dec 2099 23:59:59 GMT"}

    async def respond(_: HttpAsk) -> HttpReply:
        return json_reply({"type": "error", "error": {"type": "rate_limit_error", "message": "x"}}, 429, headers)

    claude = build_claude(api_key="k", prices=build_prices({}), transport=InProcessTransport(respond), limits=QUICK)
    with pytest.raises(ModelUnavailableError) as caught:
        await call(claude, ask())
    assert caught.value.is_unbilled
    assert caught.value.retry_after_s == (3600.0 if retry_after == "date" else 7.0)
    await claude.aclose()


@pytest.mark.parametrize("nonsense", ["soon", "nan", "-5", ""])
async def test_a_wait_that_makes_no_sense_is_not_believed(nonsense: str) -> None:
    """A server's header must not put a task off for ever, nor crash the call."""
    step = fails(529, "overloaded_error")
    assert step.error is not None
    step.error.headers["retry-after"] = nonsense
    async with scripted(step) as (_, claude):
        with pytest.raises(ModelUnavailableError) as caught:
            await call(claude, ask())
    assert caught.value.retry_after_s in (None, 0.0)


async def test_a_busy_server_is_asked_again_before_the_first_byte() -> None:
    """A short overload is nobody's business but ours."""
    limits = CallLimits(max_retries=2)
    busy = fails(529, "overloaded_error", retry_after_s=0.001)
    async with scripted(busy, busy, says("at last"), limits=limits) as (model, claude):
        text, _ = await call(claude, ask())
    assert text == "at last"
    assert len(model.requests) == 3


async def test_nothing_is_asked_again_in_mid_stream() -> None:
    """People have read half of it; the task's own retry starts the answer anew and says so."""
    limits = CallLimits(max_retries=2)
    async with scripted(breaks("half "), limits=limits) as (model, claude):
        with pytest.raises(ModelUnavailableError):
            await call(claude, ask())
    assert len(model.requests) == 1


async def test_a_server_that_asks_for_a_long_wait_is_not_waited_for() -> None:
    """A call that sleeps an hour would hold a slot and a lease for an hour; the task's own retry holds nothing."""
    limits = CallLimits(max_retries=2, patience_s=10)
    async with scripted(fails(429, "rate_limit_error", retry_after_s=1800), limits=limits) as (model, claude):
        with pytest.raises(ModelUnavailableError) as caught:
            await call(claude, ask())
    assert caught.value.retry_after_s == 1800
    assert len(model.requests) == 1


async def test_a_server_that_falls_silent_is_given_up() -> None:
    """A stream without a byte for a minute is dead, whatever the socket says."""
    limits = CallLimits(silence_s=0.05, max_retries=0)
    model = ScriptedModel()
    model.add(hangs(asyncio.Event(), says("never")))
    async with asyncio.timeout(5), serve_model(model.respond) as url:
        claude = build_claude(api_key="k", prices=build_prices({}), base_url=url, limits=limits)
        with pytest.raises(ModelUnavailableError):
            await call(claude, ask())
        await claude.aclose()


async def test_a_stream_that_falls_silent_is_given_up() -> None:
    """The same in mid-stream, where the SDK does not look any more."""

    async def one_event() -> AsyncIterator[bytes]:
        yield b'event: ping\ndata: {"type": "ping"}\n\n'
        await asyncio.Event().wait()

    async def respond(_: HttpAsk) -> HttpReply:
        return stream_reply(one_event())

    async with asyncio.timeout(5), serve_model(respond) as url:
        claude = build_claude(
            api_key="k", prices=build_prices({}), base_url=url, limits=CallLimits(silence_s=0.05, max_retries=0)
        )
        with pytest.raises(ModelUnavailableError):
            await call(claude, ask())
        await claude.aclose()


async def test_a_server_that_is_not_there_is_unavailable() -> None:
    """Nobody listens: the task waits, and is not lost."""
    async with serve_model(ScriptedModel().respond) as url:
        pass
    claude = build_claude(api_key="k", prices=build_prices({}), base_url=url, limits=QUICK)
    with pytest.raises(ModelUnavailableError) as caught:
        await call(claude, ask())
    await claude.aclose()
    assert caught.value.is_unbilled, "nobody has read it"


async def test_a_server_that_hangs_up_in_mid_stream_is_unavailable() -> None:
    """A load balancer's restart looks like this."""

    async def torn() -> AsyncIterator[bytes]:
        yield b'event: message_start\ndata: {"type": "message_start", "message": {"model": "m"}}\n\n'
        raise ConnectionResetError

    async def respond(_: HttpAsk) -> HttpReply:
        return stream_reply(torn())

    async with asyncio.timeout(5), serve_model(respond) as url:
        claude = build_claude(api_key="k", prices=build_prices({}), base_url=url, limits=QUICK)
        with pytest.raises(ModelUnavailableError) as caught:
            await call(claude, ask())
        await claude.aclose()
    assert not caught.value.is_unbilled, "it has begun"


@pytest.mark.parametrize(
    "body",
    [
        b"<html>Sign in to the guest network</html>",
        b"event: message_start\ndata: {nonsense\n\n",
        b"event: message_start\ndata: [1]\n\n",
        b'event: x\ndata: {"type": "content_block_delta", "index": 7, "delta": {"type": "text_delta"}}\n\n',
        b'event: x\ndata: {"type": "message_start"}\n\n',
        b"event: x\ndata: \xff\xfe\n\n",
        b"",
    ],
)
async def test_what_is_not_the_messages_api_is_unavailable(body: bytes) -> None:
    """A proxy's page with status 200 must not become an answer, nor an unforeseen exception."""

    async def once() -> AsyncIterator[bytes]:
        yield body

    async def respond(ask: HttpAsk) -> HttpReply:
        return stream_reply(once())

    claude = build_claude(api_key="k", prices=build_prices({}), transport=InProcessTransport(respond), limits=QUICK)
    with pytest.raises(ModelUnavailableError):
        await call(claude, ask())
    with pytest.raises(ModelUnavailableError):
        await claude.complete_json(ask(), {"type": "object", "additionalProperties": False})
    await claude.aclose()


async def test_an_error_shows_neither_the_key_nor_the_prompt() -> None:
    """Errors are logged, and logs are read by people who may read neither."""
    secret = "my diary says that I am afraid of geese"
    echo = f'messages.0.content.0.text: Input should not be "{secret}" (key test-key)'
    async with scripted(fails(400, "invalid_request_error", echo), breaks("x", message=echo)) as (_, claude):
        for _ in range(2):
            with pytest.raises(ModelError) as caught:
                await call(claude, ask(secret))
            assert "geese" not in str(caught.value)
            assert "test-key" not in str(caught.value)
            assert "geese" not in caught.value.sentence
