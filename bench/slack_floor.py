"""The least that taking an event in can cost: the same web server, the signature check over the raw body, and a 200.

python -m bench.slack_floor --secret S
"""

import argparse
import sys
import time

import uvicorn
import uvloop
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from adapters.slack.signature import is_genuine


def build_floor(secret: str) -> Starlette:
    """The application."""

    async def take(request: Request) -> Response:
        timestamp = request.headers.get("x-slack-request-timestamp", "")
        signature = request.headers.get("x-slack-signature", "")
        is_good = is_genuine(secret, timestamp, signature, await request.body(), time.time())
        return Response(status_code=200 if is_good else 401)

    return Starlette(routes=[Route("/slack/events", take, methods=["POST"])])


async def serve(secret: str) -> None:
    """Prints the URL and serves until ended."""
    config = uvicorn.Config(build_floor(secret), port=0, lifespan="off", log_level="error", access_log=False)
    sock = config.bind_socket()
    sock.listen(1024)
    print(f"http://127.0.0.1:{sock.getsockname()[1]}", flush=True)
    await uvicorn.Server(config).serve(sockets=[sock])


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="bench.slack_floor")
    parser.add_argument("--secret", required=True)
    uvloop.run(serve(parser.parse_args(sys.argv[1:]).secret))


if __name__ == "__main__":
    main()
