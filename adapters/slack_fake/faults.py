"""What a test or a person breaks on purpose. Chance comes from a seed, so a run can be repeated."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum


class FaultKind(StrEnum):
    """What can happen to a call of the Web API."""

    DROP_ANSWER = "drop_answer"
    """The call is done, and the connection is cut instead of an answer."""
    CUT = "cut"
    """The connection is cut, and nothing was done."""
    RATE_LIMIT = "rate_limit"
    SERVER_ERROR = "server_error"
    """500, and nothing was done."""
    DELAY = "delay"
    """The call is done `seconds` late."""
    DELAY_ANSWER = "delay_answer"
    """The call is done at once, and answered `seconds` late."""
    REFUSE = "refuse"
    """`ok: false` with `code`."""


@dataclass(slots=True, kw_only=True)
class Fault:
    """One fault. `method` is a name, a beginning such as `chat.*`, or `*`; `times` None is for ever."""

    kind: FaultKind
    method: str = "*"
    times: int | None = 1
    chance: float = 1.0
    seconds: float = 1.0
    code: str = "unknown_method"
    skip: int = 0
    """How many matching calls pass first."""

    def matches(self, method: str) -> bool:
        """Whether a method is meant."""
        if self.method.endswith("*"):
            return method.startswith(self.method[:-1])
        return method == self.method


@dataclass(slots=True, kw_only=True)
class EventFaults:
    """What happens to events on their way to the app."""

    copies: tuple[int, int] = (1, 1)
    """Each event is delivered this many times, at least and at most."""
    shuffle: int = 1
    """Events wait until so many are there, and leave in another order."""
    delay_s: float = 0.0
    is_held: bool = False
    """Nothing leaves until `release`."""


@dataclass(slots=True)
class Faults:
    """All faults of one fake Slack."""

    seed: int = 0
    events: EventFaults = field(default_factory=EventFaults)
    active: list[Fault] = field(default_factory=list)
    dice: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)  # noqa: S311  repeatable, and nothing secret

    def add(self, kind: FaultKind, method: str = "*", **settings: float | str | None) -> Fault:
        """From now on. `settings` are the fields of `Fault`."""
        fault = Fault(kind=kind, method=method, **settings)  # type: ignore[arg-type]
        self.active.append(fault)
        return fault

    def drop_answers(self, method: str, *, times: int | None = 1, chance: float = 1.0) -> Fault:
        """The message stands, and the app does not hear of it."""
        return self.add(FaultKind.DROP_ANSWER, method, times=times, chance=chance)

    def rate_limit(self, method: str, *, times: int | None = 1, retry_after_s: int = 1) -> Fault:
        """429 with `Retry-After`."""
        return self.add(FaultKind.RATE_LIMIT, method, times=times, seconds=float(retry_after_s))

    def refuse(self, method: str, code: str = "unknown_method", *, times: int | None = None) -> Fault:
        """`ok: false`, for ever unless told otherwise."""
        return self.add(FaultKind.REFUSE, method, times=times, code=code)

    def fail(self, method: str, *, times: int | None = 1) -> Fault:
        """500, and nothing was done."""
        return self.add(FaultKind.SERVER_ERROR, method, times=times)

    def delay(self, method: str, seconds: float, *, times: int | None = None) -> Fault:
        """Late. The app waits as long for real, whatever the workspace's clock says."""
        return self.add(FaultKind.DELAY, method, times=times, seconds=seconds)

    def clear(self) -> None:
        """Everything works again. Events that are held leave at the next `release`."""
        self.active.clear()
        self.events = EventFaults()

    def take(self, method: str) -> list[Fault]:
        """The faults that hit this call, each counted down."""
        return [*self._hits(method)]

    def _hits(self, method: str) -> Iterator[Fault]:
        for fault in [*self.active]:
            if not fault.matches(method) or (fault.chance < 1 and self.dice.random() >= fault.chance):
                continue
            if fault.skip > 0:
                fault.skip -= 1
                continue
            if fault.times is not None:
                fault.times -= 1
                if fault.times <= 0:
                    self.active.remove(fault)
            yield fault
