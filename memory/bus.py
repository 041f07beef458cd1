"""The bus between processes over PostgreSQL's NOTIFY.

One statement is in flight; what is sent meanwhile goes along with the next. So a token costs a fraction of a statement,
and a slow database makes batches larger instead of a queue longer.
"""

import asyncio
import hashlib
from collections import deque
from collections.abc import Callable

import asyncpg
import structlog

from agent.errors import StoreUnavailableError
from agent.ids import WorkerId
from memory.database import Database
from memory.queries import query

log = structlog.get_logger(__name__)
MAX_WAITING = 20_000
MAX_BATCH = 500
MAX_BYTES = 7_999
"""What PostgreSQL takes in one notification."""
EVERYBODY = "parley_all"


def channel_of(worker_id: WorkerId) -> str:
    """The channel on which one worker listens: at most 63 bytes, as PostgreSQL's names are."""
    return "parley_" + hashlib.sha256(worker_id.encode()).hexdigest()[:32]


class NotifyBus:
    """`gateway.ports.Bus` over NOTIFY. What it hears comes through the process's one direct connection."""

    def __init__(self, database: Database, worker_id: WorkerId) -> None:
        self._database = database
        self._worker_id = worker_id
        self._waiting: deque[tuple[str, str]] = deque(maxlen=MAX_WAITING)
        self._filled = asyncio.Event()
        self._on_frame: Callable[[str], None] = _ignore

    @property
    def channels(self) -> tuple[str, ...]:
        """What the direct connection has to listen on."""
        return EVERYBODY, channel_of(self._worker_id)

    def hear(self, frame: str) -> None:
        """A frame came in on the direct connection."""
        self._on_frame(frame)

    def subscribe(self, on_frame: Callable[[str], None]) -> None:
        """Give what comes in to `on_frame`, one's own broadcasts among it."""
        self._on_frame = on_frame

    def send(self, to: WorkerId | None, frame: str) -> None:
        """Send under 8,000 bytes to a worker, or to everybody. May be lost, as a longer one always is; never waits."""
        if 4 * len(frame) > MAX_BYTES and len(frame.encode(errors="replace")) > MAX_BYTES:
            log.warning("frames_lost", frames=1, error="too long")
            return
        self._waiting.append((EVERYBODY if to is None else channel_of(to), frame))
        self._filled.set()

    async def run(self) -> None:
        """Send what is to be sent, until cancelled."""
        while True:
            await self._filled.wait()
            self._filled.clear()
            while self._waiting:
                batch = [self._waiting.popleft() for _ in range(min(MAX_BATCH, len(self._waiting)))]
                await self._send(batch)

    async def _send(self, batch: list[tuple[str, str]]) -> None:
        try:
            await self._database.execute(
                query("send_frames"), [channel for channel, _ in batch], [frame for _, frame in batch]
            )
        except (StoreUnavailableError, asyncpg.PostgresError) as error:
            log.warning("frames_lost", frames=len(batch), error=type(error).__name__)


def _ignore(_: str) -> None:
    """Nobody listens yet."""
