"""Text out, splitting, limits, the ladder: pure."""

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.slack.blocks import build_home, escape
from adapters.slack.drafts import render_words
from adapters.slack.ladder import REWRITE_EVERY_S, STREAM_AGE_S, Card, Ladder, Rung, Step
from adapters.slack.outward import render_beginning, render_text
from adapters.slack.splitting import LIMIT, split
from agent.ids import MemoryId, UserId
from agent.records import UserMemory

TRICKY = st.lists(
    st.sampled_from([*"ab <@!#>[]()\n`:/.hc", "@channel", "<!here>", "](https://a.test/x)", "```"]), max_size=60
).map("".join)
PROSE = st.lists(st.sampled_from(["word " * 40, "\n", "\n\n", "```py\n", "```\n", "x" * 700]), max_size=120).map(
    "".join
)


@given(TRICKY, st.integers(min_value=0))
def test_what_is_shown_early_is_never_taken_back(text: str, cut: int) -> None:
    """A stream can only grow. Proves: SL-10."""
    assert render_text(text).startswith(render_beginning(text[: cut % (len(text) + 1)]))


@given(TRICKY)
def test_nothing_that_is_shown_calls_anybody(text: str) -> None:
    """Whatever the model writes. Proves: SL-15."""
    shown = render_text(text)
    assert re.search(r"<[@!#]|@(?:channel|here|everyone)\b|!\[", shown) is None


@given(PROSE)
def test_parts_fit_and_hold_everything(text: str) -> None:
    """No word is lost, no call is too long. Proves: SL-11."""
    parts = split(text)
    assert all(len(part) <= LIMIT for part in parts)
    words = "".join(parts).replace("```py", "").replace("```", "").split()
    assert "".join(words) == "".join(text.replace("```py", "").replace("```", "").split())


@given(PROSE, st.integers(min_value=0))
def test_where_a_text_is_cut_does_not_depend_on_what_follows(text: str, cut: int) -> None:
    """Messages that are finished while the answer goes on must be the final ones. Proves: SL-11."""
    early, whole = split(text[: cut % (len(text) + 1)]), split(text)
    assert early[:-1] == whole[: len(early) - 1]
    assert whole[len(early) - 1].startswith(early[-1].rstrip())


def test_a_fence_is_closed_and_opened_again() -> None:
    """Half a fence would swallow the rest of the message. Proves: SL-11."""
    code = "```python\n" + "print('x')\n" * 2_000 + "```\nDone."
    first, *_, last = split(code)
    assert first.startswith("```python\n")
    assert first.endswith("\n```")
    assert last.startswith("```python\n")
    assert last.endswith("```\nDone.")


@pytest.mark.parametrize("sign", ["👩‍👩‍👧‍👦", "é", "👍🏽", "क्षि", "1️⃣"])
@pytest.mark.parametrize("shift", range(8))
def test_a_sign_of_several_characters_is_not_cut_in_two(sign: str, shift: int) -> None:
    """Half a family is another sign. Proves: SL-11."""
    text = "x" * shift + sign * (13_000 // len(sign))
    first, *rest = split(text)
    assert first.endswith(sign)
    assert "".join([first, *rest]) == text


def test_links_say_where_they_lead() -> None:
    """Words can lie about an address. Proves: SL-15."""
    assert render_text("[your bank](https://evil.test/x)") == "[your bank](https://evil.test/x) (evil.test)"
    assert render_text("[evil.test](https://evil.test/x)") == "[evil.test](https://evil.test/x)"


@pytest.mark.parametrize(
    "link",
    [
        "[your bank](HTTPS://EVIL.test/x)",
        '[your bank](https://evil.test/x "your bank")',
        "[your bank](<https://evil.test/x>)",
        "[your [own] bank](https://evil.test/x)",
        "[your bank](https://evil.test/x_(y))",
        "[your bank]( https://evil.test )",
    ],
)
def test_links_of_every_form_say_where_they_lead(link: str) -> None:
    """What a model was told to write may have any form that Markdown has. Proves: SL-15."""
    assert render_text(f"See {link}.") == f"See {link} (evil.test)."
    whole = render_text(f"See {link}.")
    assert all(whole.startswith(render_beginning(f"See {link}."[:n])) for n in range(len(link) + 6))


def test_slacks_own_form_of_a_link_hides_nothing() -> None:
    """`<address|words>` would show the words alone. Proves: SL-15."""
    assert render_text("<https://evil.test|your bank>") == "<\u200bhttps://evil.test|your bank>"


def test_memories_are_shown_as_they_stand() -> None:
    """A memory with markup in it must not become a link or a call. Proves: SL-16."""
    assert escape("<!channel> & <https://x|y>") == "&lt;!channel&gt; &amp; &lt;https://x¦y&gt;"
    view = build_home([remembered("x" * 5_000)] * 60, [])
    blocks = view["blocks"]
    assert isinstance(blocks, list)
    assert len(blocks) <= 100
    assert max(len(str(block)) for block in blocks) < 3_200


def remembered(text: str) -> UserMemory:
    """A memory of somebody's."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    ids = {"memory_id": MemoryId("mem_1"), "user_id": UserId("u1")}
    return UserMemory(**ids, memory=text, valid_from=now, created_at=now, updated_at=now)  # type: ignore[arg-type]


def play(ladder: Ladder, parts: list[str], now_s: float) -> Step | None:
    """Tell the ladder what there is, and let its step succeed."""
    ladder.tell(parts)
    step = ladder.next_step(now_s)
    if step is not None:
        ladder.did(step, step.ts or f"ts{step.part}", now_s)
    return step


def verbs(*steps: Step | None) -> list[str]:
    """What was done."""
    return [step.verb if step else "-" for step in steps]


def test_an_answer_is_streamed_part_after_part() -> None:
    """Each message is finished before the next begins: one writer. Proves: SL-10."""
    ladder = Ladder()
    steps = [
        play(ladder, ["a"], 0.0),
        play(ladder, ["ab"], 0.1),
        play(ladder, ["ab"], 1.0),
        play(ladder, ["abc", "d"], 2.0),
        play(ladder, ["abc", "d"], 3.0),
    ]
    assert verbs(*steps) == ["start", "-", "append", "close", "start"]
    assert [step.text for step in steps if step] == ["a", "b", "c", "d"]


def test_a_stream_is_left_before_slack_ends_it() -> None:
    """After about five minutes Slack takes no more. Proves: SL-12."""
    ladder = Ladder()
    play(ladder, ["a"], 0.0)
    old_s = STREAM_AGE_S + 1
    steps = [play(ladder, ["ab"], old_s), play(ladder, ["ab"], old_s + 1), play(ladder, ["abc"], old_s + 1.1)]
    assert verbs(*steps) == ["close", "rewrite", "-"]
    assert play(ladder, ["abc"], old_s + 1 + REWRITE_EVERY_S) == Step(verb="rewrite", part=0, ts="ts0", text="abc")


def test_an_answer_that_starts_over_is_rewritten() -> None:
    """After a fault of the model the text begins anew. Proves: SL-10."""
    ladder = Ladder()
    play(ladder, ["One two"], 0.0)
    assert verbs(play(ladder, ["Three"], 1.0), play(ladder, ["Three"], 2.0)) == ["close", "rewrite"]
    assert ladder.shown[0].sent == "Three"


def test_every_refusal_goes_one_rung_down() -> None:
    """Never up again within an answer. Proves: SL-10."""
    ladder = Ladder()
    ladder.tell(["a"])
    start = ladder.next_step(0.0)
    assert start is not None
    ladder.refused(start, 0.0)
    post = ladder.next_step(0.0)
    assert post is not None
    assert (post.verb, ladder.rung) == ("post", Rung.REWRITE)
    ladder.refused(post, 0.0)
    assert ladder.rung is Rung.END
    assert ladder.next_step(100.0) is None


def test_a_begin_whose_answer_was_lost_is_not_tried_again() -> None:
    """There might be two. Proves: SL-14."""
    ladder = Ladder()
    ladder.tell(["a"])
    start = ladder.next_step(0.0)
    assert start is not None
    ladder.lost(start, 0.0)
    assert ladder.next_step(100.0) is None


def test_an_append_whose_answer_was_lost_is_followed_by_a_rewrite() -> None:
    """Nobody knows what the message shows. Proves: SL-14."""
    ladder = Ladder()
    play(ladder, ["a"], 0.0)
    ladder.tell(["ab"])
    append = ladder.next_step(1.0)
    assert append is not None
    ladder.lost(append, 1.0)
    step = play(ladder, ["abc"], 3.0)
    assert step == Step(verb="rewrite", part=0, ts="ts0", text="abc")


def test_a_tool_call_is_a_card_that_is_done_when_words_come() -> None:
    """People see that it works, and on what. Proves: SL-35."""
    ladder, card = Ladder(), Card(card_id="tool-1", title="Calculate")
    ladder.tell_cards([card])
    step = ladder.next_step(0.0)
    assert step is not None
    assert (step.verb, step.text, step.cards) == ("start", "", (card,))
    ladder.did(step, "ts0", 0.0)
    assert ladder.open_cards == (card,)
    assert ladder.next_step(10.0) is None
    done = replace(card, is_done=True)
    ladder.tell_cards([done])
    ladder.tell(["It is 4."])
    step = ladder.next_step(10.0)
    assert step is not None
    assert (step.verb, step.text, step.cards) == ("append", "It is 4.", (done,))
    ladder.did(step, "ts0", 10.0)
    assert list(ladder.open_cards) == []


def test_a_call_that_waits_for_approval_is_not_shown_as_done() -> None:
    """Somebody would believe that it was made. Proves: SL-35, SL-41."""
    card = Card(card_id="tool-1", title="Refund")
    shown = render_words("", [card, replace(card, is_done=True), replace(card, is_waiting=True)])["chunks"]
    assert isinstance(shown, list)
    assert [one["status"] for one in shown if isinstance(one, dict)] == ["in_progress", "complete", "pending"]


def test_where_slack_takes_no_cards_the_words_still_stream() -> None:
    """Cards are newer than streams. Proves: SL-35."""
    ladder = Ladder()
    ladder.tell_cards([Card(card_id="tool-1", title="Calculate")])
    ladder.tell(["Let me see."])
    step = ladder.next_step(0.0)
    assert step is not None
    ladder.refused(step, 0.0)
    step = ladder.next_step(0.0)
    assert step is not None
    assert (step.verb, step.text, step.cards) == ("start", "Let me see.", ())


def test_nothing_but_a_stream_shows_cards() -> None:
    """A post that is rewritten is words alone. Proves: SL-35."""
    ladder = Ladder(rung=Rung.REWRITE)
    ladder.tell_cards([Card(card_id="tool-1", title="Calculate")])
    assert ladder.next_step(0.0) is None
