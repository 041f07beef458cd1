"""What the long form prints: the promises, what was measured, and whether they were kept."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tests.chaos.arena import Verdict
from tests.chaos.phases import LEASE_S
from tests.chaos.plan import FaultKind

LEFT_WITHIN_S = 15.0
READY_WITHIN_S = 5.0
TOLD_WITHIN_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One promise: its number in the table of promises, what was measured, and whether it was kept."""

    promise: str
    figure: str
    is_kept: bool


def count_breaks(verdicts: Iterable[Verdict]) -> Counter[str]:
    """How often each kind of break was found."""
    return Counter(found.kind for verdict in verdicts for found in verdict.breaks)


def build_rows(verdicts: dict[str, Verdict]) -> list[Row]:
    """The table, from the phases that were run."""
    makers = {
        "kills": _rows_of_kills,
        "pauses": _rows_of_pauses,
        "database": _rows_of_database,
        "stalls": _rows_of_stalls,
    }
    return [row for name, verdict in verdicts.items() for row in makers[name](verdict)]


def _rows_of_kills(verdict: Verdict) -> list[Row]:
    found, done, times = count_breaks([verdict]), verdict.timings.done, verdict.timings
    faults = (
        f"{done.get(FaultKind.KILL, 0)} SIGKILLs, {done.get(FaultKind.TERMINATE, 0)} SIGTERMs, "
        f"{done.get(FaultKind.CLOCK, 0)} clock jumps"
    )
    burned = times.leftovers + times.burned
    left_s = max(times.left_s, default=0.0)
    return [
        Row(
            promise="1 no acked message is lost",
            figure=f"{found['lost'] + found['stuck']} lost of {len(verdict.ledger.questions)}; {faults}",
            is_kept=not found["lost"] + found["stuck"],
        ),
        Row(
            promise="2 one visible reply, in order",
            figure=(
                f"{found['doubled']} doubled, {found['order'] + found['gap'] + found['overlap']} out of order, "
                f"{found['event']} events missed; {_lost(verdict)}"
            ),
            is_kept=not any(found[kind] for kind in ("doubled", "order", "gap", "overlap", "event")),
        ),
        Row(
            promise="  a graceful stop burns nothing",
            figure=f"{burned} attempts burned, gone in {left_s:.1f} s at most",
            is_kept=not burned and left_s < LEFT_WITHIN_S,
        ),
    ]


def _rows_of_pauses(verdict: Verdict) -> list[Row]:
    freed_s, breaks = max(verdict.timings.freed_s, default=0.0), len(verdict.breaks)
    figure = (
        f"{len(verdict.timings.freed_s)} pauses of 3 leases: {breaks} breaks, free in {freed_s / LEASE_S:.2f} leases"
    )
    return [
        Row(promise="9 a paused replica does no harm", figure=figure, is_kept=not breaks and freed_s <= 2 * LEASE_S)
    ]


def _rows_of_database(verdict: Verdict) -> list[Row]:
    ready_s, breaks = max(verdict.timings.ready_s, default=0.0), len(verdict.breaks)
    cuts = sum(verdict.timings.done.get(kind, 0) for kind in (FaultKind.CUT, FaultKind.HALF_OPEN))
    figure = f"{len(verdict.timings.ready_s)} restarts, {cuts} broken wires: {breaks} breaks, ready in {ready_s:.1f} s"
    return [Row(promise="8 the database may crash", figure=figure, is_kept=not breaks and ready_s < READY_WITHIN_S)]


def _rows_of_stalls(verdict: Verdict) -> list[Row]:
    refusals = [took_s for (_, status), times in verdict.ledger.refusals_s.items() if status == 503 for took_s in times]
    slowest_s, breaks = max(refusals, default=0.0), len(verdict.breaks)
    late = sum(took_s >= TOLD_WITHIN_S for took_s in refusals)
    figure = (
        f"{verdict.timings.done.get(FaultKind.STALL, 0)} stalls of 5 s: {breaks} breaks, {len(refusals)} told 503, "
        f"{late} of them after {TOLD_WITHIN_S:g} s (slowest {slowest_s:.2f} s)"
    )
    return [Row(promise="8 the database may stall", figure=figure, is_kept=not breaks and not late)]


def _lost(verdict: Verdict) -> str:
    posts, lost = len(verdict.platform.posts), verdict.platform.lost
    return f"{lost['answer'] + lost['post']} of {posts} post answers lost, {verdict.ledger.deliveries} deliveries"


def render(rows: Sequence[Row]) -> str:
    """The table as text."""
    width = max((len(row.promise) for row in rows), default=0)
    return "\n".join(f"{'kept  ' if row.is_kept else 'BROKEN'}  {row.promise:<{width}}  {row.figure}" for row in rows)
