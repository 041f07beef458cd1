"""Threads with people in them, in the fake workspace, over both transports."""

import pytest

from tests.adapters.slack.arena import TRANSPORTS, Transport, open_arena
from tests.support.model_steps import last_text_has, says
from tests.support.scripted_model import ScriptedModel


@pytest.mark.parametrize("over", TRANSPORTS)
async def test_a_mention_is_answered_once_in_its_thread(database_url: str, over: Transport) -> None:
    """Slack tells of it twice, in any order, by two event ids. Proves: SL-4."""
    model = ScriptedModel()
    model.add(says("Here I am."), when=last_text_has("are you there"))
    async with open_arena(database_url, model, over=over) as arena:
        ts = await arena.ask(arena.ann, "<@BOT> are you there?")
        assert await arena.answers(ts) == ["Here I am."]
        decided = await arena.decisions()
        assert sorted(decided[:2]) == [
            ("said", "answered", "the bot was mentioned"),
            ("said", "ignored", "the same message came as another event"),
        ]
        assert arena.shown(ts) == ["Here I am."]
