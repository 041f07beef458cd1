"""`parley serve` with the fake platform's channel: `python -m tests.chaos.launcher serve --port 0`.

Everything else is the program as it is, but for one time: a post whose process died is tried again after nine seconds
instead of thirty, since a call of this platform's poster takes two seconds at most instead of ten. `PARLEY_CHAOS_BREAK`
breaks one promise on purpose (see `variants`). The process ends with the one that started it.
"""

import ctypes
import os
import signal
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import gateway.outbox
import gateway.serve
import memory.outbox
from gateway.cli import run
from gateway.compose import Gateway, open_gateway
from tests.chaos.clock import install_clock
from tests.chaos.poster import CHANNEL, PlatformPoster, build_intake
from tests.chaos.variants import BREAK, VARIANTS

PLATFORM_URL = "PARLEY_CHAOS_PLATFORM_URL"
VISIBLE_AGAIN_S = 9.0
_PR_SET_PDEATHSIG = 1


@asynccontextmanager
async def open_with_platform(*arguments: Any, **options: Any) -> AsyncGenerator[Gateway, None]:
    """The gateway with one channel more."""
    poster = PlatformPoster(os.environ[PLATFORM_URL])
    try:
        async with open_gateway(*arguments, posters={CHANNEL: poster}, **options) as opened:
            opened.app.router.routes.insert(0, build_intake(opened.service))
            print(f"  worker    {opened.service._tasks.worker_id}", flush=True)  # noqa: T201  the suite reads it
            yield opened
    finally:
        await poster.close()


def main() -> int:
    """The command."""
    install_clock()
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    for module in list(sys.modules.values()):
        if getattr(module, "open_gateway", None) is open_gateway and module.__name__.startswith("gateway."):
            module.open_gateway = open_with_platform  # type: ignore[attr-defined]
    for module in (memory.outbox, gateway.outbox):
        vars(module)["VISIBLE_AGAIN_S"] = VISIBLE_AGAIN_S
    if name := os.environ.get(BREAK):
        VARIANTS[name]()
    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
