"""How long to wait before what has ended is started again."""

import time
from collections.abc import Callable


class Backoff:
    """Seconds before the next start: `first_s` after a life of at least `steady_s`, else twice the last pause."""

    def __init__(
        self,
        *,
        first_s: float = 0.1,
        longest_s: float = 10.0,
        steady_s: float = 10.0,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._first_s = first_s
        self._longest_s = longest_s
        self._steady_s = steady_s
        self._now = now
        self._pause_s = 0.0
        self._started_at_s = now()

    def begin(self) -> None:
        """It is started now."""
        self._started_at_s = self._now()

    def next_s(self) -> float:
        """It has ended, or could not be started."""
        if self._now() - self._started_at_s >= self._steady_s:
            self._pause_s = 0.0
        self._pause_s = min(max(self._first_s, 2 * self._pause_s), self._longest_s)
        return self._pause_s
