"""How often somebody may ask, counted by any key: a person, a session, an address. Pure: the clock is given."""

from collections import OrderedDict, deque
from ipaddress import IPv6Address, ip_address


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
