"""A stand-in for the model's vendor: answers slowly, counts its calls, refuses and breaks off by the seed's will."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from gateway.demo.checks import parse_request
from gateway.demo.endpoint import HttpAsk, HttpReply, error_reply, json_reply, stream_reply
from gateway.demo.wire import (
    WireError,
    WireReply,
    WireRequest,
    render_block,
    render_end,
    render_event,
    render_start,
    text_block,
)
from tests.chaos.speech import answer_to, draw, find_tokens

PIECES = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFaults:
    """How often, of 1, a call ends badly, and how long an answer takes at most."""

    busy: float = 0.02
    overloaded: float = 0.02
    broken: float = 0.01
    cut: float = 0.03
    slowest_s: float = 1.0


@dataclass(slots=True, kw_only=True)
class StandInModel:
    """`calls` counts by the questions of a call, `refusals` by status; 0 is a stream that was cut."""

    seed: int
    faults: ModelFaults = field(default_factory=ModelFaults)
    calls: Counter[str] = field(default_factory=Counter)
    refusals: Counter[int] = field(default_factory=Counter)

    async def respond(self, ask: HttpAsk) -> HttpReply:
        """One exchange."""
        if ask.method == "GET":
            return json_reply({"type": "model", "id": "chaos-model", "display_name": "", "max_input_tokens": 200_000})
        request = parse_request(ask.json())
        tokens = find_tokens(" ".join(str(block.get("text", "")) for block in request.messages[-1][1]))
        name = " ".join(tokens)
        self.calls[name] += 1
        chance = draw(self.seed, "model", name, self.calls[name])
        faults, die = self.faults, chance.random()
        for status, kind, share in (
            (429, "rate_limit_error", faults.busy),
            (529, "overloaded_error", faults.overloaded),
            (500, "api_error", faults.broken),
        ):
            die -= share
            if die < 0:
                self.refusals[status] += 1
                return error_reply(WireError(status, kind, "not now", headers={"retry-after-ms": "200"}))
        is_cut = chance.random() < faults.cut
        self.refusals[0] += is_cut
        reply = WireReply(content=(text_block(answer_to(tokens)),))
        return stream_reply(_stream(request, reply, chance.uniform(0.05, faults.slowest_s), is_cut=is_cut))


async def _stream(request: WireRequest, reply: WireReply, lasts_s: float, *, is_cut: bool) -> AsyncIterator[bytes]:
    yield render_event(render_start(request, reply))
    text = str(reply.content[0]["text"])
    size = -(-len(text) // PIECES)
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    for number, event in enumerate(render_block(0, reply.content[0], pieces)):
        await asyncio.sleep(lasts_s / (len(pieces) + 2))
        if is_cut and number == PIECES // 2:
            raise ConnectionResetError("cut by the suite")
        yield render_event(event)
    for event in render_end(reply):
        yield render_event(event)
