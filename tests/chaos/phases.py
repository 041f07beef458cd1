"""The parts of the long form, and the short form that the tests run: how each is loaded and what it suffers."""

from dataclasses import dataclass, replace
from pathlib import Path

from tests.chaos.arena import Setting
from tests.chaos.plan import Fault, FaultKind, draw_plan

LEASE_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """One run of the suite. `counts` says how often each fault comes, `gap_s` how long the pauses between are."""

    name: str
    setting: Setting
    counts: dict[FaultKind, int]
    gap_s: float

    @property
    def plan(self) -> list[Fault]:
        """The faults, drawn from the seed."""
        seed, replicas = self.setting.seed, self.setting.replicas
        return draw_plan(seed, self.counts, replicas=replicas, gap_s=self.gap_s)


def build_phases(seed: int, share: float = 1.0, logs: Path | None = None) -> list[Phase]:
    """The long form: `share` of the faults that the promises speak of."""

    def count(number: int) -> int:
        return max(1, round(number * share))

    setting = Setting(seed=seed, lease_s=LEASE_S, quiet_s=120.0, logs=logs)
    return [
        Phase(
            name="kills",
            setting=setting,
            counts={FaultKind.KILL: count(200), FaultKind.TERMINATE: count(20), FaultKind.CLOCK: count(20)},
            gap_s=1.5,
        ),
        Phase(name="pauses", setting=setting, counts={FaultKind.PAUSE: count(50)}, gap_s=1.0),
        Phase(
            name="database",
            setting=setting,
            counts={FaultKind.RESTART_DATABASE: count(15), FaultKind.CUT: count(10), FaultKind.HALF_OPEN: count(5)},
            gap_s=2.0,
        ),
        Phase(
            name="stalls",
            setting=replace(setting, platform_lines=100, pause_s=1.0),
            counts={FaultKind.STALL: count(4)},
            gap_s=4.0,
        ),
    ]


def build_short(seed: int) -> Phase:
    """A bit of everything, in about half a minute on one core."""
    return Phase(
        name="short",
        setting=Setting(seed=seed, lease_s=1.0, platform_lines=6, api_lines=2, threads=2, quiet_s=60.0),
        counts={
            FaultKind.KILL: 3,
            FaultKind.TERMINATE: 1,
            FaultKind.PAUSE: 1,
            FaultKind.RESTART_DATABASE: 1,
            FaultKind.CLOCK: 1,
        },
        gap_s=0.6,
    )
