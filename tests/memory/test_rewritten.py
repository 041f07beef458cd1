"""A message that its author deletes or edits: nothing that was drawn from its old words stays, or comes later."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest

from agent.extraction import FactChange
from agent.ids import AgentId, WorkerId
from agent.memories import MemoryDraft
from agent.memory_merging import Optimization, PlannedMerge
from agent.records import Audience, Message, UserMemory
from agent.titles import SessionTitle
from memory.database import Database
from memory.errors import WordsMovedError
from memory.memories import Memories, Reading
from memory.memory_optimizations import MemoryOptimizations
from memory.memory_records import MemoryRecords
from memory.queries import query
from memory.slack import SlackThreads
from memory.tasks import Tasks
from memory.titles import Titles
from memory.users import Users
from tests.support.gateway import run_sql
from tests.support.make import ANN, SESSION, inbound


@dataclass(frozen=True, slots=True, kw_only=True)
class Talk:
    """What Ann says, and what is remembered of it."""

    database: Database

    async def say(self, *texts: str) -> list[Message]:
        """Messages, and what is to be read of them."""
        await Users(self.database).save(ANN)
        for text in texts:
            await SlackThreads(self.database).keep_message(inbound(text))
        words, _ = await Memories(self.database).load_new_words(ANN.id, SESSION, 10)
        return list(words)

    async def learn(self, words: list[Message], *changes: FactChange) -> int:
        """Facts out of words."""
        reading = Reading(
            session_id=SESSION,
            first_seq=words[0].seq,
            last_seq=words[-1].seq,
            audience=Audience.SHARED,
            agent_id=AgentId("assistant"),
            said=tuple(words),
        )
        return await Memories(self.database).apply(ANN.id, changes, reading)

    async def rewrite(self, message: Message, text: str = "(this message was deleted)") -> None:
        """She takes it back."""
        await SlackThreads(self.database).rewrite_message(SESSION, ANN.id, message.seq, text)

    async def facts(self) -> set[str]:
        """What is remembered now."""
        return {memory.memory for memory in await Memories(self.database).list_all(ANN.id)}


@pytest.fixture
def talk(database: Database) -> Talk:
    """Nothing was said yet."""
    return Talk(database=database)


def fact(text: str, said: Message, slot: str | None = None) -> FactChange:
    """A fact that somebody told."""
    return FactChange(op="add", text=text, slot=slot, topics=(), known=None, evidence=said)


def merged(sources: Sequence[UserMemory], text: str) -> Optimization:
    """All of them made one."""
    merge = PlannedMerge(draft=MemoryDraft(memory=text), sources=tuple(sources))
    return Optimization(
        optimization_id=None,
        strategy="s",
        merges=(merge,),
        count_before=2,
        count_after=1,
        tokens_before=9,
        tokens_after=4,
    )


async def test_what_is_deleted_while_a_model_reads_it_becomes_no_fact(talk: Talk) -> None:
    """The model was shown words that are nobody's any more. Proves: UM-15, SL-8."""
    words = await talk.say("I live in Rome")
    await talk.rewrite(words[0])
    with pytest.raises(WordsMovedError):
        await talk.learn(words, fact("lives in Rome", words[0]))
    assert await talk.facts() == set()


async def test_what_is_deleted_while_its_fact_is_being_stored_leaves_none(
    talk: Talk, database: Database, database_url: str
) -> None:
    """Else the fact is committed just behind the deletion. Proves: UM-15, SL-8."""
    words = await talk.say("I live in Rome")
    waiting = "SELECT FROM pg_locks l JOIN pg_database d ON d.oid = l.database WHERE NOT granted AND datname = $1"
    name = database_url.rpartition("/")[2].partition("?")[0]
    async with asyncio.timeout(10), asyncio.TaskGroup() as group, database.scope(user_id=ANN.id) as connection:
        await connection.fetchrow(query("lock_user"), ANN.id)
        rewriting = group.create_task(talk.rewrite(words[0]))
        while not rewriting.done() and not await run_sql(database_url, waiting, name):
            pass
        await connection.execute(
            "INSERT INTO user_memories (user_id, memory_id, memory, hash, visibility, source_session_id,"
            " source_seq) VALUES ($1, 'm', 'lives in Rome', '', 'private', $2, $3)",
            ANN.id,
            SESSION,
            words[0].seq,
        )
    assert await talk.facts() == set()


async def test_what_a_deleted_fact_was_merged_into_goes_and_the_others_live_again(
    talk: Talk, database: Database
) -> None:
    """A merged memory says what the message said. Proves: UM-7, SL-8."""
    words = await talk.say("I drink tea", "I drink milk")
    await talk.learn(words, fact("drinks tea", words[0]), fact("drinks milk", words[1]))
    known = await Memories(database).list_all(ANN.id)
    await MemoryOptimizations(database).apply(ANN.id, merged(known, "drinks tea and milk"))
    assert await talk.facts() == {"drinks tea and milk"}
    await talk.rewrite(words[0], "I drink wine")
    assert await talk.facts() == {"drinks milk"}


async def test_what_a_deleted_fact_had_replaced_is_true_again(talk: Talk) -> None:
    """It is as if the message had never been said. Proves: UM-14, SL-8."""
    words = await talk.say("I live in Berlin", "I moved to Paris")
    await talk.learn(words, fact("lives in Berlin", words[0], "home"), fact("lives in Paris", words[1], "home"))
    assert await talk.facts() == {"lives in Paris"}
    await talk.rewrite(words[1])
    assert await talk.facts() == {"lives in Berlin"}
    await talk.rewrite(words[0])
    assert await talk.facts() == set()


async def test_what_a_deleted_fact_had_replaced_stays_history_where_a_newer_one_took_its_place(
    talk: Talk, database: Database
) -> None:
    """And when that goes too, what was before both is true again. Proves: UM-14, SL-8."""
    words = await talk.say("I live in Berlin", "I moved to Paris", "now to Rome")
    facts = [fact(f"lives in {place}", said, "home") for place, said in zip(("B", "P", "R"), words, strict=True)]
    await talk.learn(words, *facts)
    await talk.rewrite(words[1])
    assert await talk.facts() == {"lives in R"}
    [rome] = await Memories(database).list_all(ANN.id)
    versions = await MemoryRecords(database).dump(ANN.id, with_replaced=True)
    assert {one.memory: one.replaced_by for one in versions} == {"lives in B": rome.memory_id, "lives in R": None}
    await talk.rewrite(words[2])
    assert await talk.facts() == {"lives in B"}


async def test_what_was_summed_up_of_a_deleted_message_goes(talk: Talk, database: Database) -> None:
    """Summaries and titles say again what was taken back. Those of other runs stay. Proves: SL-8."""
    tasks, titles = Tasks(database, WorkerId("w")), Titles(database)
    await Users(database).save(ANN)
    for n in range(3):
        await tasks.accept(inbound(f"question {n}"), may_take=False)
    async with database.scope(session_id=SESSION) as connection:
        asked = await connection.fetch("SELECT seq, position FROM messages ORDER BY seq")
        for row in asked[:2]:
            await connection.execute(
                "INSERT INTO compactions VALUES ($1, $2, NULL, 'context', '{}'::jsonb, 'm', 9, 4, 0)",
                SESSION,
                row["position"],
            )
    state = await titles.load(SESSION)
    assert state is not None
    read = replace(state, head=asked[1]["seq"])
    await titles.save(SESSION, read, SessionTitle(title="T", summary="S", topics=("t",)))
    threads = SlackThreads(database)
    await threads.rewrite_message(SESSION, ANN.id, asked[2]["seq"], "gone")
    kept = await titles.load(SESSION)
    assert kept is not None
    assert (kept.title, kept.titled_seq) == ("T", asked[1]["seq"]), "it was not made of that message"
    await titles.save(SESSION, state, SessionTitle(title="late", summary="late", topics=()))
    await threads.rewrite_message(SESSION, ANN.id, asked[1]["seq"], "gone")
    after = await titles.load(SESSION)
    assert after is not None
    assert (after.title, after.summary, after.titled_seq) == (None, None, 0)
    async with database.scope(session_id=SESSION) as connection:
        left = await connection.fetch("SELECT upto FROM compactions")
    assert [row["upto"] for row in left] == [asked[0]["position"]]
