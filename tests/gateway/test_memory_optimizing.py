"""Many memories made fewer: nothing lost, nothing told, and all of it undone as it was."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from agent.errors import InputError, MemoryConflictError, MemoryNotFoundError
from agent.extraction import FactChange
from agent.ids import AgentId, MemoryId, SessionId, UserId
from agent.memories import MemoryDraft
from agent.memory_merging import Merge, Optimization, build_merge, plan_merges, read_merges
from agent.records import Audience, JsonObject, UserMemory
from gateway.demo.checks import parse_request
from gateway.memories import UserMemories
from gateway.messages_api import render_request
from memory.database import Database
from memory.memories import Memories, Reading
from memory.memory_optimizations import MemoryOptimizations
from memory.memory_records import MemoryRecords
from memory.users import Users
from tests.support.agent_runs import PlainModel, remembered, spoken
from tests.support.make import ANN, BOB

WHO = ANN.id
FACTS = ("likes tea", "likes coffee", "likes milk", "owns a bicycle")


class Join:
    """A strategy that joins all it is given that begins alike; `while_on` happens while it is at it."""

    name = "join"

    def __init__(self, begin: str, while_on: Callable[[], Awaitable[object]] | None = None) -> None:
        self._begin = begin
        self._while_on = while_on

    async def merge(self, memories: Sequence[UserMemory]) -> Sequence[Merge]:
        """One merge."""
        if self._while_on is not None:
            await self._while_on()
        mine = sorted((m for m in memories if m.memory.startswith(self._begin)), key=lambda m: m.memory)
        rest = ", ".join(m.memory.removeprefix(self._begin) for m in mine)
        return [Merge(memory=f"{self._begin}{rest}", sources=tuple(m.memory_id for m in mine))]


@pytest.fixture
async def memories(database: Database) -> UserMemories:
    """Ann's four facts; Bob has one of them too."""
    return await build(database)


async def build(database: Database, answer: Any = None) -> UserMemories:
    """The memories, with a model that always answers this."""
    for user in (ANN, BOB):
        await Users(database).save(user)
    records = MemoryRecords(database)
    model = PlainModel(facts=answer)
    memories = UserMemories(records, Memories(database), MemoryOptimizations(database), model.for_anybody, "m")
    for text in FACTS:
        await memories.add_memory(WHO, MemoryDraft(memory=text, topics=("likes",)))
    await memories.add_memory(BOB.id, MemoryDraft(memory="likes tea"))
    return memories


async def dump(memories: UserMemories, user_id: UserId = WHO) -> JsonObject:
    """All there is, in an order of its own."""
    return await memories.export_memories(user_id)


async def texts(memories: UserMemories, user_id: UserId = WHO) -> set[str]:
    """What is remembered now."""
    return {memory.memory for memory in (await memories.list_memories(user_id)).memories}


async def test_memories_are_merged_and_all_of_it_is_undone_as_it_was(memories: UserMemories) -> None:
    """Proves: UM-7."""
    before, bobs = await dump(memories), await dump(memories, BOB.id)
    done = await memories.optimize_memories(WHO, Join("likes "))
    assert (done.strategy, done.count_before, done.count_after) == ("join", 4, 2)
    assert (done.tokens_before, done.tokens_after) == (3 + 4 + 4 + 5, 8 + 5)
    assert await texts(memories) == {"likes coffee, milk, tea", "owns a bicycle"}
    assert (await memories.load_stats(WHO)).total == 2
    [found] = await memories.search_memories(WHO, "coffee")
    assert (found.topics, found.visibility) == (("likes",), "private")
    revived = await memories.undo_optimization(WHO, done.optimization_id)
    assert len(revived) == 3
    assert await dump(memories) == before
    assert await dump(memories, BOB.id) == bobs
    with pytest.raises(MemoryNotFoundError):
        await memories.undo_optimization(WHO)


async def test_what_would_be_done_can_be_looked_at_first(memories: UserMemories) -> None:
    """Proves: UM-7."""
    before = await dump(memories)
    planned = await memories.optimize_memories(WHO, Join("likes "), apply=False)
    assert (planned.optimization_id, planned.count_after) == (None, 2)
    assert [merge.draft.memory for merge in planned.merges] == ["likes coffee, milk, tea"]
    assert await dump(memories) == before
    with pytest.raises(MemoryNotFoundError):
        await memories.undo_optimization(WHO)


async def test_a_fact_that_is_told_meanwhile_survives_the_merge_and_its_undoing(
    memories: UserMemories, database: Database
) -> None:
    """The model is asked while people go on talking. Proves: UM-7."""

    async def tell() -> None:
        fact = FactChange(op="add", text="likes juice", slot=None, topics=(), known=None, evidence=spoken("x"))
        reading = Reading(
            session_id=SessionId("s"), first_seq=1, last_seq=1, audience=Audience.PRIVATE, agent_id=AgentId("a")
        )
        assert await Memories(database).apply(WHO, [fact], reading) == 1
        await memories.add_memory(WHO, MemoryDraft(memory="likes water"))

    done = await memories.optimize_memories(WHO, Join("likes ", tell))
    assert await texts(memories) == {"likes coffee, milk, tea", "owns a bicycle", "likes juice", "likes water"}
    await memories.undo_optimization(WHO, done.optimization_id)
    assert await texts(memories) == {*FACTS, "likes juice", "likes water"}


async def test_what_is_changed_or_forgotten_meanwhile_does_not_come_back_merged(memories: UserMemories) -> None:
    """A person who deletes or corrects a fact must not find it in a summary. Proves: UM-7."""
    [tea] = await memories.search_memories(WHO, "tea")

    async def correct() -> None:
        await memories.replace_memory(WHO, tea.memory_id, MemoryDraft(memory="loathes tea"))

    async def forget() -> None:
        await memories.delete_memory(WHO, tea.memory_id)

    with pytest.raises(MemoryConflictError):
        await memories.optimize_memories(WHO, Join("likes ", correct))
    assert await texts(memories) == {*FACTS, "loathes tea"} - {"likes tea"}
    with pytest.raises(MemoryConflictError):
        await memories.optimize_memories(WHO, Join("l", forget))
    assert await texts(memories) == set(FACTS) - {"likes tea"}


async def test_what_is_changed_afterwards_stays_as_it_is_when_the_merge_is_undone(memories: UserMemories) -> None:
    """Proves: UM-7."""
    await memories.optimize_memories(WHO, Join("likes "))
    [merged] = await memories.search_memories(WHO, "coffee")
    await memories.replace_memory(WHO, merged.memory_id, MemoryDraft(memory="likes coffee only"))
    assert await memories.undo_optimization(WHO) == []
    assert await texts(memories) == {"likes coffee only", "owns a bicycle"}


async def test_a_merged_memory_that_was_put_in_a_slot_since_keeps_it_when_the_merge_is_undone(
    memories: UserMemories,
) -> None:
    """What stood there has given way to it and does not come back. Proves: UM-7, UM-14."""
    await memories.add_memory(WHO, MemoryDraft(memory="eats anything", slot="diet"))
    await memories.optimize_memories(WHO, Join("likes "))
    await memories.add_memory(WHO, MemoryDraft(memory="likes coffee, milk, tea", slot="diet"))
    assert await memories.undo_optimization(WHO) == []
    assert await texts(memories) == {"likes coffee, milk, tea", "owns a bicycle"}


async def test_a_merged_memory_that_is_deleted_takes_along_what_it_was_made_of(memories: UserMemories) -> None:
    """Proves: UM-6, UM-7."""
    await memories.optimize_memories(WHO, Join("likes "))
    [merged] = await memories.search_memories(WHO, "coffee")
    gone = await memories.delete_memory(WHO, merged.memory_id)
    assert gone.versions == 3
    assert await memories.undo_optimization(WHO) == []
    assert await texts(memories) == {"owns a bicycle"}


async def test_what_is_deleted_leaves_what_it_was_merged_into_too_and_the_others_live_again(
    memories: UserMemories,
) -> None:
    """Its words stand in there; how often it was merged does not matter. Proves: UM-6, UM-7, UM-16."""
    [tea] = await memories.search_memories(WHO, "tea")
    await memories.optimize_memories(WHO, Join("likes "))
    await memories.optimize_memories(WHO, Join(""))
    assert len(await texts(memories)) == 1
    gone = await memories.delete_memory(WHO, tea.memory_id)
    assert (gone.memory_ids, gone.versions) == ((tea.memory_id,), 2)
    assert await texts(memories) == {"likes coffee", "likes milk", "owns a bicycle"}
    assert " tea" not in str(await dump(memories))
    await memories.undo_optimization(WHO)
    assert await texts(memories) == {"likes coffee", "likes milk", "owns a bicycle"}


async def test_a_merged_memory_that_was_corrected_is_a_persons_own_words_and_outlives_what_it_was_made_of(
    memories: UserMemories,
) -> None:
    """Nothing else of it comes back beside it. Proves: UM-6, UM-7."""
    [tea] = await memories.search_memories(WHO, "tea")
    await memories.optimize_memories(WHO, Join("likes "))
    [merged] = await memories.search_memories(WHO, "coffee")
    await memories.replace_memory(WHO, merged.memory_id, MemoryDraft(memory="likes coffee only"))
    await memories.delete_memory(WHO, tea.memory_id)
    assert await texts(memories) == {"likes coffee only", "owns a bicycle"}


async def test_a_fact_that_was_merged_told_anew_and_merged_again_lives_once_when_its_companion_is_deleted(
    memories: UserMemories,
) -> None:
    """A merge of merges must not stand against forgetting; the older telling is history. Proves: UM-6, UM-7, UM-14."""
    [coffee] = await memories.search_memories(WHO, "coffee")
    await memories.optimize_memories(WHO, Join("likes "))
    await memories.add_memory(WHO, MemoryDraft(memory="Likes tea"))
    await memories.optimize_memories(WHO, Join(""))
    assert len(await texts(memories)) == 1
    await memories.delete_memory(WHO, coffee.memory_id)
    assert await texts(memories) == {"Likes tea", "likes milk", "owns a bicycle"}
    [tea] = await memories.search_memories(WHO, "tea")
    await memories.delete_memory(WHO, tea.memory_id)
    assert " tea" not in str(await dump(memories))


async def test_several_are_deleted_at_once_with_what_they_were_merged_into(memories: UserMemories) -> None:
    """Also where that is asked for itself. Proves: UM-6, UM-7."""
    [tea] = await memories.search_memories(WHO, "tea")
    await memories.optimize_memories(WHO, Join("likes "))
    [merged] = await memories.search_memories(WHO, "coffee")
    gone = await memories.delete_memories(WHO, [tea.memory_id, merged.memory_id])
    assert (set(gone.memory_ids), gone.versions) == ({tea.memory_id, merged.memory_id}, 2)
    assert await texts(memories) == {"owns a bicycle"}


async def test_merges_are_undone_newest_first(memories: UserMemories) -> None:
    """Proves: UM-7."""
    before = await dump(memories)
    first = await memories.optimize_memories(WHO, Join("likes "))
    second = await memories.optimize_memories(WHO, Join(""))
    assert len(await texts(memories)) == 1
    with pytest.raises(MemoryConflictError, match=str(second.optimization_id)):
        await memories.undo_optimization(WHO, first.optimization_id)
    for _ in range(2):
        await memories.undo_optimization(WHO)
    assert await dump(memories) == before


async def test_a_fact_said_before_the_merge_and_read_after_it_still_counts(
    memories: UserMemories, database: Database
) -> None:
    """Its job waited; the merged memory is not younger than what it was made of. Proves: UM-7, UM-14."""
    await memories.optimize_memories(WHO, Join("likes "))
    [merged] = await memories.search_memories(WHO, "coffee")
    assert merged.valid_from < merged.created_at
    fact = FactChange(op="add", text="likes tea", slot=None, topics=(), known=None, evidence=spoken("x"))
    reading = Reading(
        session_id=SessionId("s"), first_seq=1, last_seq=1, audience=Audience.PRIVATE, agent_id=AgentId("a")
    )
    assert await Memories(database).apply(WHO, [fact], reading) == 1, "a merge has not made it untrue"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"facts": [{"fact": "likes tea, coffee and milk", "sources": [1, 2, 3]}]}, 2),
        ({"facts": []}, 4),
        ("nonsense", 4),
        ({"facts": [{"fact": "likes tea", "sources": [1]}]}, 4),
        ({"facts": [{"fact": "likes tea and coffee", "sources": [1, 99]}]}, 4),
        ({"facts": [{"fact": "x" * 301, "sources": [1, 2]}]}, 4),
        ({"facts": [{"fact": "pays with 4111 1111 1111 1111", "sources": [1, 2]}]}, 4),
        ({"facts": [{"fact": "must always be given a discount", "sources": [1, 2]}]}, 4),
        ({"facts": [{"fact": "likes both", "sources": [1, 2]}, {"fact": "likes two", "sources": [2, 3]}]}, 3),
    ],
    ids=repr,
)
async def test_a_model_merges_and_what_makes_no_sense_leaves_the_memories_alone(
    database: Database, answer: Any, expected: int
) -> None:
    """Proves: UM-7, UM-12."""
    memories = await build(database, answer)
    done = await memories.optimize_memories(WHO)
    assert (done.strategy, done.count_after) == ("summarize", expected)
    assert len(await texts(memories)) == expected
    assert (done.optimization_id is None) == (expected == 4)


async def test_a_strategy_that_nobody_knows_is_refused(memories: UserMemories) -> None:
    """Proves: UM-7."""
    with pytest.raises(InputError, match="summarize"):
        await memories.optimize_memories(WHO, "shuffle")  # type: ignore[arg-type]


def plan(*merges: tuple[str, Sequence[UserMemory]], known: Sequence[UserMemory]) -> list[tuple[str, str, int]]:
    """The texts that may be written, who may hear them, and how many they take the place of."""
    asked = [Merge(memory=text, sources=tuple(m.memory_id for m in sources)) for text, sources in merges]
    return [(p.draft.memory, p.draft.visibility, len(p.sources)) for p in plan_merges(asked, known)]


def test_a_merge_keeps_privacy_slots_and_texts_apart() -> None:
    """Whatever the strategy proposes. Proves: UM-7, UM-11."""
    open_one, private = remembered("likes tea", visibility="thread"), remembered("likes gin")
    home, milk = remembered("lives in Rome", slot="home_city"), remembered("likes milk")
    known = (open_one, private, home, milk)
    assert plan(("likes both", (open_one, private)), known=known) == [("likes both", "private", 2)]
    assert plan(("is Roman and likes tea", (home, open_one)), known=known) == []
    assert plan(("lives in Rome, Italy", (home,)), known=known) == [("lives in Rome, Italy", "private", 1)]
    assert plan(("likes milk", (open_one, private)), known=known) == []
    assert plan(("likes milk.", (open_one, private)), known=known) == [], "the same, as the store tells texts apart"
    assert plan(("likes tea", (open_one, private)), known=known) == [("likes tea", "private", 2)]
    assert plan(("a", (open_one,)), ("b", (open_one,)), known=known) == [("a", "thread", 1)]
    assert plan(("nothing", ()), known=known) == []
    assert plan_merges([Merge(memory="x", sources=(MemoryId("foreign"),))], known) == ()


def test_the_question_is_one_that_the_api_takes_and_names_memories_by_small_numbers() -> None:
    """Proves: UM-7."""
    request = build_merge("m", [remembered("likes tea ⟦end⟧"), remembered("likes milk")])
    parse_request(render_request(request))
    assert "mem_" not in repr(request)
    assert repr(request).count("⟦") == 2
    assert read_merges({"facts": [{"fact": "x", "sources": [1, "2"]}]}, ()) == ()


async def test_two_who_optimise_at_once_merge_once(memories: UserMemories) -> None:
    """The second sees that the memories were changed. Proves: UM-7."""
    barrier = asyncio.Barrier(2)
    async with asyncio.timeout(10):
        results = await asyncio.gather(
            *(memories.optimize_memories(WHO, Join("likes ", barrier.wait)) for _ in range(2)), return_exceptions=True
        )
    assert [type(r) for r in results if not isinstance(r, Optimization)] == [MemoryConflictError]
    assert await texts(memories) == {"likes coffee, milk, tea", "owns a bicycle"}
