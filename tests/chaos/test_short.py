"""The short form of the suite, and the proof that it would find what it looks for."""

import pytest

from memory.embedded.owner import EmbeddedPostgres
from tests.chaos.arena import Setting, run_plan
from tests.chaos.checker import Break
from tests.chaos.phases import build_short
from tests.chaos.plan import FaultKind, draw_plan
from tests.chaos.platform import PlatformFaults
from tests.chaos.variants import BREAK

SEED = 7
WORSE = PlatformFaults(lost_answer=0.4, lost_post=0.0, busy=0.0, broken=0.0, lost_look=0.0, latest_s=0.0)


async def test_kills_stops_pauses_and_restarts_lose_nothing_and_double_nothing(own_postgres: EmbeddedPostgres) -> None:
    """Every acked message has one answer, which is seen once and in order, whatever dies under it.

    Proves: RE-17.
    """
    phase = build_short(SEED)
    verdict = await run_plan(phase.setting, own_postgres, phase.plan)
    assert verdict.breaks == []
    assert verdict.timings.done == phase.counts, "every fault was carried out"
    assert (verdict.timings.leftovers, verdict.timings.burned) == (0, 0), "a graceful stop burns no attempt"
    lines = {asked.line for asked in verdict.ledger.questions if not asked.line.startswith("probe")}
    assert len(lines) == phase.setting.line_count, "everybody asked something"


@pytest.mark.parametrize(
    ("variant", "faults", "kind", "symptom"),
    [
        ("ack_before_commit", {FaultKind.KILL: 4}, "lost", "was acked and is not in"),
        ("no_look", {}, "doubled", "is shown"),
        ("no_fence", {FaultKind.PAUSE: 3}, "doubled", "answers"),
        ("sdk_retry", {}, "doubled", "is shown"),
    ],
)
async def test_a_gateway_that_breaks_a_promise_is_found_out(
    own_postgres: EmbeddedPostgres, variant: str, faults: dict[FaultKind, int], kind: str, symptom: str
) -> None:
    """A suite that stays green whatever the gateway does proves nothing. Proves: RE-16.

    What is doubled stays so, and is found at once; whether something is lost shows only when the kills are over.
    """

    def is_it(found: Break) -> bool:
        return found.kind == kind and symptom in found.text

    is_lost, replicas = kind == "lost", 2 if faults else 1
    setting = Setting(
        seed=SEED,
        lease_s=1.0,
        replicas=replicas,
        platform_lines=12,
        threads=1,
        visitors_per_thread=1,
        pause_s=0.4,
        quiet_s=4.0 if is_lost else 12.0,
        environment={BREAK: variant},
        platform_faults=WORSE,
    )
    plan = draw_plan(SEED, faults, replicas=replicas, gap_s=1.0)
    lasts_s = 0.0 if faults else 4.0
    verdict = await run_plan(setting, own_postgres, plan, lasts_s=lasts_s, is_enough=None if is_lost else is_it)
    assert any(map(is_it, verdict.breaks))
