"""What the task engine's store gives and is given: claims, intakes, starts, outcomes, ends."""

from dataclasses import dataclass

from agent.ids import AgentId, RunId, SessionId, TaskId, UserId, run_id_of
from agent.records import Message, Run, RunNote, RunState
from agent.tasks import Accepted, TaskState


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The right to run a task: the session, the fence, and the task at its head. `attempt` is 0 until it is started."""

    session_id: SessionId
    epoch: int
    position: int
    task_id: TaskId
    user_id: UserId | None
    agent_id: AgentId
    attempt: int = 0

    @property
    def run_id(self) -> RunId:
        """The id of the task's run."""
        return run_id_of(self.task_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """What a commit of a message brought: its proof, its log entries, and the claim when its run may start at once."""

    accepted: Accepted
    entries: tuple[Message | RunNote, ...] = ()
    claim: Claim | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """A run that begins: which attempt it is, the runs it answers along with its own, and the note for the log."""

    attempt: int
    merged: tuple[RunId, ...]
    note: RunNote


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a task ended. `answer` is the text to keep (none: nothing is said); `run` what is to be stored of the run.

    `extract_after_s`: when what was said should be read for facts (none: it should not now),
    `is_unread`: it should not later either, since nothing was to be learned when it was said,
    `title_after_s`: when the session should be given a title, `approval_s`: how long the run's asks may wait.
    """

    state: TaskState
    run_state: RunState
    run: Run | None
    answer: str | None
    answer_role: str = "assistant"
    note: str | None = None
    merged: tuple[RunId, ...] = ()
    extract_after_s: float | None = None
    is_unread: bool = False
    title_after_s: float | None = None
    approval_s: float = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish:
    """A committed end: its log entries, the session's next claim if it was kept, and how much else waits there."""

    entries: tuple[Message | RunNote, ...]
    next: Claim | None
    waiting: int
    is_posted: bool
