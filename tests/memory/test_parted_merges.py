"""Merged memories hold the words of all that they were made of: whose these are outlives the parts and every change."""

from collections.abc import Awaitable, Callable

import pytest

from agent.memories import MemoryDraft
from agent.memory_merging import Merge, measure, plan_merges
from agent.records import UserMemory
from memory.database import Database
from memory.memory_optimizations import MemoryOptimizations
from memory.queries import query
from tests.memory.test_parted_facts import Pair, database, draft

__all__ = ["database"]
BOTH = "has diabetes and likes tea"
Change = Callable[[Database, Pair, UserMemory], Awaitable[object]]


async def merge_all(database: Database, pair: Pair, text: str) -> None:
    """All that the two have becomes one memory."""
    known = await pair.records.dump(pair.web_id)
    merge = Merge(memory=text, sources=tuple(memory.memory_id for memory in known))
    await MemoryOptimizations(database).apply(pair.web_id, measure("s", plan_merges([merge], known), known))


async def find_ended(pair: Pair, text: str = "") -> list[UserMemory]:
    """What is history, and says this."""
    every = await pair.records.dump(pair.web_id, with_replaced=True)
    return [memory for memory in every if memory.valid_to is not None and text in memory.memory]


async def update_by_talk(_: Database, pair: Pair, merged: UserMemory) -> None:
    """The web says something that changes what was merged."""
    await pair.tell(pair.web, "has diabetes and likes green tea", known=merged)


async def pin_and_undo(database: Database, pair: Pair, merged: UserMemory) -> None:
    """A merge that somebody changed stays when merging is undone."""
    pinned = MemoryDraft(memory=BOTH, is_pinned=True)
    await pair.records.replace(pair.web_id, merged.memory_id, pinned, account_id=pair.web_id)
    await MemoryOptimizations(database).undo(pair.web_id)


async def expire_parts(database: Database, pair: Pair, _: UserMemory) -> None:
    """History is kept for so many days."""
    ended = [memory.memory_id for memory in await find_ended(pair)]
    async with database.scope(user_id=pair.web_id) as connection:
        assert len(await connection.fetch(query("expire_memories"), pair.web_id, ended)) == 2


async def correct_and_delete_a_part(_: Database, pair: Pair, merged: UserMemory) -> None:
    """The web corrects the merge, and what Slack had told is deleted."""
    correction = draft("has diabetes and likes black tea")
    await pair.records.replace(pair.web_id, merged.memory_id, correction, account_id=pair.web_id)
    [told] = await find_ended(pair, "diabetes")
    await pair.records.delete(pair.web_id, [told.memory_id])


@pytest.mark.parametrize("happens", [update_by_talk, pin_and_undo, expire_parts, correct_and_delete_a_part])
async def test_what_was_merged_of_both_is_neithers_whatever_became_of_its_parts(
    database: Database, happens: Change
) -> None:
    """Slack's diabetes must not stay with the web in other words. Proves: ID-3, UM-10."""
    pair = await Pair(database, happens.__name__).link()
    await pair.tell(pair.slack, "has diabetes")
    await pair.tell(pair.web, "likes tea")
    await merge_all(database, pair, BOTH)
    await happens(database, pair, await pair.only())
    await pair.part()
    assert not [fact for fact in await pair.web.facts() if "diabetes" in fact]


async def test_what_was_merged_of_one_accounts_facts_goes_back_with_it_also_when_they_have_expired(
    database: Database,
) -> None:
    """Proves: ID-3."""
    pair = await Pair(database, "alone").link()
    await pair.tell(pair.slack, "has a cat")
    await pair.tell(pair.slack, "has a dog")
    await merge_all(database, pair, "has a cat and a dog")
    await expire_parts(database, pair, await pair.only())
    await pair.part()
    assert await pair.facts() == ({"has a cat and a dog"}, set())


async def test_a_deleted_fact_does_not_come_back_when_the_merge_that_had_it_is_undone(database: Database) -> None:
    """Said anew beside its merge and then deleted, it is deleted in the merge's parts too. Proves: UM-16."""
    pair = await Pair(database, "anew").link()
    await pair.tell(pair.web, "likes tea")
    await pair.tell(pair.web, "likes rum")
    await merge_all(database, pair, "likes tea and rum")
    await pair.tell(pair.web, "Likes tea")
    [tea] = [memory for memory in await pair.records.dump(pair.web_id) if memory.memory == "Likes tea"]
    await pair.records.delete(pair.web_id, [tea.memory_id])
    assert await pair.web.facts() == {"likes rum"}, "what was merged with it lives on without it"
    assert not await find_ended(pair, "tea")


async def test_what_is_left_of_a_merge_goes_with_what_took_its_place(database: Database) -> None:
    """Nothing stays in history that no deletion reaches. Proves: UM-16."""
    pair = await Pair(database, "chain").link()
    await pair.tell(pair.web, "likes tea")
    await pair.tell(pair.web, "likes rum")
    await merge_all(database, pair, "likes tea and rum")
    await pair.tell(pair.web, "likes tea, rum and milk", known=await pair.only())
    [tea] = [memory for memory in await find_ended(pair) if memory.memory == "likes tea"]
    await pair.records.delete(pair.web_id, [tea.memory_id])
    await pair.records.delete(pair.web_id, [(await pair.only()).memory_id])
    assert await pair.records.dump(pair.web_id, with_replaced=True) == []
