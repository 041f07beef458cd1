"""Summaries to store."""

from collections.abc import Sequence
from decimal import Decimal

from agent.records import PastRun
from agent.summary import Item, Summary
from memory.compactions import Compaction


def compaction_of(cut: Sequence[PastRun], base: int | None = None) -> Compaction:
    """A summary of these runs."""
    return Compaction(
        base=base,
        cut=cut,
        opening=cut[0].position,
        strategy="context",
        summary=Summary(decisions=(Item(text="tea it is", author=cut[0].prompt[0].author),)),
        model="m",
        tokens_before=900,
        tokens_after=100,
        cost_usd=Decimal("0.001"),
    )
