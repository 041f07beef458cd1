"""A person of the team who answers in a Slack thread from elsewhere, in the fake workspace."""

import asyncio

import pytest

from agent.errors import InputError
from agent.ids import SessionId
from memory.task_rows import KEPT
from tests.adapters.slack.arena import Arena, open_arena
from tests.support.gateway import run_sql
from tests.support.model_steps import last_text_has, says
from tests.support.scripted_model import ScriptedModel

JOINED = "Mia has joined and answers from now on."


async def posted(arena: Arena) -> None:
    """Until nothing is to be posted any more."""
    async with asyncio.timeout(10):
        while await run_sql(arena.url, "SELECT 1 FROM outbox WHERE state <> 'sent'"):  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_what_an_operator_says_stands_in_the_thread_once_and_the_agent_is_silent(database_url: str) -> None:
    """Whoever takes a thread is read by all who are in it, by name and in order. Proves: HO-3."""
    model = ScriptedModel()
    model.add(says("Hello."), when=last_text_has("hi"))
    async with open_arena(database_url, model) as arena:
        ts = await arena.ask(arena.ann, "<@BOT> hi")
        await arena.answers(ts)
        hand = arena.core.gateway.handoffs
        session_id = SessionId(f"slack:{arena.team.team.team_id}:{arena.general.channel_id}:{ts}")
        for _ in range(2):
            await hand.say(session_id, "Mia", "It comes <!channel> tomorrow.", "k1")
        await posted(arena)
        first = "**Mia:** It comes <\u200b!channel> tomorrow."
        assert arena.shown(ts) == ["Hello.", JOINED, first]
        posts = arena.slack.answers(arena.general, ts)
        asks_opinion = ["feedback_buttons" in str(post.blocks) for post in posts]
        assert asks_opinion == [True, False, False]
        await arena.ask(arena.ann, "<@BOT> really?", thread_ts=ts)
        await arena.decisions()
        notes = await run_sql(database_url, "SELECT note FROM tasks ORDER BY position")
        assert [row["note"] for row in notes] == [None, KEPT]


async def test_a_thread_in_which_nobody_asked_the_agent_cannot_be_answered_from_elsewhere(database_url: str) -> None:
    """There is no place to post to: an operator must not believe that somebody reads it. Proves: HO-3."""
    async with open_arena(database_url, ScriptedModel()) as arena:
        ts = await arena.ask(arena.ann, "just talking")
        await arena.decisions()
        session_id = SessionId(f"slack:{arena.team.team.team_id}:{arena.general.channel_id}:{ts}")
        with pytest.raises(InputError, match="no place to answer"):
            await arena.core.gateway.handoffs.say(session_id, "Mia", "Hello.", "k1")
        assert await arena.talk(ts) == ["ann: just talking"]
