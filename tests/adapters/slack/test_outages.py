"""Sockets that die, gateways that die: nothing that was acked is lost, nothing is said twice."""

import asyncio
import json
import time
from dataclasses import replace
from typing import Any

import pytest

from adapters.slack import sockets
from adapters.slack.client import open_client
from adapters.slack.deciding import Rule
from adapters.slack.options import Conversation, Keys, Options, Setup
from adapters.slack.sockets import CHECK_S, PONG_S
from adapters.slack_fake.fake import FakeSlack
from adapters.slack_fake.sockets import Connection
from agent.routing import Routes
from memory.slack import SlackPosts
from tests.adapters.slack.arena import Arena, is_final, open_arena, serve
from tests.support.gateway import ASSISTANT, configure, open_core, run_sql
from tests.support.model_steps import Gate, says, says_slowly
from tests.support.scripted_model import ScriptedModel


async def reconnected(arena: Arena, before: list[Connection], within_s: float) -> None:
    """There is a connection that was not there before."""
    sockets = arena.slack.sockets
    await arena.slack.wait_for(lambda: any(one not in before for one in sockets.connections), timeout_s=within_s)


def test_a_silent_socket_is_noticed_within_two_seconds() -> None:
    """It is looked at every so often, and has so long to answer. Proves: SL-22."""
    assert CHECK_S + PONG_S < 2


class Mute:
    """The other end of a socket that sends no pong, but may say something else: then `door` hears it."""

    def __init__(self, door: "Mute | None" = None) -> None:
        self.last_at_s = 0.0
        self._door = door

    async def ping(self) -> "asyncio.Future[float]":
        """Asked."""
        if self._door is not None:
            self._door.last_at_s = time.monotonic()
        return asyncio.get_running_loop().create_future()


@pytest.mark.parametrize("speaks", [True, False])
async def test_a_socket_that_still_brings_something_is_not_given_up(
    monkeypatch: pytest.MonkeyPatch, *, speaks: bool
) -> None:
    """After an outage so much comes at once that a pong comes late: to break off then would lose every ack on its way,
    and bring it all again. Proves: SL-22.
    """
    monkeypatch.setattr(sockets, "PONG_S", 0.01)
    door = Mute()
    session = Mute(door if speaks else None)
    async with asyncio.timeout(5):
        assert await sockets.is_there(session, door) is speaks  # type: ignore[arg-type]


async def test_a_socket_that_is_cut_is_replaced_and_nothing_is_lost(database_url: str) -> None:
    """Networks drop connections every day. Proves: SL-22."""
    model = ScriptedModel()
    model.add(says("Here."))
    async with open_arena(database_url, model, over="socket") as arena:
        before = list(arena.slack.sockets.connections)
        arena.slack.sockets.cut()
        await reconnected(arena, before, within_s=2)
        ts = await arena.ask(arena.ann, "<@BOT> hi")
        assert await arena.answers(ts) == ["Here."]


async def test_a_socket_that_has_gone_silent_is_noticed(database_url: str) -> None:
    """A half-open connection looks alive and hears nothing. Proves: SL-22."""
    model = ScriptedModel()
    model.add(says("Here."))
    async with open_arena(database_url, model, over="socket") as arena:
        before = list(arena.slack.sockets.connections)
        arena.slack.sockets.freeze()
        await reconnected(arena, before, within_s=4)
        arena.slack.sockets.thaw()
        ts = await arena.ask(arena.ann, "<@BOT> hi")
        assert await arena.answers(ts) == ["Here."]


@pytest.mark.parametrize("reason", ["refresh_requested", "warning"])
async def test_slack_may_ask_for_another_socket(database_url: str, reason: str) -> None:
    """It does so every few hours. Proves: SL-22."""
    model = ScriptedModel()
    model.add(says("Here."))
    async with open_arena(database_url, model, over="socket") as arena:
        before = list(arena.slack.sockets.connections)
        await arena.slack.sockets.ask_to_leave(reason)
        await reconnected(arena, before, within_s=4)
        ts = await arena.ask(arena.ann, "<@BOT> hi")
        assert await arena.answers(ts) == ["Here."]


async def test_what_was_acked_is_answered_by_whoever_comes_next(database_url: str) -> None:
    """Between the ack and the answer lies only the database. Proves: SL-3, SL-23."""
    model = ScriptedModel(checks_prefix=False)
    gate = Gate()
    model.add(says_slowly(["One ", "two ", "three."], gate))
    async with FakeSlack() as slack:
        team = slack.add_team("Acme")
        ann = team.add_user("Ann")
        general = team.add_channel("general", members=[ann])
        keys = Keys(bot_token=team.bot_token, signing_secret=slack.app.signing_secret, api_url=slack.api_url)
        setup = Setup(
            keys=keys, options=Options(default=Conversation(rule=Rule()), routes=Routes(default_id=ASSISTANT))
        )
        configuration = replace(configure(), slack=setup)
        async with open_core(database_url, model, configuration) as core, serve(core) as address:
            await slack.set_request_url(f"{address}/slack/events")
            ts = await slack.say(ann, general, "<@BOT> count")
            await slack.wait_until_heard()
            gate.let(2)
            await slack.wait_for(lambda: len(slack.answers(general, ts)) == 1)
        assert not any(is_final(post) for post in slack.answers(general, ts))
        model.add(says("One two three."))
        async with open_core(database_url, model, configuration):
            await slack.wait_for(lambda: any(is_final(post) for post in slack.answers(general, ts)), timeout_s=20)
        assert [post.source for post in slack.answers(general, ts)] == ["One two three."]


async def test_a_delivery_that_a_dead_process_had_taken_is_taken_in_by_another(database_url: str) -> None:
    """A kill may come at any point after the ack. Proves: SL-3."""
    model = ScriptedModel()
    model.add(says("Here."))
    async with open_arena(database_url, model) as arena:
        ts = await arena.slack.say(arena.ann, arena.general, "hi")
        await arena.slack.wait_until_heard()
        await arena.decisions()
        body = {
            "type": "event_callback",
            "event_id": "EvLost",
            "team_id": arena.team.team_id,
            "api_app_id": arena.slack.app.app_id,
            "authorizations": [{"team_id": arena.team.team_id, "user_id": arena.team.bot.user_id}],
            "event": {
                "type": "app_mention",
                "user": arena.ann.user_id,
                "channel": arena.general.channel_id,
                "ts": "1700000000.000100",
                "thread_ts": ts,
                "text": f"<@{arena.team.bot.user_id}> are you there?",
            },
        }
        await run_sql(
            database_url,
            "INSERT INTO slack_inbox (event_id, lane, kind, payload, owner, attempts, run_at)"
            " VALUES ('EvLost', 'lane', 'said', $1::text::jsonb, 'worker_dead', 1, now() + interval '20 seconds')",
            json.dumps(body),
        )
        assert await arena.answers(ts) == ["Here."]


async def test_a_preview_that_another_process_shows_between_our_look_and_our_post_becomes_the_answer(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was slow enough to be thought dead, and its call came through after all. Proves: SL-23."""
    model, gate = ScriptedModel(), Gate()
    model.add(says_slowly(["All ", "of it."], gate))
    look = SlackPosts.filter_known
    async with open_arena(database_url, model) as arena, open_client(arena.slack.api_url) as (client, _):
        ts = await arena.ask(arena.ann, "<@BOT> hi")
        async with asyncio.timeout(5):
            await gate.reached.wait()
        place = {"channel": arena.general.channel_id, "thread_ts": ts}
        whom = {"recipient_team_id": arena.team.team_id, "recipient_user_id": arena.ann.user_id}
        headers = {"Authorization": f"Bearer {arena.team.bot_token}"}
        begun = {**place, **whom, "markdown_text": "All "}
        stray = await client.api_call("chat.startStream", json=begun, headers=headers)
        await run_sql(
            database_url,
            "INSERT INTO slack_posts (session_id, question, part, installation, conversation, state, owner, at)"
            " SELECT session_id, $1::text || ':' || $2, 0, $3, $1, 'draft', 'gone', now() - interval '1 minute'"
            " FROM sessions",
            arena.general.channel_id,
            ts,
            arena.team.team_id,
        )

        async def look_slowly(self: SlackPosts, *where: Any) -> set[str]:
            await run_sql(database_url, "UPDATE slack_posts SET ts = $1 WHERE ts IS NULL", stray["ts"])
            return await look(self, *where)

        monkeypatch.setattr(SlackPosts, "filter_known", look_slowly)
        gate.open()
        assert await arena.answers(ts) == ["All of it."]
        assert arena.shown(ts) == ["All of it."]
