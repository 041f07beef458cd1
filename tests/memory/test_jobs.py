"""Durable work: one row per key, one worker at a time, asked for anew while it is done."""

from agent.ids import AgentId, SessionId, UserId
from memory.database import Database
from memory.jobs import Job, Jobs

ASK = """
INSERT INTO jobs AS j (kind, session_id, user_id, agent_id, run_at) VALUES ('extract', 's', $1, 'a', now())
ON CONFLICT (kind, session_id, user_id) DO UPDATE SET version = j.version + 1, run_at = now()
"""


async def ask(database: Database, user_id: str = "u") -> None:
    """Ask for a job that is due."""
    await database.execute(ASK, user_id)


async def test_a_job_is_one_workers_until_it_is_done(database: Database) -> None:
    """Two processes must not do the same work."""
    jobs = Jobs(database)
    assert await jobs.take() is None
    assert await jobs.next_in() is None
    await ask(database)
    job = await jobs.take()
    assert job == Job(
        kind="extract",
        session_id=SessionId("s"),
        user_id=UserId("u"),
        agent_id=AgentId("a"),
        version=1,
        attempts=1,
    )
    assert await jobs.take() is None
    assert 100 < (await jobs.next_in() or 0) <= 120, "a worker that dies leaves it to others"
    await jobs.end(job)
    assert await jobs.next_in() is None


async def test_a_job_that_is_asked_for_while_it_is_done_is_done_again(database: Database) -> None:
    """What was said meanwhile must be read too."""
    jobs = Jobs(database)
    await ask(database)
    job = await jobs.take()
    assert job is not None
    await ask(database)
    await jobs.end(job)
    again = await jobs.take()
    assert again is not None
    assert again.version == 2
    await jobs.end(again)
    assert await jobs.take() is None


async def test_a_job_that_failed_waits_and_others_go_on(database: Database) -> None:
    """One speaker's trouble holds up nobody else."""
    jobs = Jobs(database)
    await ask(database)
    job = await jobs.take()
    assert job is not None
    await jobs.delay(job, 60.0, "ModelUnavailableError")
    await ask(database, "other")
    other = await jobs.take()
    assert other is not None
    assert other.user_id == "other"
    await jobs.end(other)
    assert await jobs.take() is None
    assert 50 < (await jobs.next_in() or 0) <= 60
