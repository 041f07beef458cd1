"""What is past its time is deleted, and nothing else: the data is made old, nobody waits."""

from collections.abc import Sequence

import pytest

from agent.errors import MemoryNotFoundError
from agent.ids import SessionId, UserId
from agent.memories import MemoryDraft
from agent.memory_merging import Merge
from agent.records import Audience, Identity, User, UserMemory
from gateway.config_file import parse_config
from gateway.retention import FOR_EVER, Periods, Retention
from memory.database import Database
from memory.retention import Expiry
from tests.support.agent_runs import EchoModel
from tests.support.gateway import find_text, open_core, run_sql
from tests.support.make import ANN, BOB

OLD, NEW = SessionId("web:demo:old"), SessionId("web:demo:new")
YEAR = Periods(sessions_days=30, attachments_days=10, memories_days=60, memory_history_days=20)


class JoinTwo:
    """A strategy that merges two memories into one that says both."""

    name = "join-two"

    def __init__(self, *texts: str) -> None:
        self._texts = texts

    async def merge(self, memories: Sequence[UserMemory]) -> Sequence[Merge]:
        """One merge."""
        by_text = {memory.memory: memory.memory_id for memory in memories}
        return [Merge(memory=" and ".join(self._texts), sources=tuple(by_text[text] for text in self._texts))]


async def age(url: str, statement: str) -> None:
    """Make something old, as a superuser."""
    await run_sql(url, statement)


@pytest.fixture
async def retention(database: Database) -> Retention:
    """With a period for everything."""
    return Retention(Expiry(database), YEAR)


async def test_a_conversation_in_which_nothing_was_done_for_long_goes_with_all_that_belongs_to_it(
    database_url: str, retention: Retention
) -> None:
    """And leaves nothing behind, while one that waits or is younger stays. Proves: UM-16."""
    async with open_core(database_url, EchoModel()) as core:
        for place in (OLD, NEW, SessionId("web:demo:waits")):
            await core.ask(f"zebrafish {place}", session_id=place)
    await age(
        database_url, "UPDATE sessions SET updated_at = now() - interval '40 days' WHERE session_id <> 'web:demo:new'"
    )
    await age(database_url, "UPDATE session_leases SET queued = 1 WHERE session_id = 'web:demo:waits'")
    assert not await retention.work()
    assert await find_text(database_url, OLD) == set()
    left = await run_sql(database_url, "SELECT session_id FROM sessions ORDER BY session_id")
    assert [row[0] for row in left] == [NEW, "web:demo:waits"]
    async with open_core(database_url, EchoModel()) as core:
        assert (await core.ask("again", session_id=OLD)).text == "again", "it can begin anew"


async def test_facts_go_when_they_were_not_used_and_history_when_it_ended_long_ago(
    database_url: str, retention: Retention
) -> None:
    """Of every person, and of each only what is old; what is pinned or was used stays. Proves: UM-16."""
    async with open_core(database_url, EchoModel()) as core:
        service = core.gateway.service
        for user in (ANN, BOB):
            await service.ensure_user(Identity(tenant="default", channel="id", external_id=user.id), user)
            for n, slot in (("old", None), ("used", None), ("new", None), ("first", "job"), ("second", "job")):
                await service.memories.add_memory(user.id, MemoryDraft(memory=f"{n} {user.id}", slot=slot))
            pinned = MemoryDraft(memory=f"pinned {user.id}", is_pinned=True)
            await service.memories.add_memory(user.id, pinned)
        old = "updated_at = now() - interval '70 days'"
        await age(database_url, f"UPDATE user_memories SET {old} WHERE memory ~ '^(old|used|pinned)'")
        await age(database_url, "UPDATE user_memories SET last_used_at = now() WHERE memory LIKE 'used%'")
        await age(
            database_url,
            "UPDATE user_memories SET updated_at = now() - interval '21 days', valid_from = now() - interval '30 days',"
            " valid_to = now() - interval '21 days' WHERE memory LIKE 'first%'",
        )
        await retention.work()
        rows = await run_sql(database_url, "SELECT memory FROM user_memories")
        assert {row[0] for row in rows} == {
            f"{n} {user.id}" for user in (ANN, BOB) for n in ("used", "new", "second", "pinned")
        }


@pytest.mark.parametrize("batch", [1, 500])
async def test_what_was_merged_out_of_facts_that_are_gone_stays_whoever_wants_to_undo_it(
    database_url: str, database: Database, batch: int
) -> None:
    """To part it would leave nothing; a younger merge can still be parted. Proves: UM-7, UM-16."""
    async with open_core(database_url, EchoModel()) as core:
        service = core.gateway.service
        memories = service.memories
        await service.ensure_user(Identity(tenant="default", channel="id", external_id=ANN.id), ANN)
        for kind in ("tea", "coffee", "milk"):
            await memories.add_memory(ANN.id, MemoryDraft(memory=f"likes {kind}"))
        await memories.optimize_memories(ANN.id, JoinTwo("likes coffee", "likes tea"))
        old = "updated_at = now() - interval '99 days', valid_to = now() - interval '40 days'"
        await age(database_url, f"UPDATE user_memories SET {old} WHERE valid_to IS NOT NULL")
        await memories.optimize_memories(ANN.id, JoinTwo("likes coffee and likes tea", "likes milk"))
        assert await Expiry(database).expire_memory_history(20, batch) == min(batch, 2)
        await memories.undo_optimization(ANN.id)
        with pytest.raises(MemoryNotFoundError):
            await memories.undo_optimization(ANN.id)
        page = await memories.list_memories(ANN.id)
    assert {memory.memory for memory in page.memories} == {"likes coffee and likes tea", "likes milk"}


async def test_files_go_before_the_words_they_came_with(database_url: str, retention: Retention) -> None:
    """Proves: UM-16."""
    async with open_core(database_url, EchoModel()) as core:
        await core.ask("see here", audience=Audience.PRIVATE)
        for n, days in (("a", 11), ("b", 9)):
            await run_sql(
                database_url,
                "INSERT INTO attachments"
                " (session_id, attachment_id, user_id, name, media_type, size_bytes, content, seq, at)"
                " VALUES ('web:demo:t1', $1, 'ann', 'x', 'text/plain', 1, '', 1, now() - $2 * interval '1 day')",
                n,
                days,
            )
        await retention.work()
        assert [row[0] for row in await run_sql(database_url, "SELECT attachment_id FROM attachments")] == ["b"]
        assert await core.talk() == ["Ann: see here", "Assistant: see here"]


async def test_without_periods_nothing_is_ever_deleted(database_url: str, database: Database) -> None:
    """Kept for ever is the default. Proves: UM-16."""
    async with open_core(database_url, EchoModel()) as core:
        await core.ask("keep me", user=User(id=UserId("ann")))
    await age(database_url, "UPDATE sessions SET updated_at = now() - interval '40 years'")
    await Retention(Expiry(database), FOR_EVER).work()
    assert "messages" in await find_text(database_url, "keep me")


def test_periods_are_read_from_the_file() -> None:
    """In days. Proves: UM-16."""
    file = parse_config(b"[retention]\nsessions_days = 30\n", "x.toml")
    assert Periods(**file.retention.model_dump()) == Periods(sessions_days=30)
