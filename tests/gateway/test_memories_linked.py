"""Memories under an id that became another: programs keep ids for years, and people link their accounts meanwhile."""

import asyncio

import pytest

from agent.errors import AskerChangedError, UserNotFoundError
from agent.ids import MemoryId
from agent.memories import MemoryDraft
from agent.records import UserMemory
from gateway.memories import UserMemories
from memory.database import Database
from memory.erasure import Erasures
from memory.links import Links
from memory.memory_records import MemoryRecords
from memory.users import Users
from tests.gateway.test_memories import add, build, texts
from tests.support.make import ANN, BOB


@pytest.fixture
async def memories(database: Database) -> UserMemories:
    """Ann became Bob, who has a memory of his own."""
    for user in (ANN, BOB):
        await Users(database).save(user)
    memories = build(database)
    await add(memories, "likes rain", BOB.id)
    await Links(database).merge(ANN.id, BOB.id, "code")
    return memories


async def test_an_id_that_became_another_reads_and_writes_what_that_one_has(memories: UserMemories) -> None:
    """Nothing is empty, lost or refused because of an old id. Proves: ID-3, UM-6."""
    assert await texts(memories, ANN.id) == ["likes rain"]
    made = await add(memories, "likes tea", ANN.id)
    assert await memories.load_memory(ANN.id, made.memory_id) == made
    assert made.user_id == BOB.id
    assert (await add(memories, "likes tea", ANN.id)).memory_id == made.memory_id, "the same is remembered once"
    changed, is_new = await memories.upsert_memory(ANN.id, made.memory_id, MemoryDraft(memory="likes milk"))
    assert (changed.memory, is_new) == ("likes milk", False)
    assert [memory.memory for memory in await memories.search_memories(ANN.id, "milk")] == ["likes milk"]
    file = await memories.export_memories(ANN.id)
    assert file == await memories.export_memories(BOB.id)
    assert (await memories.import_memories(ANN.id, file)).replaced == 2
    assert await memories.export_memories(BOB.id) == file
    assert len((await memories.clear_memories(ANN.id)).memory_ids) == 2
    assert await texts(memories, BOB.id) == []


async def test_who_was_erased_has_no_memories_under_any_id(memories: UserMemories, database: Database) -> None:
    """It says so, and does not look like an empty drawer. Proves: UM-16."""
    await Erasures(database).erase(BOB.id)
    for user_id in (ANN.id, BOB.id):
        for attempt in (memories.list_memories(user_id), add(memories, "likes tea", user_id)):
            with pytest.raises(UserNotFoundError):
                await attempt


async def test_who_is_linked_at_the_moment_of_writing_is_never_written_to_under_the_old_id(
    memories: UserMemories, database: Database
) -> None:
    """Between looking the id up and taking the lock the link may come. Proves: ID-3, UM-6."""
    records = MemoryRecords(database)
    for attempt in (records.clear(ANN.id), records.find(ANN.id, MemoryId("m"))):
        with pytest.raises(AskerChangedError):
            await attempt
    assert await texts(memories, BOB.id) == ["likes rain"]


async def test_what_is_written_while_accounts_are_linked_is_the_linked_persons_or_refused(database: Database) -> None:
    """And neither waits for the other for ever. Proves: ID-3, UM-6."""
    for user in (ANN, BOB):
        await Users(database).save(user)
    memories = build(database)
    writes = [add(memories, f"likes dish {n}", (ANN if n % 2 else BOB).id) for n in range(12)]
    async with asyncio.timeout(20):
        link, *done = await asyncio.gather(
            Links(database).merge(ANN.id, BOB.id, "code"), *writes, return_exceptions=True
        )
    assert link is None
    assert not [one for one in done if isinstance(one, BaseException) and not isinstance(one, AskerChangedError)]
    kept = {one.memory for one in done if isinstance(one, UserMemory)}
    assert set(await texts(memories, ANN.id)) == set(await texts(memories, BOB.id)) == kept
