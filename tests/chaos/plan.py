"""Which faults come in which order: drawn from the seed, so that the same seed means the same plan."""

from dataclasses import dataclass
from enum import StrEnum

from tests.chaos.speech import draw


class FaultKind(StrEnum):
    """What is done to whom."""

    KILL = "kill"
    TERMINATE = "terminate"
    PAUSE = "pause"
    RESTART_DATABASE = "restart the database"
    CUT = "cut the wire"
    STALL = "stall the wire"
    HALF_OPEN = "half-open the wire"
    CLOCK = "jump the clock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault: `after_s` after the one before is over, to the replica of that number where it hits one."""

    kind: FaultKind
    after_s: float
    replica: int


def draw_plan(seed: int, counts: dict[FaultKind, int], *, replicas: int, gap_s: float) -> list[Fault]:
    """The faults in random order, with pauses up to `gap_s` between them."""
    chance = draw(seed, "plan")
    kinds = [kind for kind, count in counts.items() for _ in range(count)]
    chance.shuffle(kinds)
    return [Fault(kind=kind, after_s=chance.uniform(0, gap_s), replica=chance.randrange(replicas)) for kind in kinds]
