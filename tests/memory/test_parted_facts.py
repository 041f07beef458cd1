"""Whose a fact is once accounts are parted: written down with the fact, it outlives what that was drawn from."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from agent.errors import AskerChangedError
from agent.extraction import FactChange
from agent.ids import AgentId, MemoryId
from agent.memories import Asked, MemoryDraft
from agent.records import Audience, UserMemory
from memory.database import Database
from memory.links import Links
from memory.memories import Memories, Reading
from memory.memory_records import MemoryRecords
from tests.memory.test_links import Person
from tests.support.database import new_database


@pytest.fixture(scope="module")
async def database(postgres_url: str) -> AsyncIterator[Database]:
    """One database for all: every test has people of its own."""
    async with new_database(postgres_url) as url:
        database = await Database.open(url, size=3, statement_s=30)
        yield database
        await database.close()


class Pair:
    """One person on Slack and on the web, linked: the web account's id is theirs now."""

    def __init__(self, database: Database, name: str) -> None:
        self.slack, self.web = Person(database, name, "slack"), Person(database, name, "id")
        self.links, self.records, self.memories = Links(database), MemoryRecords(database), Memories(database)

    async def link(self, *, both_told: str | None = None) -> "Pair":
        """From now on they are one. `both_told` is what each has told before."""
        self.slack_id, self.web_id = (await self.slack.come()).user.id, (await self.web.come()).user.id
        for person in (self.slack, self.web) if both_told else ():
            await self.tell(person, str(both_told))
        await self.links.merge(self.slack_id, self.web_id, "code")
        await self.slack.come()
        return self

    async def part(self) -> None:
        """Two again."""
        [account] = [one for one in await self.links.list_accounts(self.web_id) if one.channel == "slack"]
        await self.links.unlink(self.web_id, account.identity_id)
        await self.slack.come()

    async def tell(self, person: Person, fact: str, known: UserMemory | None = None, slot: str | None = None) -> None:
        """A message of theirs, read for a fact, maybe one that updates another, or, empty, says that it is no more."""
        assert await self.hear(person, fact, known, slot) == 1

    async def hear(
        self,
        person: Person,
        fact: str,
        known: UserMemory | None = None,
        slot: str | None = None,
        *,
        said: str | None = None,
    ) -> int:
        """The same, which may tell nothing new: how much it changed."""
        await person.say(said or f"I say: {fact}")
        words, _ = await self.memories.load_new_words(person.user.id, person.place, 10)
        change = FactChange(
            op="add" if known is None else "update" if fact else "retire",
            text=fact,
            slot=slot,
            topics=(),
            known=known,
            evidence=words[-1],
        )
        reading = Reading(
            session_id=person.place,
            first_seq=words[0].seq,
            last_seq=words[-1].seq,
            audience=Audience.PRIVATE,
            agent_id=AgentId("a"),
        )
        return await self.memories.apply(person.user.id, [change], reading)

    async def only(self) -> UserMemory:
        """The one thing that is remembered."""
        [memory] = await self.memories.list_all(self.web_id)
        return memory

    async def facts(self) -> tuple[set[str], set[str]]:
        """Slack's and the web's."""
        return await self.slack.facts(), await self.web.facts()


def draft(text: str) -> MemoryDraft:
    """What somebody writes."""
    return MemoryDraft(memory=text)


async def test_a_fact_that_was_corrected_goes_back_with_the_account_that_told_it(database: Database) -> None:
    """By the account's own hand or an operator's: its source is not known any more then. Proves: ID-3, UM-10."""
    pair = await Pair(database, "own").link()
    await pair.tell(pair.slack, "has diabetes")
    memory_id = (await pair.only()).memory_id
    await pair.records.replace(pair.web_id, memory_id, draft("has diabetes type 2"), account_id=pair.slack_id)
    await pair.records.save(pair.web_id, memory_id, draft("has diabetes of type 2"))
    await pair.part()
    assert await pair.facts() == ({"has diabetes of type 2"}, set())


async def test_a_fact_that_the_other_account_corrected_is_neithers(database: Database) -> None:
    """It holds words of both: a text that tells the one what the other said is nobody's. Proves: ID-3, UM-10."""
    pair = await Pair(database, "cross").link()
    await pair.tell(pair.slack, "has diabetes")
    slack_told = (await pair.only()).memory_id
    await pair.records.replace(pair.web_id, slack_told, draft("has diabetes type 2"), account_id=pair.web_id)
    web_wrote = await pair.records.add(pair.web_id, draft("likes tea"), account_id=pair.web_id)
    async with database.scope(session_id=pair.slack.place) as connection:
        [row] = await connection.fetch("SELECT position FROM tasks WHERE session_id = $1", pair.slack.place)
    asked = Asked(session_id=pair.slack.place, position=row["position"])
    await pair.records.replace(pair.web_id, web_wrote.memory_id, draft("likes green tea"), asked=asked)
    await pair.part()
    assert await pair.facts() == (set(), set())


async def test_a_correction_that_leaves_the_text_as_it_was_changes_nobodys(database: Database) -> None:
    """Whoever pins a fact has told nothing. Proves: ID-3."""
    pair = await Pair(database, "pins").link()
    await pair.tell(pair.slack, "has a cat")
    pinned = MemoryDraft(memory="has a cat", is_pinned=True)
    await pair.records.replace(pair.web_id, (await pair.only()).memory_id, pinned, account_id=pair.web_id)
    await pair.part()
    assert await pair.facts() == ({"has a cat"}, set())


async def test_what_an_account_wrote_itself_goes_back_with_it(database: Database) -> None:
    """With the id that its account came with, or under a chosen id. Proves: ID-3, UM-10."""
    pair = await Pair(database, "wrote").link()
    await pair.records.add(pair.web_id, draft("likes rain"), account_id=pair.slack_id)
    await pair.records.save(pair.web_id, MemoryId("chosen"), draft("likes snow"), account_id=pair.slack_id)
    await pair.records.add(pair.web_id, draft("likes tea"), account_id=pair.web_id)
    await pair.records.add(pair.web_id, draft("likes milk"))
    await pair.part()
    assert await pair.facts() == ({"likes rain", "likes snow"}, {"likes tea", "likes milk"})


async def test_a_fact_whose_words_have_expired_goes_back_with_the_account_that_said_them(database: Database) -> None:
    """Retention deletes the thread long before anybody parts. Proves: ID-3, UM-16."""
    pair = await Pair(database, "old").link()
    await pair.tell(pair.slack, "has a dog")
    async with database.scope(session_id=pair.slack.place) as connection:
        await connection.execute("DELETE FROM messages WHERE session_id = $1", pair.slack.place)
    await pair.part()
    assert await pair.facts() == ({"has a dog"}, set())


async def test_an_update_of_the_others_fact_is_neithers_and_the_others_is_live_again(database: Database) -> None:
    """The model that writes it is shown what the other account told. Proves: ID-3, UM-10, UM-14."""
    pair = await Pair(database, "kids").link()
    await pair.tell(pair.web, "has two children, Mia and Tom")
    await pair.tell(pair.slack, "has three children, Mia, Tom and Zoe", known=await pair.only())
    await pair.tell(pair.slack, "has four children, Mia, Tom, Zoe and Ben", known=await pair.only())
    await pair.part()
    assert await pair.facts() == (set(), {"has two children, Mia and Tom"})


async def test_what_was_said_to_be_no_more_does_not_come_back_by_parting(database: Database) -> None:
    """Neither what both had told, nor what an update took the place of before it. Proves: ID-3, UM-14."""
    pair = await Pair(database, "tea").link(both_told="likes tea")
    await pair.tell(pair.slack, "", known=await pair.only())
    await pair.tell(pair.web, "has a cat")
    await pair.tell(pair.slack, "has a cat called Tom", known=await pair.only())
    await pair.tell(pair.web, "", known=await pair.only())
    await pair.part()
    assert await pair.facts() == (set(), set())


async def test_what_one_told_and_the_other_repeats_while_they_are_one_is_not_the_others_when_they_part(
    database: Database,
) -> None:
    """A model is shown what the one told, and may lay it in the other's mouth. Proves: ID-3, UM-10."""
    pair = await Pair(database, "each").link()
    await pair.tell(pair.slack, "has a cat")
    assert await pair.hear(pair.web, "Has a cat") == 0
    await pair.records.add(pair.web_id, draft("has a cat"), account_id=pair.web_id)
    await pair.part()
    assert await pair.facts() == ({"has a cat"}, set())


async def test_what_both_had_told_and_one_corrected_is_corrected_for_both(database: Database) -> None:
    """The old text of a correction is kept nowhere. Proves: ID-3, UM-16."""
    pair = await Pair(database, "hates").link(both_told="likes tea")
    await pair.records.replace(pair.web_id, (await pair.only()).memory_id, draft("hates tea"), account_id=pair.web_id)
    assert [memory.memory for memory in await pair.records.dump(pair.web_id, with_replaced=True)] == ["hates tea"]
    await pair.part()
    assert await pair.slack.facts() == set()


async def test_what_is_written_as_an_account_that_was_parted_meanwhile_is_refused(database: Database) -> None:
    """Whoever writes was found as the other person, who must not get it. Proves: ID-3, UM-10."""
    pair = await Pair(database, "late").link()
    cat = await pair.records.add(pair.web_id, draft("has a cat"), account_id=pair.web_id)
    await pair.part()
    late_id = pair.slack_id
    for write in (
        pair.records.add(pair.web_id, draft("has diabetes"), account_id=late_id),
        pair.records.save(pair.web_id, MemoryId("late"), draft("has diabetes"), account_id=late_id),
        pair.records.replace(pair.web_id, cat.memory_id, draft("has diabetes"), account_id=late_id),
        pair.records.restore(pair.web_id, [replace(cat, memory="has diabetes")], account_id=late_id),
    ):
        with pytest.raises(AskerChangedError):
            await write
    assert await pair.facts() == (set(), {"has a cat"})


async def test_a_place_that_only_the_parted_account_was_in_keeps_nothing_of_the_other(database: Database) -> None:
    """What erases a person looks where they take part. Proves: ID-3, UM-16."""
    pair = await Pair(database, "marks").link()
    await pair.tell(pair.slack, "has a cat")
    marks = "SELECT user_id FROM watermarks WHERE session_id = $1"
    await pair.part()
    async with database.scope(session_id=pair.slack.place) as connection:
        rows = await connection.fetch(marks, pair.slack.place)
    assert [row["user_id"] for row in rows] == [pair.slack_id]


async def test_an_update_in_a_slot_is_the_accounts_that_told_it(database: Database) -> None:
    """It says one thing, and nothing of what stood there. Proves: ID-3, UM-14."""
    pair = await Pair(database, "slot").link()
    await pair.tell(pair.web, "lives in Berlin", slot="home_city")
    await pair.tell(pair.slack, "lives in Paris", known=await pair.only(), slot="home_city")
    await pair.part()
    assert await pair.facts() == ({"lives in Paris"}, {"lives in Berlin"})


async def test_what_an_account_imports_goes_back_with_it(database: Database) -> None:
    """It is as much its own as what it writes. Proves: ID-3, UM-6."""
    pair = await Pair(database, "importer").link()
    await pair.records.add(pair.web_id, draft("likes tea"), account_id=pair.slack_id)
    file = await pair.records.dump(pair.web_id)
    await pair.records.delete(pair.web_id, [file[0].memory_id])
    await pair.records.restore(pair.web_id, file, account_id=pair.slack_id)
    await pair.part()
    assert await pair.facts() == ({"likes tea"}, set())


async def test_a_fact_that_the_other_account_wrote_over_by_a_file_is_neithers(database: Database) -> None:
    """As where it is corrected by hand; a file that says the same changes nothing. Proves: ID-3, UM-10."""
    pair = await Pair(database, "overwrite").link()
    for text in ("has diabetes", "likes tea"):
        await pair.records.add(pair.web_id, draft(text), account_id=pair.slack_id)
    first, second = await pair.records.dump(pair.web_id)
    changed = replace(first, memory="has diabetes type 2")
    await pair.records.restore(pair.web_id, [changed, second], account_id=pair.web_id)
    await pair.part()
    assert await pair.facts() == ({"likes tea"}, set())


async def test_words_that_wait_to_be_read_are_read_as_the_account_that_said_them(database: Database) -> None:
    """And those that were read are not read again. Proves: ID-3, UM-3."""
    pair = await Pair(database, "waits").link()
    place = pair.slack.place
    first = await pair.slack.say("I have a cat")
    await pair.slack.say("I have a dog")
    async with database.scope(session_id=place) as connection:
        job = "INSERT INTO jobs (kind, session_id, user_id, agent_id, run_at) VALUES ('extract', $1, $2, 'a', now())"
        await connection.execute(job, place, pair.web_id)
        mark = "INSERT INTO watermarks (session_id, user_id, seq) VALUES ($1, $2, $3)"
        await connection.execute(mark, place, pair.web_id, first)
    await pair.part()
    words, _ = await pair.memories.load_new_words(pair.slack_id, place, 10)
    assert [message.text for message in words] == ["I have a dog"]
    jobs = await database.fetch("SELECT kind, agent_id, user_id FROM jobs WHERE session_id = $1", place)
    assert [tuple(row) for row in jobs] == [("extract", "a", pair.slack_id)]
