"""Slack's limits: how often each method may be called, and whose calls are counted together."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """`burst` calls at once, `per_minute` in the long run."""

    per_minute: float
    burst: float

    @property
    def per_s(self) -> float:
        """Calls a second in the long run."""
        return self.per_minute / 60


RATES = {
    "chat.startStream": Rate(per_minute=20, burst=20),
    "chat.appendStream": Rate(per_minute=100, burst=30),
    "chat.stopStream": Rate(per_minute=20, burst=20),
    "chat.postMessage": Rate(per_minute=60, burst=4),
    "chat.update": Rate(per_minute=50, burst=20),
    "agents.sessions.setStatus": Rate(per_minute=50, burst=20),
    "users.info": Rate(per_minute=100, burst=50),
    "views.publish": Rate(per_minute=100, burst=50),
}
"""By method. Posts are counted by conversation, everything else by installation."""
OTHERS = Rate(per_minute=50, burst=20)


def rate_of(method: str) -> Rate:
    """How often a method may be called."""
    return RATES.get(method, OTHERS)


def name_bucket(installation: str, method: str, conversation: object) -> str:
    """The bucket that a call takes from."""
    return f"{installation}:{method}:{conversation}" if method == "chat.postMessage" else f"{installation}:{method}"
