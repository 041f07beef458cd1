"""How much one peer may ask for. Pure: the clock is given."""

from collections import OrderedDict, deque
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

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


def address_key(host: str) -> str:
    """What counts as one address: an IPv4 address, or the /64 that an IPv6 host has for itself."""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if not isinstance(address, IPv6Address):
        return host
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return host if address.is_loopback else address.exploded[:19]


class Window:
    """At most `count` takings in any `span_s` seconds, for each key. Remembers the freshest `max_keys` keys."""

    def __init__(self, count: int, span_s: float, max_keys: int = 10_000) -> None:
        self._count = count
        self._span_s = span_s
        self._max_keys = max_keys
        self._takings: OrderedDict[str, deque[float]] = OrderedDict()

    def __len__(self) -> int:
        """How many keys are remembered."""
        return len(self._takings)

    def wait_s(self, key: str, now: float) -> float:
        """0 when one more is free now, else the seconds until it is."""
        times = self._takings.get(key)
        if times is None or len(times) < self._count:
            return 0.0
        return max(0.0, times[0] + self._span_s - now)

    def take(self, key: str, now: float) -> None:
        """Count one more, at `now`."""
        times = self._takings.setdefault(key, deque(maxlen=self._count))
        times.append(now)
        self._takings.move_to_end(key)
        self._forget(now)

    def _forget(self, now: float) -> None:
        """The oldest keys first: those past their span, and any above the bound."""
        while self._takings:
            key, times = next(iter(self._takings.items()))
            if times[-1] + self._span_s > now and len(self._takings) <= self._max_keys:
                return
            del self._takings[key]


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
