"""Questions that change, or go, while they are being answered: once, again, and when a process died on the way."""

import asyncio
import json

from adapters.slack_fake.delivery import Attempt, Outcome
from adapters.slack_fake.world import Outgoing
from tests.adapters.slack.arena import Arena, open_arena
from tests.support.gateway import run_sql
from tests.support.model_steps import Gate, last_text_has, says, says_slowly
from tests.support.scripted_model import ScriptedModel
from tests.support.serving import WAIT_S


def build_model(*places: str) -> tuple[ScriptedModel, list[Gate]]:
    """A model that speaks slowly about each place."""
    model, gates = ScriptedModel(checks_prefix=False), [Gate() for _ in places]
    for place, gate in zip(places, gates, strict=True):
        model.add(says_slowly([f"{place} ", "is ", "fine."], gate), when=last_text_has(place))
    return model, gates


async def until_shown(arena: Arena, ts: str, word: str, gate: Gate) -> None:
    """The answer has begun to stream."""
    gate.let(2)
    await arena.slack.wait_for(lambda: any(word in text for text in arena.shown(ts)))


async def test_a_question_may_be_edited_again_while_the_edited_one_is_answered(database_url: str) -> None:
    """People correct a typing mistake, and then the next one. Proves: SL-8."""
    model, (paris, rome) = build_model("Paris", "Rome")
    model.add(says("Oslo is cold."), when=last_text_has("Oslo"))
    async with open_arena(database_url, model) as arena:
        ts = await arena.ask(arena.ann, "<@BOT> weather in Paris?")
        await until_shown(arena, ts, "Paris", paris)
        await arena.slack.edit(arena.ann, arena.general, ts, "<@BOT> weather in Rome?")
        await until_shown(arena, ts, "Rome", rome)
        await arena.slack.edit(arena.ann, arena.general, ts, "<@BOT> weather in Oslo?")
        assert await arena.answers(ts) == ["Oslo is cold."]
        rome.open()
        await arena.decisions()
        assert arena.shown(ts) == ["Oslo is cold."]
        said = [line for line in await arena.talk(ts) if line.startswith("ann:")]
        assert said == ["ann: (this message was replaced by the next one)"] * 2 + ["ann: weather in Oslo?"]


async def test_a_question_that_was_edited_and_is_then_deleted_is_not_answered(database_url: str) -> None:
    """Both texts go, and so does the answer that had begun. Proves: SL-8."""
    model, (paris, secret) = build_model("Paris", "xyzzy")
    async with open_arena(database_url, model) as arena:
        ts = await arena.ask(arena.ann, "<@BOT> weather in Paris?")
        await until_shown(arena, ts, "Paris", paris)
        await arena.slack.edit(arena.ann, arena.general, ts, "<@BOT> what is xyzzy?")
        await until_shown(arena, ts, "xyzzy", secret)
        await arena.slack.delete(arena.ann, arena.general, ts)
        await arena.slack.wait_for(lambda: arena.shown(ts) == [])
        await arena.decisions()
        secret.open()
        said = [line for line in await arena.talk(ts) if line.startswith("ann:")]
        assert said == ["ann: (this message was deleted)"] * 2
        assert await is_idle(arena)
        assert arena.shown(ts) == []
        rows = await run_sql(database_url, "SELECT FROM messages WHERE role = 'user' AND text LIKE '%xyzzy%'")
        assert rows == []


async def is_idle(arena: Arena) -> bool:
    """Once nothing runs and nothing is left to post."""
    unfinished = "SELECT FROM tasks WHERE state IN ('queued', 'running')"
    unposted = "SELECT FROM outbox WHERE state IN ('pending', 'posting')"
    async with asyncio.timeout(WAIT_S):
        while await run_sql(arena.url, f"{unfinished} UNION ALL {unposted}"):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    return True


async def test_a_question_that_begins_to_be_answered_while_its_edit_is_read_is_answered_as_edited(
    database_url: str,
) -> None:
    """It waited when the edit came; then its turn came, with the old words. Proves: SL-8."""
    model, (first, paris) = build_model("first", "Paris")
    model.add(says("Rome is rainy."), when=last_text_has("Rome"))
    async with open_arena(database_url, model) as arena:
        cy = arena.team.add_user("Cy")
        ts = await arena.ask(arena.ann, "<@BOT> first")
        await until_shown(arena, ts, "first", first)
        question = await arena.ask(arena.ben, "<@BOT> weather in Paris?", thread_ts=ts)
        await arena.decisions()
        arena.slack.faults.delay("users.info", 1.0, times=1)
        await arena.slack.edit(arena.ben, arena.general, question, f"<@BOT> weather in Rome? <@{cy.user_id}> asks")
        await arena.slack.wait_until_heard()
        first.open()
        await paris.reached.wait()
        assert await arena.answers(ts, 2) == ["first is fine.", "Rome is rainy."]
        paris.open()
        assert await is_idle(arena)
        assert arena.shown(ts) == ["first is fine.", "Rome is rainy."]


async def test_a_question_that_waits_is_edited_in_its_place(database_url: str) -> None:
    """It keeps its turn, and is asked once. Proves: SL-8."""
    model, (first,) = build_model("first")
    model.add(says("Rome is rainy."), when=last_text_has("Rome"))
    async with open_arena(database_url, model) as arena:
        ts = await arena.ask(arena.ann, "<@BOT> first")
        await until_shown(arena, ts, "first", first)
        question = await arena.ask(arena.ben, "<@BOT> weather in Paris?", thread_ts=ts)
        await arena.slack.edit(arena.ben, arena.general, question, "<@BOT> weather in Rome?")
        await arena.slack.wait_until_heard()
        assert ("edited", "kept", "the message was replaced") in await arena.decisions()
        first.open()
        assert await arena.answers(ts, 2) == ["first is fine.", "Rome is rainy."]
        assert "Paris" not in " ".join(await arena.talk(ts))


async def keep_payloads(arena: Arena) -> list[str]:
    """What Slack tells from now on."""
    told: list[str] = []
    request = arena.slack.courier.request

    async def note(outgoing: Outgoing, attempt: Attempt | None = None) -> Outcome:
        told.append(json.dumps(outgoing.payload))
        return await request(outgoing, attempt)

    arena.slack.courier.request = note  # type: ignore[method-assign]
    return told


async def tell_again(arena: Arena, kind: str, payload: str) -> None:
    """A process died before it had decided about a delivery: another one takes it in from the beginning."""
    await run_sql(
        arena.url,
        "UPDATE slack_inbox SET verdict = NULL, decided_at = NULL, run_at = now(), payload = $1 WHERE inbox_id ="
        " (SELECT max(inbox_id) FROM slack_inbox WHERE kind = $2)",
        payload,
        kind,
    )
    await arena.decisions()


async def test_an_edit_that_is_taken_in_twice_asks_once(database_url: str) -> None:
    """The second try finds what the first one did. Proves: SL-8, SL-4."""
    model, (paris, rome) = build_model("Paris", "Rome")
    async with open_arena(database_url, model) as arena:
        ts = await arena.ask(arena.ann, "<@BOT> weather in Paris?")
        await until_shown(arena, ts, "Paris", paris)
        told = await keep_payloads(arena)
        await arena.slack.edit(arena.ann, arena.general, ts, "<@BOT> weather in Rome?")
        await until_shown(arena, ts, "Rome", rome)
        await arena.decisions()
        before = await arena.talk(ts)
        await tell_again(arena, "edited", next(one for one in told if "message_changed" in one))
        asked_again = ("edited", "answered", "the question was replaced while it was being answered")
        assert asked_again in await arena.decisions()
        assert await arena.talk(ts) == before
        rome.open()
        assert await arena.answers(ts) == ["Rome is fine."]
        assert len(model.requests) == 2


async def test_an_edit_whose_process_died_after_it_had_stopped_the_run_is_still_answered(database_url: str) -> None:
    """Nothing else would ask the question again: its old words are not wanted any more. Proves: SL-8, SL-4."""
    model, (paris,) = build_model("Paris")
    model.add(says("Rome is rainy."), when=last_text_has("Rome"))
    async with open_arena(database_url, model) as arena:
        ts = await arena.ask(arena.ann, "<@BOT> weather in Paris?")
        await until_shown(arena, ts, "Paris", paris)
        session_id = f"slack:{arena.team.team_id}:{arena.general.channel_id}:{ts}"
        (task,) = await run_sql(database_url, "SELECT task_id FROM tasks")
        await run_sql(
            database_url,
            "INSERT INTO slack_posts (session_id, question, part, installation, conversation, state)"
            " SELECT session_id, key, -1, $2, $3, 'withdrawn' FROM dedupe WHERE session_id = $1",
            session_id,
            arena.team.team_id,
            arena.general.channel_id,
        )
        await arena.core.gateway.service.stop_run(session_id, "run_" + task["task_id"][5:])  # type: ignore[arg-type]
        assert await is_idle(arena)
        await arena.slack.edit(arena.ann, arena.general, ts, "<@BOT> weather in Rome?")
        assert (await arena.answers(ts))[-1] == "Rome is rainy."


async def test_an_edit_that_comes_after_the_deletion_asks_nothing(database_url: str) -> None:
    """Slack may tell of them in any order; what is deleted stays so. Proves: SL-8."""
    model, (paris, secret) = build_model("Paris", "xyzzy")
    async with open_arena(database_url, model) as arena:
        ts = await arena.ask(arena.ann, "<@BOT> weather in Paris?")
        await until_shown(arena, ts, "Paris", paris)
        told = await keep_payloads(arena)
        await arena.slack.edit(arena.ann, arena.general, ts, "<@BOT> what is xyzzy?")
        await until_shown(arena, ts, "xyzzy", secret)
        await arena.slack.delete(arena.ann, arena.general, ts)
        await arena.slack.wait_until_heard()
        await arena.decisions()
        await tell_again(arena, "edited", next(one for one in told if "message_changed" in one))
        assert ("edited", "ignored", "the message was never taken in") in await arena.decisions()
        secret.open()
        assert await is_idle(arena)
        assert len(model.requests) == 2
