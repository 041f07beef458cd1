"""A message as it is kept: said once, and kept anew each time it is asked again. Pure.

Each time has a key of its own: `{message}`, `{message}:told` (read with its thread before Slack told of it) and
`{message}:{edited ts}`. Only the newest counts.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from adapters.slack.ports import FoundMessage
from agent.ids import TaskId, UserId
from agent.tasks import TaskState

DELETED_TEXT = "(this message was deleted)"
REPLACED_TEXT = "(this message was replaced by the next one)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One of them. `task_id` is the task whose run answers it, `state` how that stands; none where it was only kept.

    `is_withdrawn`: its answer is not wanted any more.
    """

    key: str
    seq: int
    author_id: UserId | None
    text: str
    task_id: TaskId | None
    state: str | None
    is_withdrawn: bool

    @property
    def is_open(self) -> bool:
        """Whether it waits for its answer, or is being answered."""
        return self.state in {TaskState.QUEUED, TaskState.RUNNING}


def read_versions(rows: Sequence[FoundMessage]) -> list[Version]:
    """As they are kept, the oldest first."""
    return [
        Version(
            key=key,
            seq=seq,
            author_id=author_id,
            text=text,
            task_id=task_id,
            state=state,
            is_withdrawn=is_withdrawn,
        )
        for key, seq, author_id, text, task_id, state, is_withdrawn in rows
    ]


def told_key(message: str) -> str:
    """Of a message that was read with its thread before."""
    return f"{message}:told"


def edited_key(message: str, edited_ts: str) -> str:
    """Of a message that was edited while it was answered."""
    return f"{message}:{edited_ts}"


def find_newest(versions: Sequence[Version]) -> Version | None:
    """What counts of a message; none where it was never taken in, or is gone."""
    newest = versions[-1] if versions else None
    return None if newest is None or newest.text == DELETED_TEXT else newest


def is_told_late(versions: Sequence[Version]) -> bool:
    """Whether it had been read with its thread, and so was only kept, before Slack told of it as a question."""
    return (
        bool(versions) and versions[0].task_id is None and all(v.key == told_key(versions[0].key) for v in versions[1:])
    )


def is_older_edit(message: str, edited_ts: str, newest: Version) -> bool:
    """Whether an edit comes after a later one had been asked."""
    known_ts = newest.key.removeprefix(f"{message}:")
    return known_ts[:1].isdigit() and newest.key != message and known_ts > edited_ts


def is_asked_again(newest: Version, *, is_for_agent: bool) -> bool:
    """Whether an edit asks a question: it is being answered now, or a process died that was to ask it again, or it
    was only kept and is for the agent now.
    """
    return newest.state == TaskState.RUNNING or newest.is_withdrawn or (newest.task_id is None and is_for_agent)
