"""Search without a model: what is found, in what order, and that nobody finds what is not theirs to see."""

from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.ids import SessionId
from agent.records import Audience
from agent.text import storable
from memory.database import Database
from memory.memories import Memories
from memory.search import Search
from tests.support.gateway import run_sql
from tests.support.make import ANN, BOB
from tests.support.threads import add_memory, add_thread

WORDS = st.text(alphabet=st.sampled_from("ab '\\\":*!&|()<>-@./%_~\n\t\u2019é日😀E1"), max_size=40)
POTTERY = [
    ("Bob", "Hi Ann, how was the pottery class?"),
    ("Ann", "So relaxing! I made a bowl, black and white."),
    ("Bob", "Nice."),
    ("Ann", "And you, what did you do?"),
    ("Bob", "I ran ten miles along the river."),
]


@pytest.fixture
def search(database: Database) -> Search:
    """The search of a fresh database."""
    return Search(database)


async def found(search: Search, text: str, limit: int = 10) -> list[str]:
    """What Ann finds, best first."""
    return [hit.message.text for hit in await search.find_turns(ANN.id, text, limit)]


async def test_an_answer_is_found_by_its_question_and_by_its_stem(search: Search, database_url: str) -> None:
    """Words are stemmed, stop words say nothing, one of several words is enough."""
    await add_thread(database_url, "t", POTTERY, people=("ann", "bob"))
    assert POTTERY[1][1] in (await found(search, "What did Ann make in her pottery classes?"))[:2]
    assert (await found(search, "running miles, marathons"))[0] == POTTERY[4][1]
    assert await found(search, "the of and") == []
    assert await found(search, "submarine") == []
    assert await found(search, "") == []


async def test_who_is_named_or_says_i_comes_first(search: Search, database_url: str) -> None:
    """The same words mean something else from another mouth."""
    talk = [
        ("Ann", "My dog is called Rex."),
        ("", "Fine."),
        ("", "Go on."),
        ("", "So."),
        ("Bob", "My dog is called Max."),
    ]
    await add_thread(database_url, "t", talk, people=("ann", "bob"))
    assert (await found(search, "the name of Bob's dog"))[0] == "My dog is called Max."
    assert (await found(search, "what is my dog called?"))[0] == "My dog is called Rex."


async def test_a_name_alone_finds_where_it_is_said(search: Search, database_url: str) -> None:
    """There is nothing else to go by."""
    await add_thread(database_url, "t", POTTERY, people=("ann", "bob"))
    assert POTTERY[0][1] in await found(search, "Ann")


async def test_a_fact_lifts_the_turn_that_it_came_from(search: Search, database_url: str) -> None:
    """The turn only hints at what the fact says."""
    talk = [
        ("Ann", "They left me nothing but the piano, bless them."),
        *[("", f"Line {n} of music.") for n in range(30)],
    ]
    await add_thread(database_url, "t", talk)
    assert await found(search, "inheritance") == []
    await add_memory(database_url, ANN.id, "got a piano as an inheritance from the grandparents", source=("t", 1))
    assert (await found(search, "inheritance"))[0] == talk[0][1]


class Embedder:
    """Texts about animals point one way, all others another; it keeps what it was asked for."""

    def __init__(self, *, is_broken: bool = False) -> None:
        self.asked: list[list[str]] = []
        self._is_broken = is_broken

    async def embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]] | None:
        """A vector for each text, or none."""
        self.asked.append([*texts])
        return None if self._is_broken else [[1.0, 0.1] if "dog" in t or "cat" in t else [0.1, 1.0] for t in texts]


async def test_an_embedder_has_a_say_in_the_order_of_what_the_words_found(
    search: Search, database: Database, database_url: str
) -> None:
    """Words find "name", the embedder knows which one is an animal's; a broken one costs nothing."""
    talk = [
        ("Ann", "My street has no name."),
        *[("", "Well.")] * 5,
        ("Ann", "I had a name for the old cat."),
    ]
    await add_thread(database_url, "t", talk)
    assert (await found(search, "dog name"))[0] == talk[0][1]
    embedder = Embedder()
    assert (await found(Search(database, embedder=embedder), "dog name"))[0] == talk[-1][1]
    assert embedder.asked[0][0] == "dog name"
    assert (await found(Search(database, embedder=Embedder(is_broken=True)), "dog name"))[0] == talk[0][1]
    assert await found(Search(database, embedder=embedder), "submarine") == []


async def test_only_threads_that_one_takes_part_in_are_searched(search: Search, database_url: str) -> None:
    """Also with somebody else's fact, and with none of the words missing. Proves: UM-10."""
    await add_thread(database_url, "theirs", [("Bob", "The code word is halibut.")], people=("bob",))
    await add_thread(database_url, "mine", [("Ann", "I like fish.")])
    await add_memory(database_url, ANN.id, "knows the word halibut", source=("theirs", 1))
    assert await found(search, "halibut code word") == []
    await run_sql(database_url, "INSERT INTO participants (session_id, user_id) VALUES ('theirs', 'ann')")
    assert await found(search, "halibut") == ["The code word is halibut."]


async def test_a_search_in_a_thread_stays_in_it(search: Search, database_url: str) -> None:
    """Others read what comes of it: nothing of the asker's other threads may. Proves: UM-11."""
    await add_thread(database_url, "private", [("Ann", "I am looking for another job.")], audience="private")
    shared = await add_thread(database_url, "shared", [("Ann", "My job is fun."), ("Bob", "Mine too.")])
    hits = await search.find_in_session(shared, ANN.id, "job", 10)
    assert [hit.message.text for hit in hits] == ["My job is fun.", "Mine too."]
    assert await search.find_in_session(SessionId("nowhere"), ANN.id, "job", 10) == []


async def test_memories_are_found_by_word_and_audience_for_their_person_only(
    search: Search, database: Database, database_url: str
) -> None:
    """Proves: UM-10, UM-11."""
    await add_memory(database_url, ANN.id, "likes green tea", visibility="thread")
    await add_memory(database_url, ANN.id, "drinks tea for a sore throat")
    await add_memory(database_url, BOB.id, "grows tea", visibility="thread")

    async def seen(audience: Audience) -> set[str]:
        return {memory.memory for memory, _ in await search.find_memories(ANN.id, "teas", 10, audience)}

    assert await seen(Audience.PRIVATE) == {"likes green tea", "drinks tea for a sore throat"}
    assert await seen(Audience.SHARED) == {"likes green tea"}
    related = await Memories(database).find_related(ANN.id, "sore throats", 1, Audience.PRIVATE)
    assert [memory.memory for memory in related] == ["drinks tea for a sore throat"]


async def test_as_many_memories_are_found_as_were_asked_for(
    search: Search, database: Database, database_url: str
) -> None:
    """Also where one word stands in more than a turn ever looks at. Proves: UM-6."""
    await run_sql(
        database_url,
        "INSERT INTO user_memories (user_id, memory_id, memory, hash, visibility)"
        " SELECT 'ann', 'm' || n, 'likes tea ' || n, sha256(('likes tea ' || n)::bytea), 'private'"
        " FROM generate_series(1, 130) n",
    )
    for limit, count in ((5, 5), (60, 60), (200, 130)):
        found = await search.find_memories(ANN.id, "tea", limit, Audience.PRIVATE)
        assert len({memory.memory_id for memory, _ in found}) == len(found) == count
        related = await Memories(database).find_related(ANN.id, "tea", limit, Audience.PRIVATE)
        assert len(related) == count


async def test_the_index_of_words_follows_every_change(search: Search, database_url: str) -> None:
    """A changed, ended, moved or deleted memory must not be found by what it was. Proves: UM-14."""
    await add_memory(database_url, ANN.id, "lives in Berlin")
    change = "UPDATE user_memories SET {} WHERE user_id = 'ann'"

    async def seen(text: str, user_id: str = "ann") -> int:
        return len(await search.find_memories(type(ANN.id)(user_id), text, 5, Audience.SHARED))

    assert await seen("Berlin") == 0
    await run_sql(database_url, change.format("visibility = 'thread'"))
    assert await seen("Berlin") == 1
    await run_sql(database_url, change.format("memory = 'lives in Paris'"))
    assert (await seen("Berlin"), await seen("Paris")) == (0, 1)
    await run_sql(database_url, change.format("valid_to = now()"))
    assert await seen("Paris") == 0
    await run_sql(database_url, change.format("valid_to = NULL, user_id = 'bob'").replace("'ann'", "'ann'"))
    assert (await seen("Paris"), await seen("Paris", "bob")) == (0, 1)
    await run_sql(database_url, "DELETE FROM user_memories")
    assert await run_sql(database_url, "SELECT FROM memory_words") == []


@given(text=WORDS)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_any_words_can_be_looked_for_and_find_themselves(
    database: Database, database_url: str, text: str
) -> None:
    """A quote, a colon or a backslash must not break the search."""
    search = Search(database)
    rows = await run_sql(database_url, "SELECT count(*) FROM unnest(to_tsvector('english', $1))", storable(text))
    await run_sql(database_url, "DELETE FROM messages")
    await run_sql(database_url, "DELETE FROM participants")
    await add_thread(database_url, "t", [("Ann", storable(text) or " ")])
    assert len(await found(search, storable(text))) == min(1, rows[0][0])
    await Memories(database).find_related(ANN.id, storable(text), 5, Audience.SHARED)


async def test_a_text_of_any_length_can_be_stored_and_looked_for(search: Search, database_url: str) -> None:
    """The words of a huge text must not keep it from being stored."""
    await add_thread(database_url, "t", [("Ann", " ".join(f"word{n}" for n in range(300_000)))])
    assert len(await found(search, "word7, " * 50_000)) == 1
