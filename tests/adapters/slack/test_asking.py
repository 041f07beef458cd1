"""The message shortcut: a form, and an answer in the thread or in private."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.slack.ask_form import IN_THREAD, TO_ME, pack, read_asked, render_question
from adapters.slack.errors import PayloadError
from adapters.slack.records import Origin, Said, SharedFile
from adapters.slack_fake.delivery import Attempt, Outcome
from adapters.slack_fake.records import Channel, User, View
from adapters.slack_fake.world import Outgoing
from agent.own_words import own_words
from agent.text import storable
from tests.adapters.slack.arena import TRANSPORTS, Arena, Transport, open_arena
from tests.support.gateway import run_sql
from tests.support.model_steps import last_text_has, says
from tests.support.scripted_model import ScriptedModel

ORIGIN = Origin(installation="T1", team="T1", event_id="trigger:1")


def choose(question: str, place: str | None = None) -> dict[str, object]:
    """What somebody writes and chooses in the form."""
    values: dict[str, object] = {"question": {"question": question}}
    if place is not None:
        values["place"] = {"place": {"type": "radio_buttons", "selected_option": {"value": place}}}
    return values


async def open_form(arena: Arena, user: User, channel: Channel, ts: str) -> View:
    """The form that the shortcut shows."""
    outcome = await arena.slack.shortcut(user, channel, ts, "parley_ask")
    assert outcome.is_acked
    await arena.slack.wait_for(lambda: bool(arena.slack.views(user)))
    return arena.slack.views(user)[-1]


@pytest.mark.parametrize("over", TRANSPORTS)
async def test_a_question_about_a_message_is_answered_in_its_thread(database_url: str, over: Transport) -> None:
    """Everybody there sees who asked what, and one answer. Proves: SL-18."""
    model = ScriptedModel()
    model.add(says("At noon."), when=last_text_has("when is that?"))
    async with open_arena(database_url, model, over=over) as arena:
        ts = await arena.ask(arena.ben, "lunch at 12:00 <!here>")
        form = await open_form(arena, arena.ann, arena.general, ts)
        assert "lunch at 12:00" in str(form.body["blocks"][0])
        assert arena.shown(ts) == []
        assert await arena.slack.submit(arena.ann, form, choose("<!channel> when is that?", "thread")) == {}
        assert not form.is_open
        assert await arena.answers(ts) == ["At noon."]
        note, answer = arena.shown(ts)
        assert note.startswith("**ann** asks about [this message](https://slack.com/app_redirect?channel=")
        assert "when is that?" in note
        assert "<!channel>" not in note
        assert answer == "At noon."
        asked = (await arena.talk(ts))[-2]
        assert asked.startswith("ann: <!channel> when is that?")
        assert "(about a message of ben's)\n> lunch at 12:00" in asked


async def test_a_question_that_only_its_asker_is_to_see_is_answered_in_private(database_url: str) -> None:
    """What one wants to know about a message may be nobody else's business. Proves: SL-18."""
    model = ScriptedModel()
    model.add(says("He is angry."), when=last_text_has("is he angry?"))
    model.add(says("Say sorry."), when=last_text_has("and now?"))
    async with open_arena(database_url, model) as arena:
        ts = await arena.ask(arena.ben, "never mind, I did it myself")
        form = await open_form(arena, arena.ann, arena.general, ts)
        await arena.slack.submit(arena.ann, form, choose("is he angry?", TO_ME))
        direct = arena.team.direct(arena.ann)
        await arena.slack.wait_for(lambda: bool(arena.slack.messages(direct)))
        root = arena.slack.messages(direct)[0].ts
        assert await arena.answers(root, channel=direct) == ["He is angry."]
        assert "never mind" in arena.slack.messages(direct)[0].source
        assert arena.shown(ts) == []
        sessions = await run_sql(database_url, "SELECT session_id, audience FROM sessions ORDER BY session_id")
        assert [row["audience"] for row in sessions if direct.channel_id in row["session_id"]] == ["private"]
        await arena.ask(arena.ann, "and now?", channel=direct, thread_ts=root)
        assert await arena.answers(root, 2, channel=direct) == ["He is angry.", "Say sorry."]


@pytest.mark.parametrize("place", [IN_THREAD, TO_ME])
async def test_a_form_that_is_taken_in_twice_is_answered_once(database_url: str, place: str) -> None:
    """A process that dies on the way leaves it to another. Proves: SL-18, SL-4."""
    model = ScriptedModel()
    model.add(says("At noon."))
    async with open_arena(database_url, model) as arena:
        ts = await arena.ask(arena.ben, "lunch at 12:00")
        form = await open_form(arena, arena.ann, arena.general, ts)
        sent: list[str] = []
        request = arena.slack.courier.request

        async def note(outgoing: Outgoing, attempt: Attempt | None = None) -> Outcome:
            sent.append(json.dumps(outgoing.payload))
            return await request(outgoing, attempt)

        arena.slack.courier.request = note  # type: ignore[method-assign]
        await arena.slack.submit(arena.ann, form, choose("when?", place))
        where = arena.general if place == IN_THREAD else arena.team.direct(arena.ann)
        await arena.slack.wait_for(lambda: len(arena.slack.messages(where)) > (place == IN_THREAD))
        root = ts if place == IN_THREAD else arena.slack.messages(where)[0].ts
        assert await arena.answers(root, channel=where) == ["At noon."]
        await arena.decisions()
        before = [post.source for post in arena.slack.messages(where)]
        await run_sql(
            database_url,
            "UPDATE slack_inbox SET verdict = NULL, decided_at = NULL, run_at = now(), payload = $1"
            " WHERE kind = 'asked'",
            sent[0],
        )
        await arena.decisions()
        assert [post.source for post in arena.slack.messages(where)] == before
        assert len(model.requests) == 1


@pytest.mark.parametrize("kind", ["direct", "private", "removed"])
async def test_where_the_agent_is_not_it_answers_whoever_asks_in_private(database_url: str, kind: str) -> None:
    """The menu is on every message, and an answer must not get lost. Proves: SL-18."""
    model = ScriptedModel()
    model.add(says("At noon."))
    async with open_arena(database_url, model) as arena:
        where = arena.team.add_channel("elsewhere", members=[arena.ann, arena.ben], has_bot=False, is_private=True)
        if kind == "direct":
            where = arena.slack.world.find_im(arena.ann, arena.ben)
        elif kind == "removed":
            where = arena.general
            arena.slack.faults.refuse("chat.postMessage", "not_in_channel", times=1)
        ts = await arena.slack.say(arena.ben, where, "lunch at 12:00")
        form = await open_form(arena, arena.ann, where, ts)
        await arena.slack.submit(arena.ann, form, choose("", None if kind == "direct" else IN_THREAD))
        direct = arena.team.direct(arena.ann)
        await arena.slack.wait_for(lambda: bool(arena.slack.messages(direct)))
        note = arena.slack.messages(direct)[0]
        assert await arena.answers(note.ts, channel=direct) == ["At noon."]
        assert "lunch at 12:00" in note.source
        assert "I am not in that conversation" in note.source
        assert [post.source for post in arena.slack.messages(where)] == ["lunch at 12:00"]


@pytest.mark.parametrize("place", [IN_THREAD, TO_ME])
async def test_the_line_that_says_what_is_asked_stands_once_when_slacks_reply_is_lost(
    database_url: str, place: str
) -> None:
    """Whoever tries again looks for it first. Proves: SL-18, SL-14."""
    model = ScriptedModel()
    model.add(says("At noon."))
    async with open_arena(database_url, model) as arena:
        ts = await arena.ask(arena.ben, "lunch at 12:00")
        form = await open_form(arena, arena.ann, arena.general, ts)
        arena.slack.faults.drop_answers("chat.postMessage")
        await arena.slack.submit(arena.ann, form, choose("when?", place))
        where = arena.general if place == IN_THREAD else arena.team.direct(arena.ann)
        await arena.slack.wait_for(lambda: len(arena.slack.messages(where)) > (place == IN_THREAD))
        root = ts if place == IN_THREAD else arena.slack.messages(where)[0].ts
        assert await arena.answers(root, channel=where) == ["At noon."]
        notes = [post for post in arena.slack.messages(where) if "this message" in post.source]
        assert len(notes) == 1


async def test_in_a_direct_message_there_is_no_place_to_choose(database_url: str) -> None:
    """Nobody else is there. Proves: SL-18."""
    model = ScriptedModel(checks_prefix=False)
    model.add(says("Hello."), says("A greeting."))
    async with open_arena(database_url, model) as arena:
        direct = arena.team.direct(arena.ann)
        ts = await arena.ask(arena.ann, "hi", channel=direct)
        await arena.answers(ts, channel=direct)
        form = await open_form(arena, arena.ann, direct, ts)
        assert [block.get("block_id") for block in form.body["blocks"]][1:] == ["question"]
        await arena.slack.submit(arena.ann, form, choose(""))
        assert await arena.answers(ts, 2, channel=direct) == ["Hello.", "A greeting."]


async def test_a_long_message_is_asked_about_whole(database_url: str) -> None:
    """The form carries a part of it; the rest was heard before. Proves: SL-18."""
    model = ScriptedModel()
    model.add(says("It ends well."), when=last_text_has("THE END"))
    async with open_arena(database_url, model) as arena:
        ts = await arena.ask(arena.ben, "Once upon a time. " * 400 + "THE END")
        await arena.decisions()
        form = await open_form(arena, arena.ann, arena.general, ts)
        await arena.slack.submit(arena.ann, form, choose("how does it end?", "thread"))
        assert await arena.answers(ts) == ["It ends well."]


def build_said(text: str, files: int = 0) -> Said:
    """A message to ask about."""
    file = SharedFile(name="f" * 300, mimetype="text/plain", size_bytes=3, url="https://files.slack.com/" + "u" * 200)
    return Said(
        origin=ORIGIN,
        conversation="C1",
        kind="channel",
        ts="1.1",
        thread_ts="1.0",
        user="U1",
        home="T1",
        text=text,
        files=(file,) * files,
    )


@given(st.text(max_size=6_000).map(storable), st.integers(min_value=0, max_value=5))
def test_any_message_fits_into_the_forms_hidden_field(text: str, files: int) -> None:
    """Slack refuses a form whose field is too long, and then nobody can ask. Proves: SL-18."""
    packed = pack(build_said(text, files))
    assert len(packed) <= 3_000
    asked = read_asked(ORIGIN, packed, " why? ", TO_ME, ("T1", "U2"))
    assert (asked.question, asked.is_private, asked.asker) == ("why?", True, "U2")
    assert text.startswith(asked.said.text)
    assert asked.is_cut or (asked.said.text, len(asked.said.files)) == (text, min(files, 3))


@pytest.mark.parametrize("name", ["conversation", "ts", "thread_ts", "user", "home"])
def test_ids_that_no_form_holds_are_refused(name: str) -> None:
    """Nothing of such a message can be left out: looking for more to leave out would never end. Proves: SL-18."""
    with pytest.raises(PayloadError):
        pack(replace(build_said("hi", 1), **{name: "U" * 5_000}))  # type: ignore[arg-type]


def test_a_message_that_is_asked_about_is_no_word_of_the_askers() -> None:
    """What Ben wrote must not be remembered of Ann, who asks about it. Proves: SL-18, UM-15."""
    text = render_question("Is that true?", "Ben", "I live in Rome.\nMy dog is called Rex.")
    mine = own_words(text)
    assert "Is that true?" in mine
    assert "Rome" not in mine
    assert "Rex" not in mine
