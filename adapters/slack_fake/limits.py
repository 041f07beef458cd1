"""Rate limits as Slack counts them: per app, workspace and method, and one post a second in each conversation."""

import math
from dataclasses import dataclass

from adapters.slack_fake.clock import Clock

POST_PER_S = 1.0
POST_BURST = 4
"""How many posts a conversation takes at once. Slack says that it lets short bursts pass, and not how short."""
OUTSIDE_METHODS = frozenset({"conversations.history", "conversations.replies"})
"""One call a minute for apps that are sold outside the Marketplace."""


@dataclass(slots=True)
class _Bucket:
    tokens: float
    filled_at: float


class Limiter:
    """Token buckets. `is_on` false lets everything through."""

    def __init__(self, clock: Clock, *, is_on: bool = True) -> None:
        self._clock = clock
        self._buckets: dict[tuple[str, ...], _Bucket] = {}
        self.is_on = is_on

    def take(self, key: tuple[str, ...], *, per_s: float, burst: float) -> int | None:
        """None when the call may go on, else after how many whole seconds to come back."""
        if not self.is_on:
            return None
        now = self._clock.now()
        bucket = self._buckets.setdefault(key, _Bucket(burst, now))
        bucket.tokens = min(burst, bucket.tokens + (now - bucket.filled_at) * per_s)
        bucket.filled_at = now
        if bucket.tokens >= 1 - 1e-9:
            bucket.tokens -= 1
            return None
        return max(1, math.ceil((1 - bucket.tokens) / per_s))
