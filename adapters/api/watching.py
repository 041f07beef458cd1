"""Which of a session's events belong to one task. No I/O: what has to be asked of the gateway is said, not done."""

from agent.ids import RunId, TaskId, run_id_of
from agent.records import LogEntry, Message, RunNote, RunState
from agent.signals import Delta
from agent.tasks import TaskStatus


class TaskWatch:
    """The runs that a task is answered by: its own, and the earlier one that it may be merged into.

    A merge leaves no event of its own in the log. So when another run begins or speaks before this task's own run did,
    `has_to_ask` is true, and `learn` takes the task's status as the answer.
    """

    def __init__(self, task_id: TaskId) -> None:
        self.own_run_id = run_id_of(task_id)
        self._runs = {self.own_run_id}
        self._others: set[RunId] = set()
        self._is_settled = False

    def has_to_ask(self, entry: LogEntry | Delta) -> bool:
        """Whether it cannot be told from here if the entry belongs to the task."""
        if self._is_settled or entry.run_id is None or entry.run_id in self._runs:
            return False
        match entry:
            case RunNote(state=RunState.QUEUED):
                return False
            case RunNote(state=RunState.THINKING):
                # A run that begins, or begins again, takes up what the same person said meanwhile.
                return True
            case Message(role="user"):
                return False
        return entry.run_id not in self._others

    def learn(self, status: TaskStatus, entry: LogEntry | Delta | None = None) -> None:
        """Take in how the task stood after `entry` was written."""
        if status.run_id != self.own_run_id:
            self._runs.add(status.run_id)
            self._is_settled = True
        if entry is not None and entry.run_id is not None and entry.run_id not in self._runs:
            self._others.add(entry.run_id)

    def picks(self, entry: LogEntry | Delta) -> bool:
        """Whether the entry belongs to the task: not what people said, but what came of it."""
        if entry.run_id not in self._runs:
            return False
        if isinstance(entry, RunNote) and entry.state is not RunState.QUEUED and entry.run_id == self.own_run_id:
            self._is_settled = True
        return not (isinstance(entry, Message) and entry.role == "user")

    def is_end(self, entry: LogEntry | Delta) -> bool:
        """Whether nothing more of the task comes after the entry."""
        return isinstance(entry, RunNote) and entry.run_id in self._runs and entry.state.is_final
