"""Calls of tools that wait for approval, in the fake workspace: buttons that count for one person alone."""

import asyncio
from typing import Any

import pytest

from adapters.slack.ladder import Rung
from adapters.slack_fake.blocks import list_actions
from adapters.slack_fake.records import Message
from adapters.slack_fake.streams import list_tasks
from agent.records import JsonObject
from agent.tools import build_tool
from tests.adapters.slack.arena import TRANSPORTS, Arena, Transport, open_arena
from tests.support.gateway import build_agent, run_sql
from tests.support.model_steps import calls, says
from tests.support.scripted_model import ScriptedModel


class Till:
    """A tool that pays, and what it paid."""

    def __init__(self) -> None:
        self.paid: list[int] = []

    async def refund(self, order: int) -> str:
        """Pay an order back."""
        self.paid.append(order)
        return f"paid {order}"

    @property
    def agent(self) -> Any:
        """An agent that has it."""
        return build_agent(build_tool(self.refund, title="Refund", needs_approval=True))


def asking(*orders: int) -> ScriptedModel:
    """A model that wants to pay these orders back."""
    model = ScriptedModel()
    wanted: list[tuple[str, JsonObject]] = [("refund", {"order": order}) for order in orders]
    model.add(calls(*wanted, text="I will pay it back."))
    return model


def labels(post: Message) -> list[str]:
    """What the buttons under a message say."""
    return [element["text"]["text"] for _, element in list_actions(post.blocks) if element["type"] == "button"]


async def ask(arena: Arena) -> tuple[str, Message]:
    """Ann's question, and what stands under it once it waits for her."""
    ts = await arena.ask(arena.ann, "<@BOT> pay 17 back")
    await arena.answers(ts)
    (question,) = arena.slack.answers(arena.general, ts)
    await known(arena, question)
    return ts, question


async def known(arena: Arena, post: Message) -> None:
    """The message is in the books: nobody clicks as fast as a test."""
    async with asyncio.timeout(5):
        while not await run_sql(arena.url, "SELECT FROM slack_posts WHERE ts = $1 AND state = 'last'", post.ts):
            pass


async def press(arena: Arena, who: Any, post: Message, label: str) -> None:
    """Somebody presses a button, and again where Slack tells that it did not work."""
    action = next(e for _, e in list_actions(post.blocks) if e["type"] == "button" and e["text"]["text"] == label)
    async with asyncio.timeout(20):
        while not (await arena.slack.click(who, arena.general, post.ts, action["action_id"], action["value"])).is_acked:
            pass


@pytest.mark.parametrize("over", TRANSPORTS)
async def test_only_the_click_of_the_person_who_asked_counts_and_the_message_shows_it(
    database_url: str, over: Transport
) -> None:
    """Everybody in a thread sees the buttons; the money is asked for in Ann's name. Proves: SL-41, AG-7."""
    till, model = Till(), asking(17)
    model.add(says("Done, it is paid."))
    async with open_arena(database_url, model, over=over, agent=till.agent) as arena:
        ts, question = await ask(arena)
        assert "**Refund** waits for the approval of ann" in question.source
        assert "order: 17" in question.source
        assert labels(question) == ["Approve", "Refuse"]
        assert {task["status"] for task in list_tasks(question)} <= {"pending"}, "what waits is not done"
        await press(arena, arena.ben, question, "Approve")
        await arena.slack.wait_for(lambda: bool(arena.slack.ephemerals(arena.ben)))
        note = arena.slack.ephemerals(arena.ben)[-1]
        assert (note.text, note.thread_ts) == ("Only the person who asked can decide this.", ts)
        assert (till.paid, labels(question)) == ([], ["Approve", "Refuse"])
        await press(arena, arena.ann, question, "Approve")
        assert await arena.answers(ts, 2) == [question.source, "Done, it is paid."]
        await arena.slack.wait_for(lambda: labels(question) == [])
        assert "✓ Refund: approved by ann" in str(question.blocks)
        assert "waits for the approval of ann" in question.source
        assert till.paid == [17]
        assert arena.slack.ephemerals(arena.ann) == []


@pytest.mark.parametrize("over", TRANSPORTS)
async def test_a_refusal_is_told_to_the_agent_and_cannot_be_taken_back_by_a_late_click(
    database_url: str, over: Transport
) -> None:
    """A message that somebody has open may still show the buttons. Proves: SL-41, AG-7."""
    till, model = Till(), asking(17)
    model.add(says("Then I leave it."))
    async with open_arena(database_url, model, over=over, agent=till.agent) as arena:
        ts, question = await ask(arena)
        buttons = {element["text"]["text"]: element for _, element in list_actions(question.blocks)}
        await press(arena, arena.ann, question, "Refuse")
        assert (await arena.answers(ts, 2))[1] == "Then I leave it."
        await arena.slack.wait_for(lambda: labels(question) == [])
        assert "✕ Refund: refused by ann" in str(question.blocks)
        question.blocks.append({"type": "actions", "block_id": "old", "elements": [*buttons.values()]})
        await press(arena, arena.ann, question, "Approve")
        await arena.slack.wait_for(lambda: bool(arena.slack.ephemerals(arena.ann)))
        assert arena.slack.ephemerals(arena.ann)[-1].text == "This was refused before."
        await arena.slack.wait_for(lambda: labels(question) == [])
        assert till.paid == []
        assert len(arena.shown(ts)) == 2


async def test_a_click_that_comes_twice_pays_once(database_url: str) -> None:
    """Fingers are quick, and networks repeat. Proves: SL-41, AG-7."""
    till, model = Till(), asking(17)
    model.add(says("Done."))
    async with open_arena(database_url, model, agent=till.agent) as arena:
        ts, question = await ask(arena)
        await asyncio.gather(*(press(arena, arena.ann, question, "Approve") for _ in range(3)))
        assert (await arena.answers(ts, 2))[1] == "Done."
        await arena.slack.wait_for(lambda: labels(question) == [])
        assert till.paid == [17]
        assert len(arena.shown(ts)) == 2


async def test_calls_are_decided_each_for_itself_by_their_place_in_the_question(database_url: str) -> None:
    """One may be right and the other wrong: the second button is about the second call. Proves: SL-41, AG-7."""
    till, orders = Till(), (17, 18, 19, 20)
    model = asking(*orders)
    model.add(says("Paid."), says("Not paid."))
    async with open_arena(database_url, model, agent=till.agent) as arena:
        ts, question = await ask(arena)
        places = [question.source.index(f"order: {order}") for order in orders]
        assert places == sorted(places)
        shown = labels(question)
        assert shown[2:4] == ["Approve 2: Refund", "Refuse 2: Refund"]
        assert len(shown) == 8
        await press(arena, arena.ann, question, "Approve 2: Refund")
        await arena.answers(ts, 2)
        await arena.slack.wait_for(lambda: labels(question) == shown[:2] + shown[4:])
        await press(arena, arena.ann, question, "Refuse 4: Refund")
        await arena.answers(ts, 3)
        await arena.slack.wait_for(lambda: labels(question) == [*shown[:2], *shown[4:6]])
        assert till.paid == [18]


async def test_a_question_that_was_posted_at_its_end_has_its_buttons_too(database_url: str) -> None:
    """Where nothing streams. Proves: SL-41."""
    till, model = Till(), asking(17)
    model.add(says("Done."))
    async with open_arena(database_url, model, agent=till.agent, first_rung=Rung.END) as arena:
        ts, question = await ask(arena)
        assert labels(question) == ["Approve", "Refuse"]
        await press(arena, arena.ann, question, "Approve")
        assert (await arena.answers(ts, 2))[1] == "Done."


async def test_a_click_that_cannot_be_written_down_is_not_acked(database_url: str) -> None:
    """Slack then tells the person, who presses again. Proves: SL-41, SL-3."""
    till, model = Till(), asking(17)
    async with open_arena(database_url, model, agent=till.agent) as arena:
        _, question = await ask(arena)
        await run_sql(arena.url, "ALTER TABLE approvals RENAME TO gone")
        (action, *_) = (element for _, element in list_actions(question.blocks))
        outcome = await arena.slack.click(arena.ann, arena.general, question.ts, action["action_id"], action["value"])
        assert not outcome.is_acked
        await run_sql(arena.url, "ALTER TABLE gone RENAME TO approvals")
        assert till.paid == []
