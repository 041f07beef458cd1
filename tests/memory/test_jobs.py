"""Durable work: one row per key, one worker at a time, asked for anew while it is done."""

from dataclasses import replace

from agent.ids import AgentId, SessionId, UserId, WorkerId
from memory.database import Database
from memory.jobs import EXTRACT, Job, Jobs
from memory.tasks import Tasks
from tests.memory.test_tasks import done
from tests.support.make import inbound

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
    assert await jobs.take() is None, "not beside the one who is at it, or a burst would cost a call for each message"
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
    await ask(database)
    await ask(database, "other")
    other = await jobs.take()
    assert other is not None
    assert other.user_id == "other"
    await jobs.end(other)
    assert await jobs.take() is None
    assert 50 < (await jobs.next_in() or 0) <= 60


async def test_work_that_is_not_done_yet_goes_on_at_once(database: Database) -> None:
    """Much to read is read in pieces."""
    jobs = Jobs(database)
    await ask(database)
    job = await jobs.take()
    assert job is not None
    await jobs.end(job, has_more=True)
    again = await jobs.take()
    assert again is not None
    assert (again.version, again.attempts) == (job.version, 1)


async def test_who_does_one_kind_of_work_is_given_no_other(database: Database) -> None:
    """Each kind has its own hands."""
    await ask(database)
    others = Jobs(database, ["tidy"])
    assert await others.take() is None
    assert await others.next_in() is None
    assert await Jobs(database, ["tidy", EXTRACT]).take() is not None


async def test_words_that_keep_coming_put_the_work_off_only_so_long(database: Database) -> None:
    """Who never stops talking is remembered too. Proves: UM-3."""
    tasks = Tasks(database, WorkerId("me"))
    due: list[float] = []
    for n in range(8):
        claim = (await tasks.accept(inbound(f"I like dish {n}"), may_take=True)).claim
        assert claim is not None
        await tasks.finish(claim, replace(done(), extract_after_s=100.0), may_keep=False)
        [row] = await database.fetch("SELECT extract(epoch FROM run_at - now())::float8 AS due FROM jobs")
        due.append(row["due"])
        await database.execute(
            "UPDATE jobs SET run_at = run_at - interval '90 s', asked_at = asked_at - interval '90 s'"
        )
    assert all(95 < s <= 100 for s in due[:5]), "each message puts it off"
    assert due[5] < 55, "but not past five times as long after the first"
    assert due[6] < 0
