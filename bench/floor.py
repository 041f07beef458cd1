"""The least that a turn can cost: one websocket message, two commits, one streamed call through the bare SDK.

    python -m bench.floor --dsn URL --model-url URL

The same web server, driver and SDK path as the gateway's, and nothing else: no identity, order, log, history or fence.
"""

import argparse
import asyncio
import json
import sys

import anthropic
import asyncpg
import uvicorn
from anthropic import AsyncStream
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from gateway.websocket_protocol import ParleyWebSocketProtocol

TABLE = "CREATE TABLE IF NOT EXISTS floor (id bigint GENERATED ALWAYS AS IDENTITY, session text, text text)"
INSERT = "INSERT INTO floor (session, text) VALUES ($1, $2)"


async def call_model(client: anthropic.AsyncAnthropic, text: str) -> str:
    """One streamed call; the text of its answer."""
    async with client.messages.with_streaming_response.create(
        model="bench-model", max_tokens=1000, messages=[{"role": "user", "content": text}], stream=True
    ) as response:
        events = AsyncStream.raw_events(response.http_response)
        pieces = [json.loads(e.data)["delta"]["text"] async for e in events if e.event == "content_block_delta"]
    return "".join(pieces)


def build_floor(pool: "asyncpg.Pool[asyncpg.Record]", client: anthropic.AsyncAnthropic) -> Starlette:
    """The application: an answer to every message."""

    async def talk(websocket: WebSocket) -> None:
        await websocket.accept()
        try:
            while True:
                text = await websocket.receive_text()
                await pool.execute(INSERT, "s", text)
                answer = await call_model(client, text)
                await pool.execute(INSERT, "s", answer)
                await websocket.send_text(answer)
        except WebSocketDisconnect:
            return

    return Starlette(routes=[WebSocketRoute("/", talk)])


async def serve(dsn: str, model_url: str) -> None:
    """Prints the URL and serves until ended."""

    async def keep(_: object) -> None:
        """Nothing to reset, as in the gateway."""

    async with asyncpg.create_pool(dsn, min_size=2, max_size=10, reset=keep) as pool:
        await pool.execute(TABLE)
        client = anthropic.AsyncAnthropic(
            api_key="bench-key", base_url=model_url, http_client=anthropic.DefaultAioHttpClient()
        )
        config = uvicorn.Config(
            build_floor(pool, client),
            port=0,
            loop="uvloop",
            ws=ParleyWebSocketProtocol,
            ws_per_message_deflate=False,
            lifespan="off",
            log_level="error",
        )
        sock = config.bind_socket()
        sock.listen(1024)
        print(f"ws://127.0.0.1:{sock.getsockname()[1]}/", flush=True)
        await uvicorn.Server(config).serve(sockets=[sock])


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="bench.floor")
    parser.add_argument("--dsn", required=True)
    parser.add_argument("--model-url", required=True)
    given = parser.parse_args(sys.argv[1:])
    with asyncio.Runner(loop_factory=uvicorn.Config("", loop="uvloop").get_loop_factory()) as runner:
        runner.run(serve(given.dsn, given.model_url))


if __name__ == "__main__":
    main()
