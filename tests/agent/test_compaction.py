"""When older runs give way to a summary, and which."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.compaction import KEEP_SHARE, CompactionRules, Strategy, plan_compaction
from agent.ids import RunId
from agent.payloads import LEFT_OUT, ResultRules
from agent.ports import Text, ToolResult
from agent.prompt import Context, Earlier, build_thread, measure_past
from agent.records import PastRun, ToolCall, Turn, Usage
from agent.sizes import BilledSize, estimate_size
from agent.summary import END, HEAD, Item, Summary
from tests.support.agent_runs import spoken
from tests.support.make import ANN


def run_of(n: int, size: int = 100) -> PastRun:
    """A run of about so many bytes, with a tool."""
    call = ToolCall(call_id=f"c{n}", name="t", arguments={}, result="r" * (size // 2))
    use = {"type": "tool_use", "id": f"c{n}", "name": "t", "input": {}}
    turn = Turn(content=(use,), tool_calls=(call,), stop_reason="tool_use", usage=Usage())  # type: ignore[arg-type]
    said = spoken(f"question {n} " + "x" * (size // 2), seq=n)
    return PastRun(run_id=RunId(f"run_{n}"), prompt=(said,), turns=(turn,), answer="fine", position=n)


def context_of(*history: PastRun, earlier: Earlier | None = None) -> Context:
    """Before Ann's next question."""
    return Context(asker=ANN, prompt=(spoken("next", seq=999),), history=history, earlier=earlier)


@given(sizes=st.lists(st.integers(10, 5_000), max_size=40), limit=st.integers(100, 100_000))
def test_the_newest_runs_stay_whole_as_far_as_there_is_room_and_the_rest_is_cut(sizes: list[int], limit: int) -> None:
    """No run is parted, so no call from its result. Proves: CX-1."""
    history = tuple(run_of(n, size) for n, size in enumerate(sizes, 1))
    plan = plan_compaction(context_of(*history), Strategy.CONTEXT, limit)
    if plan is None:
        total = sum(measure_past(run) for run in history)
        assert len(history) <= 1 or total <= KEEP_SHARE * limit
        return
    assert (*plan.cut, *plan.kept) == history
    assert plan.kept
    assert len(plan.kept) == 1 or sum(measure_past(run) for run in plan.kept) <= KEEP_SHARE * limit
    assert plan.upto == plan.cut[-1].position


def test_with_context_the_first_words_stay_and_with_summarization_they_do_not() -> None:
    """The task is often given once, at the beginning. Proves: CX-2."""
    history = [run_of(n) for n in range(1, 20)]
    first = plan_compaction(context_of(*history), Strategy.CONTEXT, 4_000)
    assert first is not None
    assert first.opening == history[0]
    earlier = Earlier(upto=5, summary=Summary(), opening=history[0])
    again = plan_compaction(context_of(*history[5:], earlier=earlier), Strategy.CONTEXT, 4_000)
    assert again is not None
    assert again.opening == history[0]
    other = plan_compaction(context_of(*history), Strategy.SUMMARIZATION, 4_000)
    assert other is not None
    assert other.opening is None
    assert plan_compaction(context_of(*history), Strategy.DISABLED, 4_000) is None
    long = plan_compaction(context_of(run_of(1, 3_000), *history), Strategy.CONTEXT, 4_000)
    assert long is not None
    assert long.opening is None, "a first message that is a whole document goes into the summary"


def test_when_nothing_fits_even_the_newest_run_may_go() -> None:
    """The model said that the request does not fit. Proves: CX-1."""
    assert plan_compaction(context_of(run_of(1, 9_000)), Strategy.CONTEXT, 1_000) is None
    plan = plan_compaction(context_of(run_of(1, 9_000)), Strategy.CONTEXT, 1_000, keeps_newest=False)
    assert plan is not None
    assert plan.kept == ()


@pytest.mark.parametrize(
    ("window", "rules", "limit"),
    [
        (200_000, CompactionRules(), 160_000),
        (100_000, CompactionRules(), 80_000),
        (1_000_000, CompactionRules(), 160_000),
        (1_000_000, CompactionRules(cap_tokens=900_000), 800_000),
    ],
)
def test_it_is_due_at_four_fifths_of_the_window_or_at_the_cap(window: int, rules: CompactionRules, limit: int) -> None:
    """Proves: CX-1."""
    assert rules.limit_tokens(window) == limit


def test_a_size_goes_by_what_the_same_model_billed_last() -> None:
    """Languages differ in bytes to a token; the bill knows. Proves: CX-1."""
    billed = BilledSize(model="m-5-20260901", tokens=1_000, size_bytes=5_000)
    assert estimate_size(6_000, billed, "m-5") == 1_200
    assert estimate_size(6_000, billed, "other") == 2_000
    assert estimate_size(6_000, None, "m-5") == 2_000


def test_a_summary_stands_before_the_runs_after_the_first_words() -> None:
    """So the prompt grows behind it. Proves: CX-2, CX-5."""
    summary = Summary(decisions=(Item(text="tea it is", author=spoken("x").author),))
    context = context_of(run_of(7), earlier=Earlier(upto=5, summary=summary, opening=run_of(1)))
    texts = [block.text for message in build_thread(context) for block in message.blocks if isinstance(block, Text)]
    assert "question 1" in texts[0]
    assert texts[1].startswith(HEAD)
    assert texts[1].endswith(END)
    assert "- Ann · " in texts[1]
    assert "question 7" in texts[2]


@pytest.mark.parametrize(("most", "left_out"), [(0, 0), (1, 4), (3, 2), (9, 0)])
def test_only_the_newest_calls_of_the_history_keep_their_results_where_that_is_wanted(most: int, left_out: int) -> None:
    """The calls stay, so that every result still has its own. Proves: CX-4."""
    history = [run_of(n) for n in range(1, 6)]
    messages = build_thread(context_of(*history), ResultRules(history_calls=most))
    blocks = [block for message in messages for block in message.blocks]
    results = [block.text for block in blocks if isinstance(block, ToolResult)]
    assert [text == LEFT_OUT for text in results] == [True] * left_out + [False] * (5 - left_out)
