"""What is remembered about people, handled on purpose: read, written, deleted, searched, carried about."""

import asyncio
import json
from typing import Any

import pytest

from agent.errors import (
    InputError,
    MemoryConflictError,
    MemoryInvalidError,
    MemoryNotFoundError,
    MemorySecretError,
    NotFoundError,
    UserNotFoundError,
)
from agent.ids import AgentId, MemoryId, UserId
from agent.memories import MemoryDraft, MemorySort, SearchMethod
from agent.records import Audience, JsonValue, UserMemory
from gateway.memories import UserMemories
from memory.database import Database
from memory.memories import Memories
from memory.memory_optimizations import MemoryOptimizations
from memory.memory_records import MemoryRecords
from memory.users import Users
from tests.support.agent_runs import PlainModel
from tests.support.make import ANN, BOB

WHO = ANN.id
NOBODY = UserId("nobody")


@pytest.fixture
async def people(database: Database) -> Database:
    """A database that knows Ann and Bob."""
    for user in (ANN, BOB):
        await Users(database).save(user)
    return database


@pytest.fixture
def memories(people: Database) -> UserMemories:
    """Nothing is remembered yet."""
    return build(people)


def build(database: Database, picks: JsonValue = None) -> UserMemories:
    """The memories, with a model that always picks these numbers."""
    stores = (MemoryRecords(database), Memories(database), MemoryOptimizations(database))
    return UserMemories(*stores, PlainModel(facts=picks).for_anybody, "small")


async def add(memories: UserMemories, text: str, user_id: UserId = WHO, **more: Any) -> UserMemory:
    """Remember something."""
    return await memories.add_memory(user_id, MemoryDraft(memory=text, **more))


async def texts(memories: UserMemories, user_id: UserId = WHO, **more: Any) -> list[str]:
    """What is remembered now, as it is listed."""
    return [memory.memory for memory in (await memories.list_memories(user_id, **more)).memories]


async def test_a_memory_has_every_field_that_was_given_and_what_the_gateway_adds(memories: UserMemories) -> None:
    """Proves: UM-4, UM-5."""
    draft = MemoryDraft(
        memory="  likes  green tea ",
        topics=("Drinks", "drinks", "likes"),
        slot="diet",
        visibility="thread",
        is_pinned=True,
        agent_id=AgentId("support"),
        team_id="team-1",
        input="I like green tea",
        feedback="good",
    )
    made = await memories.add_memory(WHO, draft)
    assert made == await memories.load_memory(WHO, made.memory_id)
    assert (made.memory, made.topics, made.slot, made.visibility) == (
        "likes green tea",
        ("drinks", "likes"),
        "diet",
        "thread",
    )
    assert (made.user_id, made.agent_id, made.team_id) == (WHO, "support", "team-1")
    assert (made.input, made.feedback, made.is_pinned) == ("I like green tea", "good", True)
    assert made.valid_from == made.created_at == made.updated_at
    assert made.valid_to is None


async def test_memories_are_listed_by_page_by_topic_and_in_any_order(memories: UserMemories) -> None:
    """Proves: UM-6."""
    for n, word in enumerate(("pears", "apples", "milk", "bread", "tea")):
        await add(memories, f"likes {word}", topics=("food", "fruit") if n < 2 else ("food",))
    first = await memories.list_memories(WHO, limit=2)
    assert [m.memory for m in first.memories] == ["likes tea", "likes bread"]
    assert (first.total, first.pages, first.page) == (5, 3, 1)
    assert await texts(memories, limit=2, page=3) == ["likes pears"]
    assert await texts(memories, limit=2, page=4) == []
    assert await texts(memories, topics=("Food", "fruit")) == ["likes apples", "likes pears"]
    assert await texts(memories, sort=MemorySort.TEXT, is_descending=False, limit=2) == ["likes apples", "likes bread"]
    assert await texts(memories, sort=MemorySort.CREATED, is_descending=False, limit=1) == ["likes pears"]
    assert await memories.list_topics(WHO) == [("food", 5), ("fruit", 2)]
    for wrong in ({"page": 0}, {"limit": 0}, {"limit": 1001}):
        with pytest.raises(InputError):
            await memories.list_memories(WHO, **wrong)  # type: ignore[arg-type]


async def test_the_same_is_remembered_once(memories: UserMemories) -> None:
    """Whoever says it again gets the memory as it stands. Proves: UM-14."""
    tea = await add(memories, "likes tea")
    assert await add(memories, "Likes TEA.", topics=("other",)) == tea
    assert await texts(memories) == ["likes tea"]


async def test_a_memory_takes_the_slot_of_another_which_is_kept_as_history(memories: UserMemories) -> None:
    """Proves: UM-14."""
    berlin = await add(memories, "lives in Berlin", slot="home_city")
    paris = await add(memories, "lives in Paris", slot="home_city")
    assert await texts(memories) == ["lives in Paris"]
    assert paris.supersedes == berlin.memory_id
    old = await memories.load_memory(WHO, berlin.memory_id)
    assert (old.replaced_by, old.valid_to is None) == (paris.memory_id, False)


async def test_a_memory_is_written_by_its_id_whether_it_is_there_or_not(memories: UserMemories) -> None:
    """Proves: UM-6."""
    mine = MemoryId("crm-17")
    made, is_new = await memories.upsert_memory(WHO, mine, MemoryDraft(memory="likes tea"))
    assert (made.memory_id, is_new) == (mine, True)
    again, is_new = await memories.upsert_memory(WHO, mine, MemoryDraft(memory="likes milk"))
    assert (again.memory, again.created_at, is_new) == ("likes milk", made.created_at, False)
    assert again.updated_at > made.updated_at
    assert await texts(memories) == ["likes milk"]
    for bad in ("", "a b", "x" * 201, "é"):
        with pytest.raises(MemoryInvalidError):
            await memories.upsert_memory(WHO, MemoryId(bad), MemoryDraft(memory="likes tea"))


async def test_another_persons_memory_can_neither_be_seen_nor_written_nor_deleted_by_its_id(
    memories: UserMemories,
) -> None:
    """Proves: UM-6, UM-10."""
    theirs = await add(memories, "likes secrets", BOB.id)
    draft = MemoryDraft(memory="likes to be overwritten")
    with pytest.raises(MemoryConflictError):
        await memories.upsert_memory(WHO, theirs.memory_id, draft)
    for attempt in (
        memories.load_memory(WHO, theirs.memory_id),
        memories.replace_memory(WHO, theirs.memory_id, draft),
        memories.delete_memory(WHO, theirs.memory_id),
    ):
        with pytest.raises(MemoryNotFoundError):
            await attempt
    assert (await memories.delete_memories(WHO, [theirs.memory_id])).memory_ids == ()
    await memories.clear_memories(WHO)
    assert await memories.search_memories(WHO, "secrets") == []
    assert await memories.load_memory(BOB.id, theirs.memory_id) == theirs
    assert await texts(memories) == []


async def test_a_corrected_memory_keeps_its_id_and_nothing_of_the_old_text(
    memories: UserMemories, people: Database
) -> None:
    """Who corrects what is known of them does not want the mistake kept. Proves: UM-6."""
    made = await add(memories, "is called Anne", slot="name", input="I am Anne")
    fixed = await memories.replace_memory(WHO, made.memory_id, MemoryDraft(memory="is called Ann", slot="name"))
    assert (fixed.memory_id, fixed.memory, fixed.input) == (made.memory_id, "is called Ann", None)
    await add(memories, "likes tea")
    with pytest.raises(MemoryConflictError, match=made.memory_id):
        await memories.upsert_memory(WHO, MemoryId("other"), MemoryDraft(memory="is called Ann"))
    async with people.scope(user_id=WHO) as connection:
        assert "Anne" not in repr(await connection.fetch("SELECT * FROM user_memories"))
        assert await connection.fetchval("SELECT count(*) FROM tombstones") == 1


async def test_a_deleted_memory_is_gone_with_its_history_and_leaves_a_tombstone(
    memories: UserMemories, people: Database
) -> None:
    """Proves: UM-6."""
    for city in ("Rome", "Berlin", "Paris"):
        home = await add(memories, f"lives in {city}", slot="home_city")
    tea = await add(memories, "likes tea")
    gone = await memories.delete_memory(WHO, home.memory_id)
    assert (gone.memory_ids, gone.versions) == ((home.memory_id,), 2)
    assert await texts(memories) == ["likes tea"]
    async with people.scope(user_id=WHO) as connection:
        assert "lives" not in repr(await connection.fetch("SELECT * FROM user_memories"))
        assert await connection.fetchval("SELECT count(*) FROM tombstones") == 3
    gone = await memories.delete_memories(WHO, [tea.memory_id, MemoryId("x"), MemoryId("\x00")])
    assert gone.memory_ids == (tea.memory_id,)
    with pytest.raises(MemoryNotFoundError):
        await memories.delete_memory(WHO, tea.memory_id)


async def test_to_clear_one_person_leaves_the_others_alone(memories: UserMemories) -> None:
    """Proves: UM-6, UM-10."""
    for n in range(3):
        await add(memories, f"likes dish {n}")
        await add(memories, f"likes dish {n}", BOB.id)
    assert len((await memories.clear_memories(WHO)).memory_ids) == 3
    assert await texts(memories) == []
    assert len(await texts(memories, BOB.id)) == 3
    await add(memories, "likes dish 1")
    assert await texts(memories) == ["likes dish 1"], "what is written on purpose is remembered again"


BAD: list[tuple[dict[str, Any], str]] = [
    ({"memory": "x" * 301}, "memory"),
    ({"memory": "  "}, "memory"),
    ({"memory": "likes \x00 tea"}, "memory"),
    ({"memory": "likes \ud800 tea"}, "memory"),
    ({"memory": "likes \u202e tea"}, "memory"),
    ({"slot": "shoe_size"}, "slot"),
    ({"visibility": "public"}, "visibility"),
    ({"topics": tuple(map(str, range(9)))}, "topics"),
    ({"topics": ("x" * 41,)}, "topics"),
    ({"topics": ("",)}, "topics"),
    ({"input": "x" * 4001}, "input"),
    ({"agent_id": "\x07"}, "agent_id"),
    ({"source_session_id": "a\x00b"}, "source_session_id"),
    ({"source_session_id": "x" * 1_001}, "source_session_id"),
    ({"memory": 5}, "memory"),
    ({"topics": (5,)}, "topics"),
    ({"input": 5}, "input"),
]
SECRETS: list[tuple[dict[str, Any], str]] = [
    ({"memory": "pays with 4111 1111 1111 1111"}, "memory"),
    ({"topics": ("4111 1111 1111 1111",)}, "topics"),
    ({"input": "my password is hunter2-Xy77!"}, "input"),
    ({"feedback": "iban DE89 3704 0044 0532 0130 00"}, "feedback"),
]


async def test_what_cannot_be_kept_is_refused_by_the_field_and_nothing_is_written(memories: UserMemories) -> None:
    """On every way in. Proves: UM-12."""
    known = await add(memories, "likes milk")
    file: Any = await memories.export_memories(WHO)
    for fields, name in (*BAD, *SECRETS):
        kind = MemorySecretError if (fields, name) in SECRETS else MemoryInvalidError
        draft = MemoryDraft(**{"memory": "likes tea", **fields})
        changed = {key: list(v) if isinstance(v, tuple) else v for key, v in fields.items()}
        bad_file = {**file, "memories": [{**file["memories"][0], **changed}]}
        for attempt in (
            memories.add_memory(WHO, draft),
            memories.upsert_memory(WHO, MemoryId("new"), draft),
            memories.replace_memory(WHO, known.memory_id, draft),
        ):
            with pytest.raises(kind) as caught:
                await attempt
            assert caught.value.field == name, fields
        with pytest.raises(MemoryInvalidError) as caught:
            await memories.import_memories(WHO, bad_file)
        assert caught.value.field.startswith(f"memories.0.{name}")
    assert (await memories.list_memories(WHO)).memories == (known,)


async def test_somebody_unknown_has_no_memories_and_gets_none(memories: UserMemories, people: Database) -> None:
    """A typo in an id must not open a drawer that nobody ever looks into. Proves: UM-6."""
    for user_id in (NOBODY, UserId(""), UserId("a\x00b"), UserId("\ud800")):
        for attempt in (
            memories.list_memories(user_id),
            memories.load_memory(user_id, MemoryId("m")),
            add(memories, "likes tea", user_id),
            memories.upsert_memory(user_id, MemoryId("m"), MemoryDraft(memory="likes tea")),
            memories.replace_memory(user_id, MemoryId("m"), MemoryDraft(memory="likes tea")),
            memories.delete_memory(user_id, MemoryId("m")),
            memories.delete_memories(user_id, [MemoryId("m")]),
            memories.clear_memories(user_id),
            *(memories.search_memories(user_id, "tea", method=method) for method in SearchMethod),
            memories.list_topics(user_id),
            memories.load_stats(user_id),
            memories.export_memories(user_id),
            memories.import_memories(user_id, {"version": 1, "user_id": "x", "memories": []}),
        ):
            with pytest.raises(UserNotFoundError):
                await attempt
    async with people.scope(user_id=NOBODY) as connection:
        assert await connection.fetch("SELECT * FROM user_memories") == []
        assert await connection.fetch("SELECT * FROM tombstones") == []


async def test_memories_are_found_by_age_by_their_words_and_by_a_models_choice(people: Database) -> None:
    """Proves: UM-6."""
    memories = build(people, picks={"numbers": [3, 1, 3, 99]})
    for word in ("pears", "apples", "green tea"):
        await add(memories, f"likes {word}", visibility="private" if word == "apples" else "thread")

    async def search(**more: Any) -> list[str]:
        return [m.memory.removeprefix("likes ") for m in await memories.search_memories(WHO, **more)]

    assert await search(method=SearchMethod.LAST_N, limit=2) == ["green tea", "apples"]
    assert await search(method=SearchMethod.FIRST_N, limit=2) == ["pears", "apples"]
    assert await search(method=SearchMethod.FIRST_N, audience=Audience.SHARED) == ["pears", "green tea"]
    assert await search(query="a cup of tea", limit=1) == ["green tea"]
    assert await search(query="nothing of it") == []
    assert await search(query="fruit?", method=SearchMethod.AGENTIC) == ["pears", "green tea"]
    nonsense = build(people, picks="what?")
    found = await nonsense.search_memories(WHO, "tea", method=SearchMethod.AGENTIC)
    assert [m.memory for m in found] == ["likes green tea"], "by relevance, when the model makes no sense"
    with pytest.raises(InputError):
        await search(limit=0)


async def test_figures_tell_how_much_is_remembered(memories: UserMemories) -> None:
    """Proves: UM-6."""
    await add(memories, "lives in Berlin", slot="home_city", is_pinned=True)
    await add(memories, "lives in Paris", slot="home_city", visibility="thread", agent_id=AgentId("sales"))
    await add(memories, "likes tea", agent_id=AgentId("support"), is_pinned=True)
    stats = await memories.load_stats(WHO)
    assert (stats.total, stats.replaced, stats.pinned, stats.tokens) == (2, 1, 1, 5 + 3)
    assert stats.by_visibility == {"thread": 1, "private": 1}
    assert stats.by_agent == {"sales": 1, "support": 1}
    assert stats.first_at is not None
    assert stats.last_at is not None
    assert stats.first_at < stats.last_at
    assert (await memories.load_stats(BOB.id)).total == 0


async def test_what_is_exported_is_imported_as_it_was(memories: UserMemories) -> None:
    """Proves: UM-6."""
    await add(memories, "lives in Berlin", slot="home_city", topics=("home",), input="I live in Berlin")
    await add(memories, "lives in Paris", slot="home_city", visibility="thread")
    await add(memories, "likes tea", is_pinned=True, feedback="good")
    file = json.loads(json.dumps(await memories.export_memories(WHO)))
    before = (await memories.list_memories(WHO)).memories
    await memories.clear_memories(WHO)
    report = await memories.import_memories(WHO, file)
    assert (report.added, report.replaced, report.skipped) == (3, 0, 0)
    assert (await memories.list_memories(WHO)).memories == before
    assert await memories.export_memories(WHO) == file
    report = await memories.import_memories(WHO, file)
    assert (report.added, report.replaced, report.skipped) == (0, 3, 0)
    assert await memories.export_memories(WHO) == file
    assert len((await memories.export_memories(WHO, with_replaced=False))["memories"]) == 2  # type: ignore[arg-type]


async def test_an_import_takes_nobodys_ids_and_keeps_what_was_said_since(memories: UserMemories) -> None:
    """Proves: UM-6, UM-10, UM-14."""
    await add(memories, "lives in Berlin", slot="home_city")
    await add(memories, "likes tea")
    file = await memories.export_memories(WHO)
    with pytest.raises(MemoryConflictError):
        await memories.import_memories(BOB.id, file)
    assert await texts(memories, BOB.id) == []
    await add(memories, "lives in Rome", BOB.id, slot="home_city")
    report = await memories.import_memories(BOB.id, file, with_new_ids=True)
    assert (report.added, report.skipped) == (1, 1), "Rome was told after Berlin"
    assert sorted(await texts(memories, BOB.id)) == ["likes tea", "lives in Rome"]
    assert sorted(await texts(memories)) == ["likes tea", "lives in Berlin"]


async def test_what_an_import_overwrites_stands_in_the_way_of_nothing_else_in_the_file(memories: UserMemories) -> None:
    """The person is as the file has them, whatever changed places since. Proves: UM-6, UM-14."""
    tea, coffee = await add(memories, "likes tea"), await add(memories, "likes coffee")
    await add(memories, "lives in Berlin", slot="home_city")
    file = await memories.export_memories(WHO)
    await memories.delete_memory(WHO, coffee.memory_id)
    await memories.replace_memory(WHO, tea.memory_id, MemoryDraft(memory="likes coffee", slot="home_city"))
    report = await memories.import_memories(WHO, file)
    assert (report.added, report.replaced, report.skipped) == (1, 2, 0)
    assert sorted(await texts(memories)) == ["likes coffee", "likes tea", "lives in Berlin"]


async def test_what_an_import_leaves_out_still_stands_in_the_way_of_the_rest(memories: UserMemories) -> None:
    """It stays as it is, so nothing else may say the same. Proves: UM-6, UM-14."""
    tea, coffee = await add(memories, "likes tea"), await add(memories, "likes coffee")
    file = await memories.export_memories(WHO)
    await memories.delete_memory(WHO, coffee.memory_id)
    await memories.replace_memory(WHO, tea.memory_id, MemoryDraft(memory="likes coffee"))
    await add(memories, "likes tea")
    report = await memories.import_memories(WHO, file)
    assert (report.added, report.replaced, report.skipped) == (0, 0, 2)
    assert sorted(await texts(memories)) == ["likes coffee", "likes tea"]


async def test_two_that_stand_in_one_slot_of_a_file_are_refused_by_their_place(memories: UserMemories) -> None:
    """Nobody can tell which of them holds. Proves: UM-6, UM-14."""
    await add(memories, "lives in Berlin", slot="home_city")
    file: Any = await memories.export_memories(WHO)
    twice = {**file["memories"][0], "memory_id": "other", "memory": "lives in Rome"}
    with pytest.raises(MemoryInvalidError) as caught:
        await memories.import_memories(WHO, {**file, "memories": [*file["memories"], twice]})
    assert caught.value.field == "memories.1.slot"
    assert await texts(memories) == ["lives in Berlin"]


@pytest.mark.parametrize(
    "file",
    [
        *(None, [], "x", {}, {"version": 2, "user_id": "x", "memories": []}),
        {"version": 1, "user_id": "x", "memories": [{}]},
        {"version": 1, "user_id": "x", "memories": [], "more": 1},
    ],
    ids=repr,
)
async def test_a_file_that_is_none_is_refused(memories: UserMemories, file: JsonValue) -> None:
    """Proves: UM-6."""
    with pytest.raises(MemoryInvalidError):
        await memories.import_memories(WHO, file)


async def test_a_hundred_who_write_the_same_at_once_write_it_once(memories: UserMemories) -> None:
    """Proves: UM-14."""
    async with asyncio.timeout(20):
        made = await asyncio.gather(*(add(memories, "likes tea") for _ in range(100)))
    assert len({memory.memory_id for memory in made}) == 1


async def test_the_errors_are_what_an_api_can_tell_apart() -> None:
    """Which of them it is decides the status. Proves: UM-6."""
    assert issubclass(MemoryNotFoundError, NotFoundError)
    assert issubclass(MemorySecretError, InputError)
    assert MemorySecretError("memory", "x").sentence.startswith("Passwords")
