"""Accounts that are linked by proof and parted again, in the store."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Coroutine
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from agent.budgets import Amount, Cap
from agent.errors import BusyError, LinkRefusedError, NotFoundError, UserGoneError
from agent.extraction import FactChange
from agent.ids import AgentId, SessionId, UserId, WorkerId
from agent.memories import MemoryDraft
from agent.memory_merging import PlannedMerge, measure
from agent.records import Audience, Identity, Message, User
from memory.context import Sessions
from memory.database import Database
from memory.erasure import Erasures
from memory.errors import WordsMovedError
from memory.link_codes import TRIES, LinkCodes
from memory.links import Links
from memory.memories import Memories, Reading
from memory.memory_optimizations import MemoryOptimizations
from memory.memory_records import MemoryRecords
from memory.queries import query
from memory.search import Search
from memory.spend import Ledger
from memory.tasks import Tasks
from memory.users import Users
from tests.support.agent_runs import AT, spoken
from tests.support.database import new_database
from tests.support.gateway import run_sql
from tests.support.make import inbound


@pytest.fixture(scope="module")
async def url(postgres_url: str) -> AsyncIterator[str]:
    """One database for all: every test has people of its own."""
    async with new_database(postgres_url) as url:
        yield url


@pytest.fixture(scope="module")
async def database(url: str) -> AsyncIterator[Database]:
    """As the gateway opens it."""
    database = await Database.open(url, size=5, statement_s=30)
    yield database
    await database.close()


@pytest.fixture
def links(database: Database) -> Links:
    """Who is who."""
    return Links(database)


class Person:
    """Somebody on a channel, with a thread of their own there."""

    def __init__(self, database: Database, name: str, channel: str) -> None:
        self.database = database
        self.identity = Identity(tenant="default", channel=channel, external_id=name)
        self.place = SessionId(f"{channel}:{name}")
        self.user = User(id=UserId(f"usr_{channel}_{name}"), first_name=name)

    async def come(self) -> "Person":
        """Made known, or found again."""
        self.user = await Users(self.database).ensure(self.identity, self.user)
        return self

    async def say(self, text: str, place: SessionId | None = None) -> int:
        """A message, committed; its number."""
        message = inbound(text, user=self.user, session_id=place or self.place, key=f"{self.user.id} {text}")
        return (await Tasks(self.database, WorkerId("w")).accept(message, may_take=False)).accepted.seq

    async def learn(self, text: str, *, slot: str | None = None, minutes: int = 0, seq: int = 1) -> None:
        """A fact out of what they said."""
        evidence = replace(spoken(text, seq=seq, session_id=self.place), at=AT + timedelta(minutes=minutes))
        change = FactChange(op="add", text=text, slot=slot, topics=(), known=None, evidence=evidence)
        read = Reading(
            session_id=SessionId(f"{self.place} {text}"),
            first_seq=1,
            last_seq=1,
            audience=Audience.PRIVATE,
            agent_id=AgentId("a"),
        )
        await Memories(self.database).apply(self.user.id, [change], read)

    async def facts(self) -> set[str]:
        """What is remembered now."""
        return {memory.memory for memory in await Memories(self.database).list_all(self.user.id)}


async def test_what_was_read_of_two_as_one_person_is_not_stored_once_they_are_parted(
    database: Database, links: Links
) -> None:
    """A model that saw both their words could lay one's fact in the other's mouth. Proves: UM-10, ID-3."""
    slack = await Person(database, "zoe", "slack").come()
    web = await Person(database, "zoe", "id").come()
    await links.merge(slack.user.id, web.user.id, "code")
    await slack.come()
    place = SessionId("web:demo:parted")
    seqs = [await slack.say("I have a cat", place), await web.say("I have a dog", place)]
    memories = Memories(database)
    words, has_more = await memories.load_new_words(web.user.id, place, 10)
    assert ([message.seq for message in words], has_more) == (seqs[:1], True), "what two accounts said is read apart"
    change = FactChange(op="add", text="has a cat", slot=None, topics=(), known=None, evidence=words[0])
    reading = Reading(
        session_id=place,
        first_seq=seqs[0],
        last_seq=seqs[0],
        audience=Audience.SHARED,
        agent_id=AgentId("a"),
        said=tuple(words),
    )
    [account] = [a for a in await links.list_accounts(web.user.id) if a.channel == "slack"]
    await links.unlink(web.user.id, account.identity_id)
    with pytest.raises(WordsMovedError):
        await memories.apply(web.user.id, [change], reading)
    assert await web.facts() == set()
    words, _ = await memories.load_new_words(web.user.id, place, 10)
    assert [message.text for message in words] == ["I have a dog"]


async def test_what_two_linked_accounts_say_in_one_thread_is_read_apart_and_whole(
    database: Database, links: Links
) -> None:
    """So a model that mixes up who said what cannot send a fact home with the wrong account. Proves: UM-10, ID-3."""
    slack = await Person(database, "kim", "slack").come()
    web = await Person(database, "kim", "id").come()
    await links.merge(slack.user.id, web.user.id, "code")
    await slack.come()
    place, memories = SessionId("web:demo:apart"), Memories(database)
    for person, text in ((slack, "one"), (slack, "two"), (web, "three"), (slack, "four")):
        await person.say(text, place)
    read: list[list[str]] = []
    has_more = True
    while has_more:
        words, has_more = await memories.load_new_words(web.user.id, place, 10)
        read.append([message.text for message in words])
        first, last = words[0].seq, words[-1].seq
        reading = Reading(
            session_id=place, first_seq=first, last_seq=last, audience=Audience.SHARED, agent_id=AgentId("a")
        )
        await memories.apply(web.user.id, [], reading)
    assert read == [["one", "two"], ["three"], ["four"]]


async def test_what_was_read_beside_a_parted_accounts_facts_is_not_stored(database: Database, links: Links) -> None:
    """A model could repeat a fact that it was shown as if the one who stays had said it. Proves: UM-10, ID-3."""
    slack = await Person(database, "uma", "slack").come()
    web = await Person(database, "uma", "id").come()
    await slack.learn("has a cat")
    await links.merge(slack.user.id, web.user.id, "code")
    await slack.come()
    place = SessionId("web:demo:beside")
    seq = await web.say("I have a dog", place)
    memories = Memories(database)
    words, _ = await memories.load_new_words(web.user.id, place, 10)
    known = await memories.find_related(web.user.id, "a cat", 10, Audience.PRIVATE)
    change = FactChange(op="add", text="has a cat", slot=None, topics=(), known=None, evidence=words[0])
    reading = Reading(
        session_id=place,
        first_seq=seq,
        last_seq=seq,
        audience=Audience.SHARED,
        agent_id=AgentId("a"),
        said=tuple(words),
        known=tuple(memory.memory_id for memory in known),
    )
    assert len(reading.known) == 1
    [account] = [a for a in await links.list_accounts(web.user.id) if a.channel == "slack"]
    await links.unlink(web.user.id, account.identity_id)
    with pytest.raises(WordsMovedError):
        await memories.apply(web.user.id, [change], reading)
    assert await web.facts() == set()
    await slack.come()
    assert await slack.facts() == {"has a cat"}


async def test_what_was_read_beside_a_fact_that_was_corrected_meanwhile_is_read_again(
    database: Database, links: Links
) -> None:
    """A model that repeats the old fact must not bring it back, as somebody else's at that. Proves: UM-10, UM-14."""
    person = await Person(database, "eve", "slack").come()
    await person.learn("has a cat", slot="job")
    place, memories = SessionId("web:demo:corrected"), Memories(database)
    seq = await person.say("hello there, I am back", place)
    words, _ = await memories.load_new_words(person.user.id, place, 10)
    known = await memories.find_related(person.user.id, "a cat", 10, Audience.PRIVATE)
    await MemoryRecords(database).add(person.user.id, MemoryDraft(memory="has a dog", slot="job"))
    change = FactChange(op="add", text="has a cat", slot=None, topics=(), known=None, evidence=words[0])
    reading = Reading(
        session_id=place,
        first_seq=seq,
        last_seq=seq,
        audience=Audience.PRIVATE,
        agent_id=AgentId("a"),
        said=tuple(words),
        known=tuple(memory.memory_id for memory in known),
    )
    with pytest.raises(WordsMovedError):
        await memories.apply(person.user.id, [change], reading)
    assert await person.facts() == {"has a dog"}


async def test_a_link_moves_everything_and_parting_gives_each_account_back_what_it_made(
    database: Database, links: Links
) -> None:
    """Threads, words, tasks and facts follow the person, and go back with the account. Proves: ID-3."""
    slack = await Person(database, "ann", "slack").come()
    web = await Person(database, "ann", "id").come()
    slack_id, web_id = slack.user.id, web.user.id
    await slack.say("from slack")
    await web.say("from the web")
    shared = SessionId("web:demo:both")
    await slack.say("one", shared)
    await web.say("two", shared)
    await slack.learn("lives in Berlin", slot="home_city")
    await slack.learn("likes tea")
    await web.learn("lives in Paris", slot="home_city", minutes=5)
    await web.learn("Likes tea.")
    await links.merge(slack_id, web_id, "code")
    await slack.come()
    assert slack.user.id == web_id
    assert slack.user.account_id == slack_id
    assert len(await web.facts()) == 2
    assert "lives in Paris" in await web.facts()
    sessions = await Sessions(database).list_sessions_of_user(web_id, "widget", "demo", 10)
    assert {s.session_id for s in sessions} == {slack.place, web.place, shared}
    log = [e for e in await Sessions(database).load_log(shared, 0, 10) if isinstance(e, Message)]
    assert {e.author.id for e in log} == {web_id}

    seq = await slack.say("since then")
    await slack.learn("has a cat", seq=seq)
    assert "has a cat" in await web.facts()
    [account] = [a for a in await links.list_accounts(web_id) if a.channel == "slack"]
    assert (account.origin_id, account.proof) == (slack_id, "code")

    assert await links.unlink(web_id, account.identity_id) == slack_id
    await slack.come()
    assert slack.user.id == slack_id
    assert not slack.user.account_id
    assert await slack.facts() == {"lives in Berlin", "likes tea", "has a cat"}
    assert await web.facts() == {"lives in Paris", "Likes tea."}
    mine = {s.session_id for s in await Sessions(database).list_sessions_of_user(slack_id, "widget", "demo", 10)}
    theirs = {s.session_id for s in await Sessions(database).list_sessions_of_user(web_id, "widget", "demo", 10)}
    assert (mine, theirs) == ({slack.place, shared}, {web.place, shared})
    log = [e for e in await Sessions(database).load_log(shared, 0, 10) if isinstance(e, Message)]
    assert [e.author.id for e in log] == [slack_id, web_id]


@pytest.mark.parametrize("is_erasure", [False, True])
async def test_who_comes_under_an_old_id_while_it_is_parted_or_erased_is_not_sent_away(
    url: str, database: Database, links: Links, is_erasure: bool
) -> None:
    """The one holds the old id's lock and waits for the new one's; the other must not hold that. Proves: ID-3."""
    name = f"quin{is_erasure}"
    slack, web = await Person(database, name, "slack").come(), await Person(database, name, "id").come()
    await links.merge(slack.user.id, web.user.id, "code")
    [account] = [a for a in await links.list_accounts(web.user.id) if a.channel == "slack"]
    waiting = "SELECT FROM pg_locks l JOIN pg_database d ON d.oid = l.database WHERE NOT granted AND datname = $1"
    undo: Coroutine[None, None, object] = (
        Erasures(database).erase(web.user.id) if is_erasure else links.unlink(web.user.id, account.identity_id)
    )
    async with asyncio.timeout(10), asyncio.TaskGroup() as group, database.scope() as connection:
        await connection.fetchrow("SELECT parley_is_former($1)", slack.user.id)
        group.create_task(undo)
        while not await run_sql(url, waiting, url.rpartition("/")[2].partition("?")[0]):
            pass
        found = await connection.fetchrow(query("find_current_user"), slack.user.id)
    assert found is not None
    assert found["user_id"] == web.user.id


async def test_a_thread_that_an_account_began_while_it_was_linked_is_its_alone_once_it_is_parted(
    database: Database, links: Links
) -> None:
    """And so is a message that comes under the id it had a moment ago: a socket may still hold it. Proves: ID-3."""
    slack, web = await Person(database, "pam", "slack").come(), await Person(database, "pam", "id").come()
    slack_id = slack.user.id
    await links.merge(slack_id, web.user.id, "code")
    await slack.come()
    await slack.say("something private")
    [account] = [a for a in await links.list_accounts(web.user.id) if a.channel == "slack"]
    await links.unlink(web.user.id, account.identity_id)
    await slack.say("and more of it")
    log = [e for e in await Sessions(database).load_log(slack.place, 0, 10) if isinstance(e, Message)]
    assert [e.author.id for e in log] == [slack_id, slack_id]
    assert await Sessions(database).list_sessions_of_user(web.user.id, "widget", "demo", 10) == []
    assert await Search(database).find_turns(web.user.id, "something private", 10) == []
    assert len(await Search(database).find_turns(slack_id, "something private", 10)) == 2


async def test_what_merged_memories_can_be_undone_after_a_link_and_goes_back_when_it_is_parted(
    database: Database, links: Links
) -> None:
    """What the merge of both holds is neither's. Proves: ID-3, UM-7."""
    slack, web = await Person(database, "mia", "slack").come(), await Person(database, "mia", "id").come()
    records, optimizations = MemoryRecords(database), MemoryOptimizations(database)

    async def merge(user_id: UserId, text: str) -> None:
        sources = tuple(await records.dump(user_id))
        merges = (PlannedMerge(draft=MemoryDraft(memory=text), sources=sources),)
        await optimizations.apply(user_id, replace(measure("test", (), sources), merges=merges))

    for text in ("likes tea", "likes rain"):
        await slack.learn(text)
    await merge(slack.user.id, "likes tea and rain")
    slack_id = slack.user.id
    await links.merge(slack_id, web.user.id, "code")
    assert await web.facts() == {"likes tea and rain"}
    await optimizations.undo(web.user.id)
    assert await web.facts() == {"likes tea", "likes rain"}
    await merge(web.user.id, "likes rain and tea")
    await web.learn("likes snow")
    await merge(web.user.id, "likes all weathers")
    [account] = [a for a in await links.list_accounts(web.user.id) if a.channel == "slack"]
    await links.unlink(web.user.id, account.identity_id)
    await slack.come()
    assert slack.user.id == slack_id
    assert await slack.facts() == {"likes rain and tea"}
    assert await web.facts() == {"likes snow"}
    await optimizations.undo(slack_id)
    assert await slack.facts() == {"likes tea", "likes rain"}


async def test_nobody_gets_another_days_budget_by_signing_in(database: Database, links: Links) -> None:
    """What was spent and what is held goes along, and is settled there. Proves: AG-5, ID-4."""
    slack, web = await Person(database, "ned", "slack").come(), await Person(database, "ned", "id").come()
    old, new = f"visitor:{slack.user.id}", f"user:{web.user.id}"
    await database.execute("INSERT INTO workers (worker_id) VALUES ('w-ned')")
    ledger, cap = Ledger(database, WorkerId("w-ned")), Cap(usd=Decimal(10))
    await ledger.record([old, new], Amount(usd=Decimal(1), tokens=10))
    held = await ledger.reserve({old: cap}, Amount(usd=Decimal(3), tokens=30))
    await links.merge(slack.user.id, web.user.id, "code")
    assert await ledger.list_spent(None, old, 10) == []
    [account] = await ledger.list_spent(None, new, 10)
    assert (account.spent_usd, account.spent_tokens, account.reserved_usd) == (Decimal(2), 20, Decimal(3))
    await ledger.settle(held, Amount(usd=Decimal("0.5"), tokens=5))
    [account] = await ledger.list_spent(None, new, 10)
    assert (account.spent_usd, account.spent_tokens, account.reserved_usd) == (Decimal("2.5"), 25, Decimal(0))
    assert await ledger.list_spent(None, old, 10) == []


async def test_a_message_that_comes_under_the_old_id_is_of_the_person_it_became(
    url: str, database: Database, links: Links
) -> None:
    """A socket, a cache or another process may still have it, also while the link is made. Proves: ID-3."""
    slack, web = await Person(database, "bob", "slack").come(), await Person(database, "bob", "id").come()
    await slack.say("before")
    says = [slack.say(f"meanwhile {n}", SessionId(f"slack:bob:{n}")) for n in range(8)]
    await asyncio.gather(links.merge(slack.user.id, web.user.id, "code"), *says)
    await slack.say("after")
    await slack.learn("likes snow")
    records = MemoryRecords(database)
    await records.add(await records.current_id(slack.user.id), MemoryDraft(memory="likes rain"))
    assert await web.facts() == {"likes rain"}, "what was being read is read again, as the other"
    assert await slack.facts() == set()
    left = "SELECT count(*) FROM {} WHERE user_id = $1"
    for table in ("participants", "tasks", "user_memories", "identities"):
        assert (await run_sql(url, left.format(table), slack.user.id))[0][0] == 0, table
    authors = await run_sql(
        url, "SELECT DISTINCT author_id, account_id FROM messages WHERE session_id LIKE 'slack:bob%'"
    )
    assert [tuple(row) for row in authors] == [(web.user.id, slack.user.id)]


async def test_a_chain_of_links_leads_to_one_person_and_cannot_bite_its_own_tail(
    database: Database, links: Links
) -> None:
    """Whoever has an id that is several links old is told the right one. Proves: ID-3."""
    a, b, c = [await Person(database, "cyd", channel).come() for channel in ("slack", "api", "id")]
    await links.merge(a.user.id, b.user.id, "code")
    await links.merge(b.user.id, c.user.id, "email")
    assert await links.current_id(a.user.id) == c.user.id
    assert set(await links.list_former_ids(c.user.id)) == {a.user.id, b.user.id}
    for one, other in ((c, a), (a, c), (c, c)):
        with pytest.raises(LinkRefusedError):
            await links.merge(one.user.id, other.user.id, "code")
    own = next(x for x in await links.list_accounts(c.user.id) if x.channel == "id")
    with pytest.raises(LinkRefusedError, match="was not linked"):
        await links.unlink(c.user.id, own.identity_id)
    with pytest.raises(NotFoundError):
        await links.unlink(b.user.id, own.identity_id)


async def test_the_same_proven_address_links_two_channels_letter_by_letter_and_never_two_accounts_of_one(
    database: Database, links: Links
) -> None:
    """A site's word is that two accounts are two people; another spelling is another address. Proves: ID-3."""
    slack, web = await Person(database, "dan", "slack").come(), await Person(database, "dan", "id").come()
    twin, other = await Person(database, "dan2", "id").come(), await Person(database, "Dan", "slack").come()
    assert await links.prove_email(slack.identity, "dan@example.com") == slack.user.id
    assert await links.prove_email(other.identity, "Dan@example.com") == other.user.id
    assert await links.prove_email(web.identity, "dan@example.com") == slack.user.id
    assert await links.prove_email(twin.identity, "dan@example.com") == twin.user.id
    assert await links.prove_email(web.identity, "dan@example.com") is None, "nothing new"
    [linked] = [a for a in await links.list_accounts(slack.user.id) if a.channel == "id"]
    await links.unlink(slack.user.id, linked.identity_id)
    await links.prove_email(web.identity, None)
    await links.prove_email(web.identity, "dan@example.com")
    await web.come()
    assert web.user.id != slack.user.id, "what was undone does not come back by itself"


@pytest.mark.parametrize("text", ["", " ", "x", "@", "a b@example.com"])
async def test_what_is_no_address_links_nobody(database: Database, links: Links, text: str) -> None:
    """A channel that fills in a blank for everybody must not make them one person, nor fail. Proves: ID-3."""
    slack, web = await Person(database, "fay", "slack").come(), await Person(database, "fay", "id").come()
    for one in (slack, web):
        assert await links.prove_email(one.identity, text) is None
    assert {account.proven_email for account in await links.list_accounts(web.user.id)} == {None}


async def test_a_claimed_address_is_no_proof(database: Database, links: Links) -> None:
    """An API caller may say any address. Proves: ID-3."""
    slack = await Person(database, "eve", "slack").come()
    await links.prove_email(slack.identity, "eve@example.com")
    claim = Identity(tenant="default", channel="email-claim", external_id="eve@example.com")
    caller = await Users(database).ensure(claim, User(email="eve@example.com"))
    assert caller.id != slack.user.id


async def test_a_code_works_once_for_somebody_else_and_is_nowhere_in_the_database(url: str, database: Database) -> None:
    """It is short-lived proof: neither a dump nor guessing gives one away. Proves: ID-3."""
    codes = LinkCodes(database, b"secret of the gateway")
    ann, bob = UserId("code_ann"), UserId("code_bob")
    issued = await codes.issue(ann)
    rows = repr([tuple(row) for row in await run_sql(url, "SELECT c::text, digest, selector FROM link_codes c")])
    assert issued.code not in rows
    assert issued.code.replace("-", "") not in rows
    with pytest.raises(LinkRefusedError, match="on the other channel"):
        await codes.take(ann, issued.code)
    with pytest.raises(LinkRefusedError):
        await LinkCodes(database, b"another secret").take(bob, issued.code)
    assert await codes.take(bob, issued.code.lower().replace("-", " ")) == ann
    with pytest.raises(LinkRefusedError, match="not right"):
        await codes.take(bob, issued.code)
    first, second = await codes.issue(ann), await codes.issue(ann)
    with pytest.raises(LinkRefusedError):
        await codes.take(bob, first.code)
    await run_sql(url, "UPDATE link_codes SET expires_at = now() - interval '1 second'")
    with pytest.raises(LinkRefusedError):
        await codes.take(UserId("code_cyd"), second.code)


async def test_who_tries_codes_is_stopped_and_may_try_again_later(url: str, database: Database) -> None:
    """Proves: ID-3."""
    codes, guesser = LinkCodes(database, b"secret"), UserId("guesser")
    for _ in range(TRIES):
        with pytest.raises(LinkRefusedError):
            await codes.take(guesser, "AAAAA-AAAAA")
    with pytest.raises(BusyError) as busy:
        await codes.take(guesser, (await codes.issue(UserId("giver"))).code)
    assert 0 < busy.value.retry_after_s <= 600
    await run_sql(url, "UPDATE user_tries SET since = now() - interval '11 minutes'")
    assert await codes.take(guesser, (await codes.issue(UserId("giver2"))).code) == "giver2"


async def test_an_id_that_is_nobodys_any_more_is_never_given_out_again(
    url: str, database: Database, links: Links
) -> None:
    """Else what is still on its way to the one would reach the other. Proves: ID-2."""
    await run_sql(url, "INSERT INTO former_users (hash) VALUES (parley_user_hash('customer-7'))")
    wanted = User(id=UserId("customer-7"), first_name="New")
    made = await Users(database).ensure(Identity(tenant="default", channel="id", external_id="customer-7"), wanted)
    assert made.id != "customer-7"
    with pytest.raises(UserGoneError):
        await links.current_id(UserId("customer-7"))
    with pytest.raises(UserGoneError):
        await Tasks(database, WorkerId("w")).accept(inbound("hi", user=wanted), may_take=True)
    assert await Users(database).save(wanted) is None


async def test_every_parting_of_an_id_is_a_change_of_its_own(database: Database, links: Links) -> None:
    """Others look for what they have not seen yet. Proves: ID-3."""
    slack, web = await Person(database, "ula", "slack").come(), await Person(database, "ula", "id").come()
    seen: list[int] = []
    for _ in range(2):
        await links.merge(slack.user.id, web.user.id, "code")
        [account] = [a for a in await links.list_accounts(web.user.id) if a.channel == "slack"]
        await links.unlink(web.user.id, account.identity_id)
        digest = hashlib.sha256(web.user.id.encode()).digest()
        seen.append(sum((one, kind) == (digest, "split") for one, kind, _ in await links.list_changes(60)))
    assert seen == [1, 2]
