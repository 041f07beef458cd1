"""The answers of one session are posted in its order, those of many side by side."""

from dataclasses import replace

from agent.ids import SessionId, WorkerId
from memory.database import Database
from memory.outbox import Outbox
from memory.tasks import Tasks
from tests.memory.test_tasks import done
from tests.support.make import inbound

ME, OTHER = WorkerId("me"), WorkerId("other")


async def answer(database: Database, session_id: str, text: str) -> None:
    """A run whose answer is to be posted."""
    tasks = Tasks(database, ME)
    message = replace(inbound(text, session_id=SessionId(session_id)), channel="post", reply_to={"to": session_id})
    claim = (await tasks.accept(message, may_take=True)).claim
    assert claim is not None
    await tasks.finish(claim, done(f"answer to {text}"), may_keep=True)


async def test_an_answer_that_waits_for_its_next_try_is_not_overtaken_by_a_later_one(database: Database) -> None:
    """A thread must not show the second answer before the first, whatever happened to the first. Proves: RE-13."""
    await answer(database, "s1", "one")
    await answer(database, "s1", "two")
    await answer(database, "s2", "three")
    mine, others = Outbox(database, ME), Outbox(database, OTHER)
    first = await mine.take(["post"])
    assert first is not None
    await mine.delay(first, 3600, may_stand=True, note="answer lost")
    elsewhere = await others.take(["post"])
    assert elsewhere is not None
    assert elsewhere.session_id == "s2"
    assert await mine.take(["post"]) is None
    await others.end(elsewhere, "sent", posted_as="p")
    assert 3500 < (await mine.next_in(["post"]) or 0) <= 3600, "what has to wait for another is not due"


async def test_an_answer_that_another_process_is_posting_holds_back_the_next(database: Database) -> None:
    """Two processes post side by side, never two answers of one thread. Proves: RE-13."""
    await answer(database, "s1", "one")
    await answer(database, "s1", "two")
    mine, others = Outbox(database, ME), Outbox(database, OTHER)
    first = await mine.take(["post"])
    assert first is not None
    assert await others.take(["post"]) is None
    await mine.end(first, "failed", note="refused for good")
    second = await others.take(["post"])
    assert second is not None
    assert second.seq > first.seq
