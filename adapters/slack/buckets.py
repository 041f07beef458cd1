"""Token buckets against Slack's limits. Times are monotonic seconds, handed in."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """`burst` calls at once, `per_minute` in the long run."""

    per_minute: float
    burst: float


RATES = {
    "chat.startStream": Rate(per_minute=20, burst=20),
    "chat.appendStream": Rate(per_minute=100, burst=30),
    "chat.stopStream": Rate(per_minute=20, burst=20),
    "chat.postMessage": Rate(per_minute=60, burst=4),
    "chat.update": Rate(per_minute=50, burst=20),
    "agents.sessions.setStatus": Rate(per_minute=50, burst=20),
}
"""By method. Posts are counted by conversation, everything else by installation."""
OTHERS = Rate(per_minute=50, burst=20)
BUCKET_LIMIT = 10_000


@dataclass(slots=True)
class Bucket:
    """The calls that may be made now."""

    rate: Rate
    tokens: float
    at_s: float
    blocked_until_s: float = 0.0

    def wait_s(self, now_s: float) -> float:
        """Seconds until a call may be made; 0 when it may be now."""
        self.tokens = min(self.rate.burst, self.tokens + (now_s - self.at_s) * self.rate.per_minute / 60)
        self.at_s = now_s
        blocked_s = max(0.0, self.blocked_until_s - now_s)
        return max(blocked_s, (1 - self.tokens) * 60 / self.rate.per_minute if self.tokens < 1 else 0.0)


@dataclass(slots=True)
class Buckets:
    """One bucket per method and installation, or conversation. Those not used for longest are forgotten."""

    _buckets: dict[tuple[str, str], Bucket] = field(default_factory=dict)

    def take(self, method: str, key: str, now_s: float) -> float:
        """Take a call's token. Returns 0, or the seconds to wait, and then nothing was taken."""
        bucket = self._of(method, key, now_s)
        wait_s = bucket.wait_s(now_s)
        if wait_s <= 0:
            bucket.tokens -= 1
        return max(0.0, wait_s)

    def blocked_s(self, method: str, key: str, now_s: float) -> float:
        """Seconds that Slack still asks to wait, whatever tokens there are."""
        return max(0.0, self._of(method, key, now_s).blocked_until_s - now_s)

    def block(self, method: str, key: str, until_s: float, now_s: float) -> None:
        """Slack asked for patience."""
        bucket = self._of(method, key, now_s)
        bucket.blocked_until_s = max(bucket.blocked_until_s, until_s)

    def _of(self, method: str, key: str, now_s: float) -> Bucket:
        name = (method, key)
        bucket = self._buckets.pop(name, None)
        if bucket is None:
            rate = RATES.get(method, OTHERS)
            bucket = Bucket(rate=rate, tokens=rate.burst, at_s=now_s)
        self._buckets[name] = bucket
        if len(self._buckets) > BUCKET_LIMIT:
            del self._buckets[next(iter(self._buckets))]
        return bucket
