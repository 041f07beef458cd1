"""How much one peer may ask for. Pure: the clock is given."""

from dataclasses import dataclass

from adapters.windows import Window

FRAME_BYTES = 32 * 1024
BAD_FRAMES = 5
HISTORY_MESSAGES = 100
SESSIONS = 100
COMMENT_CHARACTERS = 1_000
FILES = 4
"""The most files that one message carries."""
REPLAY_EVENTS = 500
"""A newcomer gets a log up to this length from its start; of a longer one they load the end by `history`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What an operator may change. `message_count` holds for each session and for each address, per `message_span_s`.

    `max_waiting` bounds the turns that wait in a session beside the running one.
    """

    text_characters: int = 4_000
    message_count: int = 20
    message_span_s: float = 10.0
    sockets_per_ip: int = 10
    max_waiting: int = 3
    hello_s: float = 5.0
    hb_s: float = 25.0
    idle_s: float = 30 * 60.0
    file_bytes: int = 5 * 1024 * 1024


class Quotas:
    """The messages of a process, by session and by address."""

    def __init__(self, limits: Limits) -> None:
        self._sessions = Window(limits.message_count, limits.message_span_s)
        self._addresses = Window(limits.message_count, limits.message_span_s)

    def take_message(self, session_id: str, address: str, now: float) -> float:
        """0 when the message is within both limits, and then it counts; else the seconds to wait."""
        wait_s = max(self._sessions.wait_s(session_id, now), self._addresses.wait_s(address, now))
        if wait_s == 0.0:
            self._sessions.take(session_id, now)
            self._addresses.take(address, now)
        return wait_s


class FrameMeter:
    """All frames of one connection: a flood of them is cut off."""

    __slots__ = ("_count", "_since")
    SPAN_S = 10.0
    COUNT = 300

    def __init__(self, now: float) -> None:
        self._since = now
        self._count = 0

    def is_flood(self, now: float) -> bool:
        """Count one more frame, and say whether it is one too many."""
        if now - self._since >= self.SPAN_S:
            self._since, self._count = now, 0
        self._count += 1
        return self._count > self.COUNT
