"""A stand-in for the vendor's server, for measuring the gateway: it answers at once and costs next to nothing.

    python -m bench.model_server --port 0 --deltas 20 --delta-bytes 12 --delay-ms 5

prints its base URL and serves until it is ended. Every answer is the same: `deltas` pieces of `delta_bytes` bytes, with
`delay_ms` before each. The events are made once; a request costs a search for its length and a few writes. It checks
nothing: what the vendor would refuse is found by the tests, not here.
"""

import argparse
import asyncio
import contextlib
import json
import sys
from dataclasses import dataclass
from typing import cast

import uvloop

from agent.records import JsonObject
from gateway.demo.wire import (
    WireReply,
    WireRequest,
    WireUsage,
    render_block,
    render_end,
    render_event,
    render_message,
    render_start,
    text_block,
)

MODEL = "bench-model"
USAGE = WireUsage(input_tokens=1_000, output_tokens=100, cache_read_tokens=5_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """The bytes of every answer, made once. `events` are sent one by one."""

    events: tuple[bytes, ...]
    message: bytes
    facts: bytes
    model: bytes
    delay_s: float


def build_answers(*, deltas: int, delta_bytes: int, delay_s: float) -> Answers:
    """Answers of `deltas` pieces of text with `delta_bytes` bytes each."""
    pieces = [("word " * delta_bytes)[:delta_bytes] for _ in range(deltas)]
    reply = WireReply(content=(text_block("".join(pieces)),), usage=USAGE, message_id="msg_bench")
    no_facts = WireReply(content=(text_block('{"operations": []}'),), usage=USAGE, message_id="msg_bench")
    request = _request()
    events = [render_start(request, reply), *render_block(0, dict(reply.content[0]), pieces), *render_end(reply)]
    return Answers(
        events=tuple(_chunk(render_event(event)) for event in events),
        message=_whole(render_message(request, reply)),
        facts=_whole(render_message(request, no_facts)),
        model=_whole({"type": "model", "id": MODEL, "display_name": MODEL, "max_input_tokens": 1_000_000}),
        delay_s=delay_s,
    )


def _request() -> WireRequest:
    return WireRequest(model=MODEL, max_tokens=1, system=(), tools=(), messages=(), is_stream=True, schema=None, raw={})


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def _whole(body: JsonObject) -> bytes:
    data = json.dumps(body).encode()
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(data)}\r\n\r\n"
    return head.encode() + data


STREAM_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
STREAM_END = b"0\r\n\r\n"


class Connection(asyncio.Protocol):
    """One client's connection, kept alive from request to request."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop, whose transports have nothing in common but their methods."""
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the loop; what was still to be sent is dropped."""
        self._transport = None
        if self._timer is not None:
            self._timer.cancel()

    def data_received(self, data: bytes) -> None:
        """Called by the loop."""
        self._received += data
        head, separator, rest = self._received.partition(b"\r\n\r\n")
        if not separator:
            return
        length = _content_length(head)
        if len(rest) >= length:
            self._received = rest[length:]
            self._answer(head, rest[:length])

    def _answer(self, head: bytes, body: bytes) -> None:
        if head.startswith(b"GET"):
            self._write(self._answers.model)
        elif b'"output_config"' in body:
            self._write(self._answers.facts)
        elif b'"stream":true' in body or b'"stream": true' in body:
            self._write(STREAM_HEAD)
            self._send_from(0)
        else:
            self._write(self._answers.message)

    def _send_from(self, index: int) -> None:
        events, delay_s = self._answers.events, self._answers.delay_s
        for at in range(index, len(events)):
            self._write(events[at])
            if delay_s and at + 1 < len(events):
                self._timer = self._loop.call_later(delay_s, self._send_from, at + 1)
                return
        self._write(STREAM_END)

    def _write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)


def _content_length(head: bytes) -> int:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            return int(value)
    return 0


async def start_model_server(answers: Answers, port: int = 0) -> tuple[asyncio.Server, str]:
    """A server on 127.0.0.1 and its base URL."""
    server = await asyncio.get_running_loop().create_server(lambda: Connection(answers), "127.0.0.1", port)
    return server, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def serve(answers: Answers, port: int) -> None:
    """Prints the URL and serves until cancelled."""
    server, url = await start_model_server(answers, port)
    print(url, flush=True)
    async with server:
        await server.serve_forever()


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="bench.model_server", description="A stand-in for the vendor's server.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--deltas", type=int, default=20)
    parser.add_argument("--delta-bytes", type=int, default=12)
    parser.add_argument("--delay-ms", type=float, default=0.0)
    given = parser.parse_args(sys.argv[1:])
    answers = build_answers(deltas=given.deltas, delta_bytes=given.delta_bytes, delay_s=given.delay_ms / 1000)
    with contextlib.suppress(KeyboardInterrupt):
        uvloop.run(serve(answers, given.port))


if __name__ == "__main__":
    main()
