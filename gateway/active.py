"""What a process works on: a session that it holds, and the task that runs it."""

import asyncio
from dataclasses import dataclass

from gateway.runner import Attempt
from memory.task_records import Outcome

EVICT_AFTER_S = 0.5


@dataclass(slots=True)
class Active:
    """A session that this process works on. `worker` runs it; `run` is the attempt's own task, which `stop` cancels.

    `is_stale`: the lease was lost and taken anew by this same process, whose next worker waits for this one to end.
    """

    worker: asyncio.Task[None] | None = None
    is_stale: bool = False
    attempt: Attempt | None = None
    run: asyncio.Task[Outcome] | None = None
    is_stopped: bool = False

    async def evict(self) -> None:
        """See the end of this worker, whose session is ours anew.

        It may be about to learn that its own end is committed. If not, its lease is lost: what it would still write is
        refused, and its run would get in the way of the next.
        """
        assert self.worker is not None
        await asyncio.wait([self.worker], timeout=EVICT_AFTER_S)
        if not self.worker.done() and not (self.attempt and self.attempt.is_over):
            self.is_stale = True
            self.worker.cancel()
        await asyncio.wait([self.worker])
