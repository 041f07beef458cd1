"""`parley chat` and the agent's questions: buttons become commands."""

from itertools import count

from agent.records import JsonObject, JsonValue
from gateway.chat_session import ChatSession, Complain, Show

BUTTONS: list[JsonValue] = [
    {"name": name, "value": value, "label": name} for value in ("appr_1", "appr_2") for name in ("approve", "refuse")
]


def session() -> ChatSession:
    """Ann's, welcomed."""
    ids = count(1)
    chat = ChatSession(site="demo", thread=None, name=None, token=None, new_id=lambda: f"id-{next(ids)}")
    user: JsonObject = {"id": "ann", "name": "Ann"}
    list(chat.receive({"type": "welcome", "session_id": "s", "epoch": "e", "cursor": 0, "head": 0, "user": user}))
    return chat


def shown(chat: ChatSession, frame: JsonObject) -> str:
    """What the terminal shows of a frame."""
    return "".join(step.text for step in chat.receive(frame) if isinstance(step, Show | Complain))


def is_idle(chat: ChatSession) -> bool:
    """Whether nothing is waited for; asked anew each time."""
    return chat.is_idle


def question(chat: ChatSession, seq: int = 1) -> str:
    """The agent asks about two calls."""
    frame: JsonObject = {"type": "message", "seq": seq, "id": "m1", "role": "assistant", "run_id": "run_1"}
    author: JsonObject = {"id": "", "name": "Agent"}
    return shown(chat, {**frame, "author": author, "text": "Refund waits.", "actions": BUTTONS})


def test_questions_are_answered_by_commands_the_oldest_first() -> None:
    """A terminal has no buttons. Proves: AG-7."""
    chat = session()
    assert chat.decide("/approve") is None, "nothing is asked yet"
    assert "/approve or /refuse" in question(chat)
    frame = chat.decide("/approve")
    assert frame == {"type": "action", "id": "id-2", "name": "approve", "value": "appr_1"}
    assert not chat.is_idle, "its answer is waited for"
    said: JsonObject = {
        "type": "message",
        "seq": 2,
        "id": "m2",
        "client_id": "appr_1",
        "role": "user",
        "run_id": "run_2",
    }
    shown(chat, {**said, "author": {"id": "ann", "name": "Ann"}, "text": "Approved: Refund"})
    assert not chat.is_idle
    shown(chat, {"type": "run", "seq": 3, "run_id": "run_2", "state": "done"})
    assert is_idle(chat)
    second = chat.decide("/refuse")
    assert second is not None
    assert (second["name"], second["value"]) == ("refuse", "appr_2")


def test_a_decision_that_is_refused_says_why_and_is_not_waited_for() -> None:
    """A pipe must not hang on it. Proves: AG-8."""
    chat = session()
    question(chat)
    frame = chat.decide("/approve")
    assert frame is not None
    nack: JsonObject = {"type": "nack", "id": frame["id"], "code": "conflict", "message": "This was stopped."}
    assert shown(chat, nack) == "This was stopped."
    assert chat.is_idle
    other = chat.decide("/approve")
    assert other is not None
    assert other["value"] == "appr_2"
