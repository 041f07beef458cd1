"""Durable work off the reply path: taken by one worker at a time, tried again until it is done or given up."""

from dataclasses import dataclass

from agent.ids import AgentId, SessionId, UserId
from memory.database import Database
from memory.queries import query

VISIBLE_AGAIN_S = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One piece of work. `attempts` counts from 1; `version` tells whether it was asked for again meanwhile."""

    kind: str
    session_id: SessionId
    user_id: UserId
    agent_id: AgentId
    version: int
    attempts: int


class Jobs:
    """The queue of durable work."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def take(self) -> Job | None:
        """The job that has been due longest; others do not see it for two minutes."""
        row = await self._database.fetchrow(query("take_job"), VISIBLE_AGAIN_S)
        return Job(**row) if row else None

    async def end(self, job: Job) -> None:
        """Done, unless it was asked for again meanwhile; then it stays."""
        await self._database.execute(query("end_job"), job.kind, job.session_id, job.user_id, job.version)

    async def delay(self, job: Job, after_s: float, note: str) -> None:
        """Try again later. `note` is for operators and holds no text of people."""
        await self._database.execute(query("delay_job"), job.kind, job.session_id, job.user_id, after_s, note)

    async def next_in(self) -> float | None:
        """Seconds until the next job is due; none when there is none."""
        row = await self._database.fetchrow(query("next_job_in"))
        return None if row is None else row[0]
