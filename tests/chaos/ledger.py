"""What the clients of a run asked, what was acked to them and what they saw: one side of the checker's comparison."""

from dataclasses import dataclass, field


@dataclass(slots=True, kw_only=True)
class Question:
    """One thing said. Those of one `line` follow one another: the next is sent when this one was acked.

    `acks` holds what each ack named (a task id or a message id); they have to agree.
    """

    token: str
    session_id: str
    line: str
    number: int
    acks: set[str] = field(default_factory=set)


@dataclass(slots=True, kw_only=True)
class Watch:
    """What one widget client got: its durable events in order, as (seq, kind, id), and what went against the rules."""

    name: str
    session_id: str = ""
    events: list[tuple[int, str, str]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    reconnects: int = 0


@dataclass(slots=True, kw_only=True)
class Ledger:
    """`waits_s` are the seconds until an HTTP request was acked, `refusals_s` until it was refused, by channel and
    status."""

    questions: list[Question] = field(default_factory=list)
    watches: list[Watch] = field(default_factory=list)
    waits_s: list[float] = field(default_factory=list)
    refusals_s: dict[tuple[str, int], list[float]] = field(default_factory=dict)
    lost_requests: int = 0
    deliveries: int = 0

    def ask(self, token: str, session_id: str, line: str, number: int) -> Question:
        """Note a question before it is sent."""
        question = Question(token=token, session_id=session_id, line=line, number=number)
        self.questions.append(question)
        return question
