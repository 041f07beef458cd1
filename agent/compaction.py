"""When older runs give way to a summary, and which. Pure; runs are cut whole, so no call is parted from its result."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from agent.prompt import Context, measure_past
from agent.records import PastRun

SHARE = 0.8
"""Of the window: when it is that full, the older runs are summarised."""
SLACK = 1.025
"""How far a request may go over that before a run waits for the summary: 82 % of the window."""
KEEP_SHARE = 0.25
SUMMARY_SHARE = 0.125
OPENING_SHARE = 0.05


class Strategy(StrEnum):
    """disabled: nothing is summarised; summarization: all but the newest runs; context: the first words stay too."""

    DISABLED = "disabled"
    SUMMARIZATION = "summarization"
    CONTEXT = "context"


@dataclass(frozen=True, slots=True, kw_only=True)
class CompactionRules:
    """How an agent's prompts are kept within the window.

    `cap_tokens` is reached before 80 % of a large window; `window_tokens` is asked of the model's server where it is
    not given; `model` writes the summaries (none: the agent's small model).
    """

    strategy: Strategy = Strategy.CONTEXT
    cap_tokens: int = 160_000
    window_tokens: int | None = None
    model: str | None = None

    def limit_tokens(self, window_tokens: int) -> int:
        """The size at which a compaction is due."""
        return min(int(SHARE * window_tokens), self.cap_tokens)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What becomes a summary and what stays. `opening` is the run whose words stay as they are, if one does."""

    cut: tuple[PastRun, ...]
    kept: tuple[PastRun, ...]
    opening: PastRun | None

    @property
    def upto(self) -> int:
        """The position of the newest run that is cut."""
        return self.cut[-1].position


def plan_compaction(
    context: Context, strategy: Strategy, limit_bytes: int, *, keeps_newest: bool = True
) -> Plan | None:
    """The newest runs stay as far as a quarter of the limit goes, the newest at any rate. None: nothing can be cut.

    Without `keeps_newest` all may go: the model said that the request does not fit.
    """
    if strategy is Strategy.DISABLED or not context.history:
        return None
    kept = _count_kept(context.history, int(KEEP_SHARE * limit_bytes), least=1 if keeps_newest else 0)
    cut = context.history[: len(context.history) - kept]
    if not cut:
        return None
    return Plan(cut=cut, kept=context.history[len(cut) :], opening=_find_opening(context, cut, strategy, limit_bytes))


def _count_kept(history: Sequence[PastRun], room_bytes: int, least: int) -> int:
    kept = 0
    for run in reversed(history):
        room_bytes -= measure_past(run)
        if room_bytes < 0:
            break
        kept += 1
    return max(kept, least)


def _find_opening(context: Context, cut: Sequence[PastRun], strategy: Strategy, limit_bytes: int) -> PastRun | None:
    """The first run there is: the one that stands already, or the first that is cut, unless its words are too many."""
    if strategy is not Strategy.CONTEXT:
        return None
    if context.earlier is not None:
        return context.earlier.opening
    words = sum(len(message.text.encode(errors="replace")) for message in cut[0].prompt)
    return cut[0] if cut[0].prompt and words <= OPENING_SHARE * limit_bytes else None
