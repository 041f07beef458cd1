"""The checker finds each kind of break in a run that is otherwise sound, and nothing in a sound one."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.chaos.checker import check
from tests.chaos.evidence import Evidence, StoredMessage, StoredNote, StoredPost, StoredTask
from tests.chaos.ledger import Ledger, Watch
from tests.chaos.plan import FaultKind, draw_plan
from tests.chaos.platform import ShownPost
from tests.chaos.speech import answer_to, make_token, question

SESSION = "chaos:c"
ONE, TWO = make_token("one"), make_token("two")
Run = tuple[Ledger, Evidence, list[ShownPost]]


def sound() -> Run:
    """Two questions, one after the other, each answered once and shown once."""
    ledger = Ledger()
    for number, token in enumerate((ONE, TWO)):
        ledger.ask(token, SESSION, "line", number).acks.add(f"task_{number + 1}")
    messages, notes, tasks, outbox, posts = [], [], [], [], []
    for number, token in enumerate((ONE, TWO)):
        seq, position, run = 4 * number + 1, number + 1, f"run_{number + 1}"
        asked = StoredMessage(
            session_id=SESSION,
            seq=seq,
            message_id=f"ask_{number}",
            role="user",
            text=question(token),
            position=position,
        )
        said = replace(asked, seq=seq + 2, message_id=f"say_{number}", role="assistant", text=answer_to([token]))
        messages += [asked, said]
        begun = StoredNote(session_id=SESSION, seq=seq + 1, run_id=run, state="thinking", label=None)
        notes += [begun, replace(begun, seq=seq + 3, state="done")]
        tasks.append(
            StoredTask(
                session_id=SESSION,
                position=position,
                task_id=f"task_{position}",
                state="done",
                attempts=1,
                merged_into=None,
            )
        )
        outbox.append(StoredPost(session_id=SESSION, seq=said.seq, post_key=said.message_id, state="sent"))
        posts.append(ShownPost(conversation="c", text=said.text, key=said.message_id))
    evidence = Evidence(tasks=tasks, messages=messages, notes=notes, outbox=outbox, heads={SESSION: 8}, open_leases=[])
    events = sorted(
        [(m.seq, "message", m.message_id) for m in messages] + [(n.seq, "run", f"{n.run_id} {n.state}") for n in notes]
    )
    ledger.watches.append(Watch(name="ann", session_id=SESSION, events=events))
    return ledger, evidence, posts


def kinds(run: Run) -> set[str]:
    """The kinds of break that are found."""
    return {found.kind for found in check(*run)}


def lose_question(run: Run) -> Run:
    """An acked message that is not there."""
    ledger, evidence, posts = run
    return ledger, replace(evidence, messages=[m for m in evidence.messages if ONE not in m.text]), posts


def lose_answer(run: Run) -> Run:
    """A message without an answer."""
    ledger, evidence, posts = run
    return ledger, replace(evidence, messages=[m for m in evidence.messages if m.message_id != "say_1"]), posts


def store_twice(run: Run) -> Run:
    """The same message, stored a second time."""
    ledger, evidence, posts = run
    again = replace(evidence.messages[0], seq=9, message_id="again")
    return ledger, replace(evidence, messages=[*evidence.messages, again]), posts


def answer_twice(run: Run) -> Run:
    """Two answers to one message."""
    ledger, evidence, posts = run
    again = replace(evidence.messages[1], seq=9, message_id="again")
    return ledger, replace(evidence, messages=[*evidence.messages, again]), posts


def show_twice(run: Run) -> Run:
    """One answer, visible twice."""
    ledger, evidence, posts = run
    return ledger, evidence, [*posts, posts[0]]


def show_never(run: Run) -> Run:
    """An answer that nobody sees."""
    ledger, evidence, posts = run
    return ledger, evidence, posts[:1]


def show_late(run: Run) -> Run:
    """The second answer before the first."""
    ledger, evidence, posts = run
    return ledger, evidence, posts[::-1]


def ack_twice(run: Run) -> Run:
    """Two acks that name different tasks."""
    run[0].questions[0].acks.add("task_2")
    return run


def answer_elsewhere(run: Run) -> Run:
    """The answer of one run stored as that of another."""
    ledger, evidence, posts = run
    messages = [replace(m, position=2) if m.message_id == "say_0" else m for m in evidence.messages]
    return ledger, replace(evidence, messages=messages), posts


def swap_line(run: Run) -> Run:
    """What was said first stands last."""
    ledger, evidence, posts = run
    ledger.questions[0].number = 2
    return ledger, evidence, posts


def leave_gap(run: Run) -> Run:
    """A number that nothing has."""
    ledger, evidence, posts = run
    return ledger, replace(evidence, heads={SESSION: 9}), posts


def overlap(run: Run) -> Run:
    """A run that begins while another is on."""
    ledger, evidence, posts = run
    notes = [n for n in evidence.notes if (n.run_id, n.state) != ("run_1", "done")]
    return ledger, replace(evidence, notes=notes), posts


def leave_task(run: Run) -> Run:
    """A task that is still to be done."""
    ledger, evidence, posts = run
    tasks = [replace(evidence.tasks[0], state="running"), *evidence.tasks[1:]]
    return ledger, replace(evidence, tasks=tasks), posts


def leave_lease(run: Run) -> Run:
    """A lease that somebody holds for nothing."""
    ledger, evidence, posts = run
    return ledger, replace(evidence, open_leases=[SESSION]), posts


def miss_event(run: Run) -> Run:
    """A widget client that did not get everything."""
    run[0].watches[0].events.pop()
    return run


@pytest.mark.parametrize(
    ("damage", "kind"),
    [
        (lose_question, "lost"),
        (lose_answer, "lost"),
        (store_twice, "doubled"),
        (answer_twice, "doubled"),
        (show_twice, "doubled"),
        (show_never, "lost"),
        (show_late, "order"),
        (ack_twice, "doubled"),
        (answer_elsewhere, "order"),
        (swap_line, "order"),
        (leave_gap, "gap"),
        (overlap, "overlap"),
        (leave_task, "stuck"),
        (leave_lease, "stuck"),
        (miss_event, "event"),
    ],
)
def test_each_kind_of_break_is_found(damage: Callable[[Run], Run], kind: str) -> None:
    """A checker that sees nothing proves nothing. Proves: RE-16."""
    assert kind in kinds(damage(sound()))


def test_a_sound_run_has_no_breaks() -> None:
    """Or nobody would believe the checker when it finds one."""
    assert check(*sound()) == []


def test_the_same_seed_draws_the_same_plan_and_another_seed_another_one() -> None:
    """A break can be looked for again with the seed that showed it."""
    counts = {FaultKind.KILL: 10, FaultKind.PAUSE: 5}
    plans = [draw_plan(seed, counts, replicas=2, gap_s=1.0) for seed in (1, 1, 2)]
    assert plans[0] == plans[1] != plans[2]
