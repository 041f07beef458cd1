"""Compares what was asked with what came of it. Pure: each broken promise is one line."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tests.chaos.evidence import Evidence, StoredMessage, StoredNote
from tests.chaos.ledger import Ledger, Question, Watch
from tests.chaos.platform import ShownPost
from tests.chaos.poster import CHANNEL
from tests.chaos.speech import find_tokens

PREFIX = f"{CHANNEL}:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """A promise that was broken: `kind` is one of lost, doubled, order, gap, overlap, stuck, event."""

    kind: str
    text: str


def check(ledger: Ledger, evidence: Evidence, posts: Sequence[ShownPost]) -> list[Break]:
    """Everything that is wrong."""
    return [
        *check_intake(ledger.questions, evidence.messages),
        *check_acks(ledger.questions, evidence),
        *check_answers(evidence),
        *check_lines(ledger.questions, evidence.messages),
        *check_numbers(evidence),
        *check_overlap(evidence.notes),
        *check_end(evidence),
        *check_posts(evidence, posts),
        *(found for watch in ledger.watches for found in check_watch(watch, evidence)),
    ]


def check_intake(questions: Iterable[Question], messages: Iterable[StoredMessage]) -> Iterator[Break]:
    """Each question that was acked stands in its session, and none stands there twice."""
    stored = Counter((m.session_id, token) for m in messages if m.role == "user" for token in find_tokens(m.text))
    for asked in questions:
        found = stored[asked.session_id, asked.token]
        if asked.acks and not found:
            yield Break(kind="lost", text=f"{asked.token} was acked and is not in {asked.session_id}")
        if found > 1:
            yield Break(kind="doubled", text=f"{asked.token} was stored {found} times")


def check_acks(questions: Iterable[Question], evidence: Evidence) -> Iterator[Break]:
    """All acks of a question name the same thing, which exists."""
    known = {task.task_id for task in evidence.tasks} | {message.message_id for message in evidence.messages}
    for asked in questions:
        if len(asked.acks) > 1:
            yield Break(kind="doubled", text=f"{asked.token} was acked as {sorted(asked.acks)}")
        for ack in asked.acks - known:
            yield Break(kind="lost", text=f"{asked.token} was acked as {ack}, which does not exist")


def check_answers(evidence: Evidence) -> Iterator[Break]:
    """Each question has one answer in its session, which is that of the run its task belongs to."""
    runs = {(task.session_id, task.position): task.merged_into or task.position for task in evidence.tasks}
    answers: dict[tuple[str, str], list[int | None]] = defaultdict(list)
    for message in evidence.messages:
        if message.role == "assistant":
            for token in find_tokens(message.text):
                answers[message.session_id, token].append(message.position)
        elif message.role == "system":
            yield Break(kind="lost", text=f"given up in {message.session_id}: {message.text}")
    for message in evidence.messages:
        if message.role == "user" and message.position is not None:
            for token in find_tokens(message.text):
                found = answers.pop((message.session_id, token), [])
                run = runs.get((message.session_id, message.position))
                if not found:
                    yield Break(kind="lost", text=f"{token} in {message.session_id} has no answer")
                elif len(found) > 1:
                    yield Break(kind="doubled", text=f"{token} in {message.session_id} has {len(found)} answers")
                elif found != [run]:
                    yield Break(kind="order", text=f"{token} was answered by run {found[0]} instead of {run}")
    for session_id, token in answers:
        yield Break(kind="doubled", text=f"{token} was answered in {session_id} without having been asked there")


def check_lines(questions: Iterable[Question], messages: Iterable[StoredMessage]) -> Iterator[Break]:
    """What one sender said one after another stands in that order."""
    seqs = {(m.session_id, token): m.seq for m in messages if m.role == "user" for token in find_tokens(m.text)}
    newest: dict[tuple[str, str], int] = {}
    for asked in sorted(questions, key=lambda one: (one.line, one.number)):
        seq = seqs.get((asked.session_id, asked.token))
        if seq is None:
            continue
        if seq < newest.get((asked.line, asked.session_id), 0):
            yield Break(kind="order", text=f"{asked.token} of {asked.line} stands before what was said earlier")
        newest[asked.line, asked.session_id] = seq


def check_numbers(evidence: Evidence) -> Iterator[Break]:
    """The events of a session are numbered from 1 without gaps, and no number is given twice."""
    numbers: dict[str, list[int]] = defaultdict(list)
    for message in evidence.messages:
        numbers[message.session_id].append(message.seq)
    for note in evidence.notes:
        numbers[note.session_id].append(note.seq)
    for session_id, head in evidence.heads.items():
        if sorted(numbers[session_id]) != list(range(1, head + 1)):
            missing = sorted(set(range(1, head + 1)) - set(numbers[session_id]))
            yield Break(kind="gap", text=f"{session_id}: of 1 to {head} {missing or 'none'} missing")


def check_overlap(notes: Iterable[StoredNote]) -> Iterator[Break]:
    """Between the beginning of a run and its end (or its way back to the queue) no other begins in its session."""
    running: dict[str, str] = {}
    for note in notes:
        current = running.get(note.session_id)
        if note.state == "thinking":
            if current not in {None, note.run_id}:
                yield Break(kind="overlap", text=f"{note.session_id}: {note.run_id} began while {current} was on")
            running[note.session_id] = note.run_id
        elif note.state in {"done", "failed", "stopped", "queued"} and note.run_id == current:
            del running[note.session_id]


def check_end(evidence: Evidence) -> Iterator[Break]:
    """Nothing is left over."""
    for task in evidence.tasks:
        if task.state in {"queued", "running", "dead"}:
            yield Break(kind="stuck", text=f"{task.task_id} in {task.session_id} is {task.state}")
    for session_id in evidence.open_leases:
        yield Break(kind="stuck", text=f"the lease of {session_id} has an owner or counts work")
    for post in evidence.outbox:
        if post.state != "sent":
            yield Break(kind="stuck", text=f"the post of {post.session_id} {post.seq} is {post.state}")


def check_posts(evidence: Evidence, posts: Sequence[ShownPost]) -> Iterator[Break]:
    """On the platform each answer is shown once, as it is stored, in the order of its session."""
    shown = Counter(post.key for post in posts)
    answers = {m.message_id: m for m in evidence.messages if m.role != "user" and m.session_id.startswith(PREFIX)}
    for key, answer in answers.items():
        if shown[key] != 1:
            kind = "doubled" if shown[key] else "lost"
            yield Break(kind=kind, text=f"answer {answer.seq} of {answer.session_id} is shown {shown[key]} times")
    newest: dict[str, int] = {}
    for post in posts:
        found = answers.get(post.key)
        if found is None or found.text != post.text or found.session_id != PREFIX + post.conversation:
            yield Break(kind="doubled", text=f"a post in {post.conversation} is no stored answer of it")
        elif found.seq < newest.get(post.conversation, 0):
            if shown[post.key] == 1:
                yield Break(kind="order", text=f"answer {found.seq} of {found.session_id} is shown after a later one")
        else:
            newest[post.conversation] = found.seq


def check_watch(watch: Watch, evidence: Evidence) -> Iterator[Break]:
    """A widget client saw every durable event of its session once and in order."""
    for fault in watch.faults:
        yield Break(kind="event", text=f"{watch.name}: {fault}")
    log = [(m.seq, "message", m.message_id) for m in evidence.messages if m.session_id == watch.session_id]
    log += [(n.seq, "run", f"{n.run_id} {n.state}") for n in evidence.notes if n.session_id == watch.session_id]
    if sorted(log) != watch.events:
        missed = len(set(log) - set(watch.events))
        made_up = len(set(watch.events) - set(log))
        yield Break(
            kind="event", text=f"{watch.name} saw {len(watch.events)} events: {missed} missed, {made_up} not there"
        )
