"""A message that its author deletes or edits: nothing that was drawn from its old words stays, or comes later."""

import asyncio
from dataclasses import dataclass

import pytest

from agent.extraction import FactChange
from agent.ids import AgentId
from agent.records import Audience, Message
from memory.database import Database
from memory.errors import WordsMovedError
from memory.memories import Memories, Reading
from memory.queries import query
from memory.slack import SlackThreads
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
