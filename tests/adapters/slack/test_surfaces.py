"""What is beside the threads: home, prompts, `/parley`, feedback, files, profiles."""

import asyncio
import re

import pytest

from adapters.slack.door import GOES_ON, NOT_DONE
from adapters.slack.surfaces import Surfaces
from agent.errors import StoreUnavailableError
from agent.ids import UserId
from agent.records import Identity, User
from gateway.slack_people import FORGOTTEN
from memory.database import Database
from memory.links import Links
from tests.adapters.slack.arena import TRANSPORTS, Arena, Transport, open_arena
from tests.support.gateway import find_text, run_sql
from tests.support.model_steps import Gate, last_text_has, says, says_slowly
from tests.support.scripted_model import ScriptedModel


async def remember(arena: Arena, name: str, memory: str) -> None:
    """A memory of somebody who has spoken."""
    await run_sql(
        arena.url,
        "INSERT INTO user_memories (user_id, memory_id, memory, hash, visibility)"
        " SELECT user_id, 'mem_' || md5($2::text), $2, sha256(convert_to($2, 'UTF8')), 'private'"
        " FROM users WHERE first_name = $1",
        name,
        memory,
    )


@pytest.mark.parametrize("over", TRANSPORTS)
async def test_an_event_that_nothing_is_done_about_is_acked_and_on_record(database_url: str, over: Transport) -> None:
    """Slack switches off apps that do not ack; and owners ask why nothing happened. Proves: SL-2."""
    async with open_arena(database_url, ScriptedModel(), over=over) as arena:
        ts = await arena.ask(arena.ann, "nice")
        await arena.slack.react(arena.ben, arena.general, ts, "+1")
        await arena.slack.wait_until_heard()
        assert ("reaction_added", "ignored", "nothing is done about this event") in await arena.decisions()
        assert arena.slack.courier.lost == []


@pytest.mark.parametrize("over", TRANSPORTS)
async def test_the_home_tab_shows_a_person_their_memories_and_threads(database_url: str, over: Transport) -> None:
    """What is remembered about somebody is theirs to see, and nobody else's. Proves: SL-16."""
    model = ScriptedModel()
    model.add(says("Hello."), says("Hello."))
    async with open_arena(database_url, model, over=over) as arena:
        await arena.answers(await arena.ask(arena.ann, "<@BOT> good morning"))
        await arena.answers(await arena.ask(arena.ben, "<@BOT> good evening"))
        await remember(arena, "Ann", "likes <!channel> oolong")
        await arena.slack.open_home(arena.ann)
        await arena.slack.open_home(arena.ben)
        await arena.slack.wait_for(lambda: bool(arena.slack.home(arena.ann)) and bool(arena.slack.home(arena.ben)))
        ann, ben = str(arena.slack.home(arena.ann)), str(arena.slack.home(arena.ben))
        assert "likes &lt;!channel&gt; oolong" in ann
        assert "good morning" in ann
        assert "good evening" not in ann
        assert "oolong" not in ben


async def test_prompts_are_suggested_where_a_person_looks_at_the_messages(database_url: str) -> None:
    """An empty page helps nobody. Proves: SL-16."""
    async with open_arena(database_url, ScriptedModel()) as arena:
        await arena.slack.open_home(arena.ann, tab="messages")
        direct = arena.team.direct(arena.ann)
        await arena.slack.wait_for(lambda: bool(arena.slack.prompts(direct)))
        assert "What can you do?" in str(arena.slack.prompts(direct))


@pytest.mark.parametrize("over", TRANSPORTS)
async def test_the_command_answers_only_who_asked(database_url: str, over: Transport) -> None:
    """Memories are no one else's business. Proves: SL-17."""
    model = ScriptedModel()
    model.add(says("Hello."))
    async with open_arena(database_url, model, over=over) as arena:
        await arena.answers(await arena.ask(arena.ann, "<@BOT> hi"))
        await remember(arena, "Ann", "likes tea")
        for user, words in ((arena.ann, "likes tea"), (arena.ben, "Nothing yet.")):
            await arena.slack.command(user, arena.general, "/parley", "memories")
            await arena.slack.wait_until_heard()
            assert words in arena.slack.ephemerals(user)[-1].text


async def test_the_command_explains_itself_and_asks_before_it_forgets(database_url: str) -> None:
    """What cannot be undone takes a second word. Proves: SL-17."""
    model = ScriptedModel()
    model.add(says("Hello."))
    async with open_arena(database_url, model) as arena:
        await arena.answers(await arena.ask(arena.ann, "<@BOT> hi"))
        await remember(arena, "Ann", "likes tea")
        for name, words in (("", "/parley forget"), ("what?", "/parley help"), ("forget", "/parley forget me")):
            await arena.slack.command(arena.ann, arena.general, "/parley", name)
            assert words in arena.slack.ephemerals(arena.ann)[-1].text
        assert await find_text(database_url, "likes tea") == {"user_memories"}
        await arena.slack.command(arena.ben, arena.general, "/parley", "forget me")
        assert await find_text(database_url, "likes tea") == {"user_memories"}
        await arena.slack.command(arena.ann, arena.general, "/parley", "forget me")
        assert "orgot" in arena.slack.ephemerals(arena.ann)[-1].text
        assert await find_text(database_url, "likes tea") == set()


async def test_a_command_that_takes_longer_than_slack_waits_is_carried_out(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who said much takes long to forget, and has the same right to it. Proves: SL-17."""
    monkeypatch.setattr("adapters.slack.door.COMMAND_S", 0.0)
    model = ScriptedModel()
    model.add(says("Hello."))
    async with open_arena(database_url, model) as arena:
        await arena.answers(await arena.ask(arena.ann, "<@BOT> hi"))
        await remember(arena, "Ann", "likes tea")
        await arena.slack.command(arena.ann, arena.general, "/parley", "forget me")
        await arena.slack.wait_for(lambda: len(arena.slack.ephemerals(arena.ann)) == 2)
        assert {each.text for each in arena.slack.ephemerals(arena.ann)} == {GOES_ON, FORGOTTEN}
        assert await find_text(database_url, "likes tea") == set()


async def test_a_command_that_fails_while_it_goes_on_says_so(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody has to guess whether they were forgotten. Proves: SL-17."""
    monkeypatch.setattr("adapters.slack.door.COMMAND_S", 0.0)

    may_fail = asyncio.Event()

    async def fail(*_: object) -> str:
        await may_fail.wait()
        raise StoreUnavailableError("away")

    monkeypatch.setattr(Surfaces, "command", fail)
    async with open_arena(database_url, ScriptedModel()) as arena:
        await arena.slack.command(arena.ann, arena.general, "/parley", "forget me")
        may_fail.set()
        await arena.slack.wait_for(lambda: len(arena.slack.ephemerals(arena.ann)) == 2)
        assert [each.text for each in arena.slack.ephemerals(arena.ann)] == [GOES_ON, NOT_DONE]


async def test_the_command_stops_what_runs_for_the_person_in_that_conversation(database_url: str) -> None:
    """A command carries no thread. Proves: SL-17."""
    model, gate = ScriptedModel(), Gate()
    model.add(says_slowly(["One ", "two."], gate), when=last_text_has("count"))
    async with open_arena(database_url, model) as arena:
        ts = await arena.ask(arena.ann, "<@BOT> count")
        gate.let(1)
        await arena.slack.wait_for(lambda: arena.shown(ts) != [])
        await arena.slack.command(arena.ben, arena.general, "/parley", "stop")
        await arena.slack.command(arena.ann, arena.general, "/parley", "stop")
        await arena.slack.wait_for(lambda: bool(arena.slack.ephemerals(arena.ann)))
        assert arena.slack.ephemerals(arena.ben)[-1].text == "Nothing of yours is running here."
        assert arena.slack.ephemerals(arena.ann)[-1].text == "Stopped."
        assert await arena.answers(ts) == ["One"]


async def test_feedback_is_noted_under_its_answer(database_url: str) -> None:
    """A click carries no thread; the table of posts knows the session. Proves: SL-19."""
    model = ScriptedModel()
    model.add(says("Here."))
    async with open_arena(database_url, model) as arena:
        ts = await arena.ask(arena.ann, "<@BOT> hi")
        await arena.answers(ts)
        (answer,) = arena.slack.answers(arena.general, ts)
        button = answer.blocks[-1]["elements"][0]
        value = button["negative_button"]["value"]
        async with asyncio.timeout(5):
            while not await run_sql(database_url, "SELECT FROM slack_posts WHERE ts = $1", answer.ts):
                pass  # nobody clicks as fast as this test would: the answer stands there before its name is noted
        await arena.slack.click(arena.ann, arena.general, answer.ts, button["action_id"], value)
        async with asyncio.timeout(5):
            while not (rows := await run_sql(database_url, "SELECT session_id, is_good FROM slack_feedback")):
                pass  # the click is answered before it is noted
        assert [(row["session_id"].endswith(ts), row["is_good"]) for row in rows] == [(True, False)]


async def test_a_text_file_is_read_from_slack(database_url: str) -> None:
    """People drop logs into a thread and ask what is wrong. Proves: SL-20."""
    model = ScriptedModel()
    model.add(says("A full disk."), when=last_text_has("no space left"))
    async with open_arena(database_url, model) as arena:
        files = [("error.txt", b"no space left on device"), ("photo.png", b"\x89PNG")]
        ts = await arena.slack.say(arena.ann, arena.general, "<@BOT> what is this?", files=files)
        assert await arena.answers(ts) == ["A full disk."]
        assert "photo.png" in str(model.requests[-1].messages)


async def test_an_e_mail_address_counts_only_of_full_members(database_url: str) -> None:
    """An admin elsewhere can give anybody any address. Proves: SL-21."""
    model = ScriptedModel()
    model.add(says("Hello."), says("Hello."))
    async with open_arena(database_url, model) as arena:
        guest = arena.team.add_user("Gus", email="boss@acme.test", is_guest=True)
        arena.team.join(guest, arena.general)
        await arena.answers(await arena.ask(arena.ann, "<@BOT> hi"))
        await arena.answers(await arena.ask(guest, "<@BOT> hi"))
        rows = await run_sql(database_url, "SELECT first_name, email, timezone FROM users ORDER BY first_name")
        assert [(row["first_name"], row["email"]) for row in rows] == [("Ann", "ann@acme.test"), ("Gus", None)]
        assert rows[0]["timezone"] == "Europe/Paris"


async def test_a_person_stays_the_same_when_slack_tells_nothing_about_them(database_url: str) -> None:
    """The id is the account's; the rest is decoration. Proves: SL-21."""
    model = ScriptedModel()
    model.add(says("Hello."))
    async with open_arena(database_url, model) as arena:
        arena.slack.faults.refuse("users.info", code="missing_scope")
        await arena.answers(await arena.ask(arena.ann, "<@BOT> hi"))
        rows = await run_sql(database_url, "SELECT tenant, external_id FROM identities")
        team = arena.team.team_id
        assert [(row["tenant"], row["external_id"]) for row in rows] == [(team, f"{team}:{arena.ann.user_id}")]


async def test_a_changed_profile_is_looked_up_anew(database_url: str) -> None:
    """People marry and move. Proves: SL-21."""
    model = ScriptedModel()
    model.add(says("Hello."), says("Hello."))
    async with open_arena(database_url, model) as arena:
        await arena.answers(await arena.ask(arena.ann, "<@BOT> hi"))
        await arena.slack.change_profile(arena.ann, email="ann@new.test")
        await arena.slack.wait_until_heard()
        await arena.decisions()
        await arena.answers(await arena.ask(arena.ann, "<@BOT> hi again"))
        rows = await run_sql(database_url, "SELECT email FROM users")
        assert [row["email"] for row in rows] == ["ann@new.test"]
        looked_up = [call for call in arena.slack.api.calls if call.method == "users.info"]
        assert len(looked_up) == 2


@pytest.mark.parametrize("over", TRANSPORTS)
async def test_a_code_makes_two_accounts_one_person(database_url: str, over: Transport) -> None:
    """What is remembered on one side is then known on the other. Proves: SL-38, ID-3."""
    async with open_arena(database_url, ScriptedModel(), over=over) as arena:
        await arena.slack.command(arena.ann, arena.general, "/parley", "link")
        code = re.search(r"`link (\S+)`", arena.slack.ephemerals(arena.ann)[-1].text)
        assert code is not None
        for words, told in (("nonsense", "Not linked"), (code[1], "one person"), (code[1], "Not linked")):
            await arena.slack.command(arena.ben, arena.general, "/parley", f"link {words}")
            assert told in arena.slack.ephemerals(arena.ben)[-1].text
        people = await run_sql(database_url, "SELECT DISTINCT user_id FROM identities WHERE channel = 'slack'")
        assert len(people) == 1


@pytest.mark.parametrize(("trusted", "count"), [(None, 1), (frozenset({"T0OTHER"}), 2)])
async def test_an_address_links_only_where_the_workspace_is_the_owners(
    database_url: str, database: Database, trusted: frozenset[str] | None, count: int
) -> None:
    """An admin elsewhere can give anybody any address. Proves: SL-21, ID-3."""
    model = ScriptedModel()
    model.add(says("Hello."))
    async with open_arena(database_url, model, trusted=trusted) as arena:
        web = Identity(tenant="shop", channel="id", external_id="ann-on-the-web")
        await arena.core.gateway.service.ensure_user(web, User(id=UserId("ann-on-the-web")))
        await Links(database).prove_email(web, "ann@acme.test")
        await arena.answers(await arena.ask(arena.ann, "<@BOT> hi"))
        people = await run_sql(database_url, "SELECT DISTINCT user_id FROM identities")
        assert len(people) == count


WEB = Identity(tenant="shop", channel="id", external_id="ann-on-the-web")


async def sign_in(arena: Arena, database: Database) -> int:
    """Somebody proves Ann's address on the website. How many people there are then."""
    await arena.core.gateway.service.ensure_user(WEB, User(id=UserId("ann-on-the-web")))
    await Links(database).prove_email(WEB, "ann@acme.test")
    people = await run_sql(arena.url, "SELECT DISTINCT user_id FROM identities")
    return len(people)


@pytest.mark.parametrize("change", [{"is_deleted": True}, {"is_restricted": True}, {"email": "ann@new.test"}, {}])
async def test_an_address_that_slack_took_away_links_nobody_any_more(
    database_url: str, database: Database, change: dict[str, bool | str]
) -> None:
    """The company gives it to the next Ann, who would be the old one. Proves: SL-21, ID-3."""
    model = ScriptedModel()
    model.add(says("Hello."))
    async with open_arena(database_url, model) as arena:
        await arena.answers(await arena.ask(arena.ann, "<@BOT> hi"))
        await arena.slack.change_profile(arena.ann, **change)
        await arena.slack.wait_until_heard()
        await arena.decisions()
        assert await sign_in(arena, database) == (2 if change else 1), "a change of anything else takes no proof away"


async def test_an_address_proves_nothing_once_the_profile_is_read_without_it(
    database_url: str, database: Database
) -> None:
    """Slack told of the change while nobody listened; somebody mentions her now. Proves: SL-21, ID-3."""
    model = ScriptedModel()
    model.add(says("Hello."))
    async with open_arena(database_url, model) as arena:
        slack = Identity(
            tenant=arena.team.team_id, channel="slack", external_id=f"{arena.team.team_id}:{arena.ann.user_id}"
        )
        await arena.core.gateway.service.ensure_user(slack, User(id=UserId("old-ann")))
        await Links(database).prove_email(slack, "ann@acme.test")
        arena.ann.is_restricted = True
        await arena.answers(await arena.ask(arena.ben, f"<@BOT> where is <@{arena.ann.user_id}>?"))
        assert await sign_in(arena, database) == 3


async def test_who_was_linked_by_an_address_stays_so_when_slack_takes_it_away(
    database_url: str, database: Database
) -> None:
    """The proof was good when it was given; only nobody new is linked by it. Proves: ID-3."""
    model = ScriptedModel()
    model.add(says("Hello."))
    async with open_arena(database_url, model) as arena:
        await arena.answers(await arena.ask(arena.ann, "<@BOT> hi"))
        assert await sign_in(arena, database) == 1
        await arena.slack.change_profile(arena.ann, is_restricted=True)
        await arena.slack.wait_until_heard()
        await arena.decisions()
        people = await run_sql(database_url, "SELECT DISTINCT user_id FROM identities")
        assert len(people) == 1
