"""What is remembered: once, by the newest word, and never again once forgotten."""

import asyncio
import itertools
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from agent.extraction import FactChange
from agent.ids import AgentId, SessionId, UserId
from agent.memories import MemoryDraft
from agent.records import Audience, UserMemory
from memory.database import Database
from memory.links import Links
from memory.memories import Memories, Reading, fact_hash
from memory.memory_records import MemoryRecords
from memory.users import Users
from tests.support.agent_runs import AT, spoken
from tests.support.make import ANN, BOB, SESSION

AGENT = AgentId("assistant")
WHO = ANN.id


@pytest.fixture
def memories(database: Database) -> Memories:
    """An empty memory."""
    return Memories(database)


def change(
    text: str, *, minutes: int = 0, slot: str | None = None, op: str = "add", known: UserMemory | None = None
) -> FactChange:
    """A believed change, said so many minutes after the first."""
    evidence = replace(spoken(text, seq=minutes + 1), at=AT + timedelta(minutes=minutes))
    return FactChange(op=op, text=text, slot=slot, topics=(), known=known, evidence=evidence)  # type: ignore[arg-type]


_SESSIONS = itertools.count()


async def apply(
    memories: Memories, *changes: FactChange, user_id: UserId = WHO, audience: Audience = Audience.PRIVATE
) -> int:
    """Store changes of Ann's facts, each time as if read in a session of its own."""
    session_id = SessionId(f"{SESSION}-{next(_SESSIONS)}")
    reading = Reading(session_id=session_id, first_seq=1, last_seq=1, audience=audience, agent_id=AGENT)
    async with asyncio.timeout(10):
        return await memories.apply(user_id, changes, reading)


async def texts(memories: Memories, user_id: UserId = WHO) -> set[str]:
    """What is remembered now."""
    return {memory.memory for memory in await memories.list_all(user_id)}


async def slots(memories: Memories) -> dict[str, str | None]:
    """What is remembered of Ann now, and in which slots."""
    return {memory.memory: memory.slot for memory in await memories.list_all(WHO)}


async def test_a_hundred_identical_extractions_at_once_leave_one_fact(memories: Memories) -> None:
    """Two processes may read the same words at the same moment. Proves: UM-14."""
    changed = await asyncio.gather(*(apply(memories, change("likes tea")) for _ in range(100)))
    assert sum(changed) == 1
    assert await texts(memories) == {"likes tea"}


async def test_the_same_fact_in_other_letters_is_the_same_fact(memories: Memories) -> None:
    """Proves: UM-14."""
    assert await apply(memories, change("Likes  tea.")) == 1
    assert await apply(memories, change("likes tea")) == 0
    assert fact_hash("Likes  tea.") == fact_hash("likes tea")


async def test_a_newer_fact_takes_the_slot_and_the_older_is_kept_as_history(
    memories: Memories, database: Database
) -> None:
    """Moved from Berlin to Paris. Proves: UM-14."""
    await apply(memories, change("lives in Berlin", slot="home_city"))
    await apply(memories, change("lives in Paris", slot="home_city", minutes=5))
    assert await texts(memories) == {"lives in Paris"}
    async with database.scope(user_id=WHO) as connection:
        rows = await connection.fetch(
            "SELECT memory_id, memory, valid_from, valid_to, supersedes FROM user_memories ORDER BY valid_from"
        )
    berlin, paris = rows
    assert (berlin["memory"], berlin["valid_to"]) == ("lives in Berlin", AT + timedelta(minutes=5))
    assert (paris["supersedes"], paris["valid_from"]) == (berlin["memory_id"], AT + timedelta(minutes=5))


async def test_old_words_that_are_read_late_do_not_replace_what_was_said_since(memories: Memories) -> None:
    """A job that waited for the model reads yesterday's words today. Proves: UM-14."""
    await apply(memories, change("lives in Paris", slot="home_city", minutes=5))
    [paris] = await memories.list_all(WHO)
    assert await apply(memories, change("lives in Berlin", slot="home_city")) == 0
    assert await apply(memories, change("", op="retire", known=paris)) == 0
    assert await texts(memories) == {"lives in Paris"}


@pytest.mark.parametrize("is_forgotten", [False, True])
async def test_what_was_forgotten_stays_forgotten_until_it_is_said_anew(memories: Memories, is_forgotten: bool) -> None:
    """Old messages must not bring it back. Proves: UM-16."""
    await apply(memories, change("likes tea"))
    [tea] = await memories.list_all(WHO)
    gone = replace(change("", op="retire", known=tea, minutes=5), is_forgotten=is_forgotten)
    assert await apply(memories, gone) == 1
    assert await texts(memories) == set()
    assert await apply(memories, change("likes tea", minutes=3)) == 0
    assert await apply(memories, change("likes tea", minutes=7)) == 1
    assert await texts(memories) == {"likes tea"}


@pytest.mark.parametrize(("is_forgotten", "kept"), [(False, 2), (True, 1)])
async def test_a_fact_forgotten_and_said_anew_in_one_burst_is_known(
    memories: Memories, database: Database, is_forgotten: bool, kept: int
) -> None:
    """What counts is when it was said, not when it was read. Proves: UM-16."""
    await apply(memories, change("likes tea"))
    [tea] = await memories.list_all(WHO)
    gone = replace(change("", op="retire", known=tea, minutes=5), is_forgotten=is_forgotten)
    await apply(memories, gone, change("likes tea", minutes=6))
    assert await texts(memories) == {"likes tea"}
    async with database.scope(user_id=WHO) as connection:
        assert len(await connection.fetch("SELECT FROM user_memories")) == kept, (
            "what is to be forgotten has no history"
        )


@pytest.mark.parametrize(
    ("other", "left"),
    [
        (change("lives in Paris", slot="home_city", minutes=5), {"lives in Paris"}),
        (change("lives in Paris", slot="home_city", op="update", minutes=6), {"lives in Paris"}),
        (change("likes rum", op="update", minutes=5), {"likes rum"}),
        (change("", op="retire", minutes=4), set()),
    ],
)
@pytest.mark.parametrize("is_first", [False, True])
async def test_what_else_a_burst_says_of_a_fact_does_not_keep_it_from_being_forgotten(
    memories: Memories, database: Database, other: FactChange, left: set[str], is_first: bool
) -> None:
    """ "I moved to Paris, forget that I lived in Berlin", in whichever order a model puts it. Proves: UM-16."""
    await apply(memories, change("lives in Berlin", slot="home_city"), change("likes rum"))
    [berlin] = [memory for memory in await memories.list_all(WHO) if memory.slot]
    forget = replace(change("", op="retire", known=berlin, minutes=5), is_forgotten=True)
    other = replace(other, known=berlin) if other.op != "add" else other
    await apply(memories, *((forget, other) if is_first else (other, forget)))
    async with database.scope(user_id=WHO) as connection:
        rows = await connection.fetch("SELECT memory FROM user_memories")
    assert sorted(row["memory"] for row in rows) == sorted({"likes rum", *left})


async def test_what_was_told_in_private_stays_private_also_when_it_is_changed_in_front_of_others(
    memories: Memories,
) -> None:
    """Proves: UM-11."""
    await apply(memories, change("has a sore knee"))
    await apply(memories, change("likes tea"), audience=Audience.SHARED)
    seen = await memories.find_related(WHO, "sore knee and tea", 10, Audience.SHARED)
    assert [memory.memory for memory in seen] == ["likes tea"]
    [knee] = await memories.find_related(WHO, "sore knee", 10, Audience.PRIVATE)
    better = change("has a knee that is better", op="update", known=knee, minutes=1)
    await apply(memories, better, audience=Audience.SHARED)
    assert {m.memory: m.visibility for m in await memories.list_all(WHO)} == {
        "has a knee that is better": "private",
        "likes tea": "thread",
    }


async def test_each_person_has_facts_and_slots_of_their_own(memories: Memories) -> None:
    """Proves: UM-10."""
    for user_id, city in ((UserId("a"), "Berlin"), (UserId("b"), "Paris")):
        await apply(memories, change(f"lives in {city}", slot="home_city"), user_id=user_id)
    assert await texts(memories, UserId("a")) == {"lives in Berlin"}
    assert await texts(memories, UserId("b")) == {"lives in Paris"}
    assert await memories.find_related(UserId("c"), "lives in Berlin", 10, Audience.PRIVATE) == []


async def test_a_fact_that_was_known_without_a_slot_takes_it_so_that_a_newer_one_can_supersede_it(
    memories: Memories,
) -> None:
    """Written by hand without a slot, then said, then changed. Proves: UM-14."""
    await apply(memories, change("lives in Berlin"))
    assert await apply(memories, change("lives in Berlin", slot="home_city", minutes=1)) == 1
    assert await apply(memories, change("lives in Berlin", slot="home_city", minutes=2)) == 0
    await apply(memories, change("lives in Paris", slot="home_city", minutes=3))
    assert await texts(memories) == {"lives in Paris"}


async def test_what_takes_the_place_of_a_pinned_fact_is_pinned_and_an_update_keeps_its_topics(
    memories: Memories, database: Database
) -> None:
    """Who pinned an allergy wants it in every prompt, however it is put since. Proves: UM-14."""
    await Users(database).save(ANN)
    drafts = (
        MemoryDraft(memory="is allergic to nuts", topics=("health",), is_pinned=True),
        MemoryDraft(memory="lives in Berlin", topics=("berlin",), slot="home_city", is_pinned=True),
        MemoryDraft(memory="is fond of tea", topics=("drinks",), is_pinned=True),
        MemoryDraft(memory="likes tea"),
        MemoryDraft(memory="likes rum"),
    )
    nuts, _, tea, *_, rum = [await MemoryRecords(database).add(WHO, draft) for draft in drafts]
    changes = (
        change("is allergic to nuts and sesame", op="update", known=nuts),
        change("lives in Paris", slot="home_city"),
        change("likes tea", op="update", known=tea),
        change("likes gin", op="update", known=rum),
    )
    later = datetime.now(UTC) + timedelta(minutes=1)
    assert await apply(memories, *(replace(one, evidence=replace(one.evidence, at=later)) for one in changes)) == 4
    assert {memory.memory: (memory.is_pinned, memory.topics) for memory in await memories.list_all(WHO)} == {
        "is allergic to nuts and sesame": (True, ("health",)),
        "lives in Paris": (True, ()),
        "likes tea": (True, ()),
        "likes gin": (False, ()),
    }


async def test_words_that_two_have_read_at_once_count_once(memories: Memories) -> None:
    """A worker that was slow finds that another has done its work. Proves: UM-14."""
    reading = Reading(session_id=SESSION, first_seq=3, last_seq=7, audience=Audience.PRIVATE, agent_id=AGENT)
    assert await memories.apply(WHO, [change("likes tea")], reading) == 1
    assert await memories.apply(WHO, [change("is fond of tea")], reading) == 0
    later = replace(reading, first_seq=8, last_seq=8)
    assert await memories.apply(WHO, [change("likes milk")], later) == 1
    assert await texts(memories) == {"likes tea", "likes milk"}


async def test_nothing_said_before_all_was_forgotten_comes_back(memories: Memories, database: Database) -> None:
    """A job that waited reads old words after the person cleared everything. Proves: UM-6."""
    await Users(database).save(ANN)
    await apply(memories, change("likes tea"))
    [tea] = await memories.list_all(WHO)
    await MemoryRecords(database).clear(WHO)
    assert await apply(memories, change("likes milk", minutes=5)) == 0
    assert await apply(memories, change("likes green tea", op="update", known=tea, minutes=5)) == 0
    assert await texts(memories) == set()
    said = replace(change("likes juice"), evidence=replace(spoken("x"), at=datetime.now(UTC) + timedelta(minutes=1)))
    assert await apply(memories, said) == 1


async def test_a_fact_that_was_deleted_while_its_change_was_read_is_not_changed_into_another(
    memories: Memories, database: Database
) -> None:
    """The person deleted it after the words were said. Proves: UM-6."""
    await Users(database).save(ANN)
    await apply(memories, change("has a sore knee"))
    [knee] = await memories.list_all(WHO)
    await MemoryRecords(database).delete(WHO, [knee.memory_id])
    assert await apply(memories, change("has a knee that is better", op="update", known=knee, minutes=5)) == 0
    assert await apply(memories, change("has a sore knee", minutes=5)) == 0
    assert await texts(memories) == set()


async def test_a_fact_that_is_known_in_another_slot_ends_nobody(memories: Memories) -> None:
    """A model files one text under two slots; the employer must not be lost over it. Proves: UM-14."""
    await apply(memories, change("works at Acme", slot="employer"))
    await apply(memories, change("works at Acme as a nurse", slot="job", minutes=1))
    assert await apply(memories, change("works at Acme as a nurse", slot="employer", minutes=2)) == 0
    assert await slots(memories) == {"works at Acme": "employer", "works at Acme as a nurse": "job"}


async def test_a_known_fact_that_takes_anothers_place_takes_it_as_its_history(
    memories: Memories, database: Database
) -> None:
    """Said before, believed again: what it replaced goes with it when it is deleted. Proves: UM-14, UM-16."""
    await Users(database).save(ANN)
    await apply(memories, change("lives in Paris"), change("likes tea"))
    await apply(memories, change("lives in Berlin", slot="home_city", minutes=3), change("likes coffee", minutes=3))
    coffee = next(memory for memory in await memories.list_all(WHO) if memory.memory == "likes coffee")
    moved = change("lives in Paris", slot="home_city", minutes=6)
    assert await apply(memories, moved, change("likes tea", op="update", known=coffee, minutes=6)) == 2
    assert await slots(memories) == {"lives in Paris": "home_city", "likes tea": None}
    assert await apply(memories, change("lives in Rome", slot="home_city", minutes=4)) == 0
    records = MemoryRecords(database)
    history = {memory.memory_id: memory.memory for memory in await records.dump(WHO, with_replaced=True)}
    links = {memory.memory: history[memory.supersedes] for memory in await memories.list_all(WHO) if memory.supersedes}
    assert links == {"lives in Paris": "lives in Berlin", "likes tea": "likes coffee"}
    await records.delete(WHO, [memory.memory_id for memory in await memories.list_all(WHO)])
    assert await records.dump(WHO, with_replaced=True) == []


async def test_words_that_say_what_was_forgotten_since_end_nothing(memories: Memories, database: Database) -> None:
    """An old move to a city that the person has deleted: what stands in its slot must not end for nothing."""
    await Users(database).save(ANN)
    paris = await MemoryRecords(database).add(WHO, MemoryDraft(memory="lives in Paris"))
    await MemoryRecords(database).delete(WHO, [paris.memory_id])
    await apply(memories, change("likes tea"))
    assert await apply(memories, change("lives in Berlin", slot="home_city")) == 1
    [tea] = [memory for memory in await memories.list_all(WHO) if memory.memory == "likes tea"]
    assert await apply(memories, change("lives in Paris", slot="home_city", minutes=5)) == 0
    assert await apply(memories, change("lives in Paris", op="update", known=tea, minutes=5)) == 0
    assert await slots(memories) == {"likes tea": None, "lives in Berlin": "home_city"}


async def test_a_change_that_comes_too_late_for_its_slot_does_not_end_the_fact_it_changes(memories: Memories) -> None:
    """A later move was read first: nothing of the earlier one is stored, so nothing ends over it. Proves: UM-14."""
    await apply(memories, change("lives with her parents"))
    [parents] = await memories.list_all(WHO)
    await apply(memories, change("lives in Paris", slot="home_city", minutes=5))
    late = change("lives in Rome", slot="home_city", op="update", known=parents, minutes=3)
    assert await apply(memories, late) == 0
    assert await texts(memories) == {"lives with her parents", "lives in Paris"}


async def test_whoever_moved_away_and_back_can_delete_where_they_live(memories: Memories, database: Database) -> None:
    """The history says the same twice, which is one thing to forget. Proves: UM-6, UM-16."""
    await Users(database).save(ANN)
    for n, city in enumerate(("Berlin", "Paris", "Berlin")):
        await apply(memories, change(f"lives in {city}", slot="home_city", minutes=n))
    [berlin] = await memories.list_all(WHO)
    records = MemoryRecords(database)
    assert (await records.delete(WHO, [berlin.memory_id])).versions == 2
    assert await records.dump(WHO, with_replaced=True) == []


async def test_old_words_that_are_read_again_do_not_bring_back_what_was_changed_since(memories: Memories) -> None:
    """An edit in Slack or a link has them read again; who says it anew is believed. Proves: UM-14."""
    await apply(memories, change("drinks tea"))
    [tea] = await memories.list_all(WHO)
    await apply(memories, change("drinks coffee", op="update", known=tea, minutes=5))
    for minutes in (0, 2, 4):
        assert await apply(memories, change("drinks tea", minutes=minutes)) == 0
    assert await texts(memories) == {"drinks coffee"}
    [coffee] = await memories.list_all(WHO)
    assert await apply(memories, change("drinks tea", op="update", known=coffee, minutes=6)) == 1
    assert await texts(memories) == {"drinks tea"}
    assert await apply(memories, change("drinks coffee", minutes=5)) == 0
    assert await apply(memories, change("drinks coffee", minutes=7)) == 1
    assert await texts(memories) == {"drinks tea", "drinks coffee"}


async def test_what_was_said_before_a_link_is_weighed_by_when_it_was_said(
    memories: Memories, database: Database
) -> None:
    """The link ends the older of two homes when it is made; a move back said before that counts. Proves: UM-14."""
    for user, city in ((ANN, "Paris"), (BOB, "Berlin")):
        await Users(database).save(user)
        minutes = 5 if user is ANN else 0
        await apply(memories, change(f"lives in {city}", slot="home_city", minutes=minutes), user_id=user.id)
    await Links(database).merge(BOB.id, ANN.id, "code")
    assert await texts(memories) == {"lives in Paris"}
    assert await apply(memories, change("lives in Berlin", slot="home_city", minutes=3)) == 0
    assert await apply(memories, change("lives in Berlin", slot="home_city", minutes=7)) == 1
    assert await texts(memories) == {"lives in Berlin"}


async def test_whoever_changes_their_mind_all_the_time_is_remembered_by_their_newest_word(memories: Memories) -> None:
    """Three drinks, each told often, and all that was told read again now and then. Proves: UM-14."""
    rnd = random.Random(11)
    told: list[FactChange] = []
    for minutes in range(30):
        told.append(change(f"drinks {rnd.choice(('tea', 'milk', 'rum'))}", minutes=minutes))
        for one in (told[-1], *rnd.sample(told, min(len(told), 2))):
            known = next(iter(await memories.list_all(WHO)), None)
            await apply(memories, replace(one, op="update", known=known) if known else one)
        assert await texts(memories) == {told[-1].text}
        again = rnd.choice(told)
        assert await apply(memories, again) == 0
        assert await texts(memories) == {told[-1].text}


CITIES = tuple(f"City {n}" for n in range(201))


async def test_whoever_moves_two_hundred_times_lives_in_one_place_and_has_moved_two_hundred_times(
    memories: Memories, database: Database
) -> None:
    """In any order of reading: updates of the known fact, adds to the slot, and late readings. Proves: UM-14."""
    rnd = random.Random(7)
    moves = list(range(201))
    for start in range(0, 201, 3):
        piece = moves[start : start + 3]
        rnd.shuffle(piece)
        moves[start : start + 3] = piece
    newest, in_time = -1, 0
    for n in moves:
        known = next(iter(await memories.list_all(WHO)), None) if rnd.random() < 0.5 else None
        op = "update" if known else "add"
        await apply(memories, change(f"lives in {CITIES[n]}", slot="home_city", minutes=n, op=op, known=known))
        newest, in_time = max(newest, n), in_time + (n > newest)
        assert await texts(memories) == {f"lives in {CITIES[newest]}"}
    async with database.scope(user_id=WHO) as connection:
        rows = await connection.fetch("SELECT slot, valid_from, valid_to, replaced_by FROM user_memories")
    live = [row for row in rows if row["valid_to"] is None]
    assert len(live) == 1
    assert len(rows) == in_time > 100, "what was read in time is kept as history"
    assert all(row["valid_from"] <= row["valid_to"] and row["replaced_by"] for row in rows if row["valid_to"])
