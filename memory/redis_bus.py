"""The bus between processes over Redis or Valkey, for fleets whose deltas PostgreSQL should not carry."""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from agent.ids import WorkerId

log = structlog.get_logger(__name__)
MAX_WAITING = 20_000
MAX_BATCH = 500
_RETRY_S = 0.5
_AWAY = (RedisError, OSError, TimeoutError)


async def find_bus_fault(url: str) -> str | None:
    """Why nothing can be sent over the server; none when something can."""
    client = Redis.from_url(url, socket_connect_timeout=2, socket_timeout=2)
    try:
        await client.ping()
    except _AWAY as error:
        return f"not reachable ({type(error).__name__})"
    finally:
        await client.aclose()
    return None


class RedisBus:
    """`gateway.ports.Bus` over Redis' publish and subscribe.

    `instance_id` keeps the gateways of one database apart from others on the same server; `on_connected` is called each
    time that something may have been missed.
    """

    def __init__(self, url: str, instance_id: str, worker_id: WorkerId, on_connected: Callable[[], None]) -> None:
        self._client = Redis.from_url(url, socket_connect_timeout=2, health_check_interval=5)
        self._prefix = f"parley:{instance_id}:"
        self._worker_id = worker_id
        self._on_connected = on_connected
        self._waiting: deque[tuple[str, str]] = deque(maxlen=MAX_WAITING)
        self._filled = asyncio.Event()
        self._on_frame: Callable[[str], None] = _ignore

    def subscribe(self, on_frame: Callable[[str], None]) -> None:
        """Give what comes in to `on_frame`, one's own broadcasts among it."""
        self._on_frame = on_frame

    def send(self, to: WorkerId | None, frame: str) -> None:
        """Send to a worker, or to everybody. May be lost; never waits."""
        self._waiting.append((self._channel(to), frame))
        self._filled.set()

    async def run(self) -> None:
        """Carry, until cancelled; a connection that is lost is made again."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._send_all())
                group.create_task(self._hear_all())
        finally:
            await self._client.aclose()

    def _channel(self, to: WorkerId | None) -> str:
        return self._prefix + (to or "all")

    async def _send_all(self) -> None:
        while True:
            await self._filled.wait()
            self._filled.clear()
            while self._waiting:
                batch = [self._waiting.popleft() for _ in range(min(MAX_BATCH, len(self._waiting)))]
                try:
                    async with self._client.pipeline(transaction=False) as pipeline:
                        for channel, frame in batch:
                            pipeline.publish(channel, frame)
                        await pipeline.execute()
                except _AWAY as error:
                    log.warning("frames_lost", frames=len(batch), error=type(error).__name__)

    async def _hear_all(self) -> None:
        while True:
            try:
                await self._hear()
            except _AWAY as error:
                log.warning("bus_away", error=type(error).__name__)
            await asyncio.sleep(_RETRY_S)

    async def _hear(self) -> None:
        async with self._client.pubsub() as pubsub:
            await pubsub.subscribe(self._channel(None), self._channel(self._worker_id))
            while True:
                message = await pubsub.get_message(timeout=None)
                if message is None:
                    continue
                if message["type"] == "subscribe":
                    self._on_connected()
                elif message["type"] == "message":
                    with suppress(UnicodeDecodeError):
                        self._on_frame(message["data"].decode())


def _ignore(_: str) -> None:
    """Nobody listens yet."""
