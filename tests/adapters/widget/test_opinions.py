"""The smaller frames: opinions, buttons, and what others in a thread do."""

import json

from agent.ids import MessageId
from agent.records import Audience, JsonObject
from tests.adapters.widget.conftest import Connect
from tests.adapters.widget.make import send
from tests.support.fake_gateway import FakeGateway

X = "web:demo:x"


async def test_an_opinion_is_kept_and_acked_or_refused(connect: Connect, gateway: FakeGateway) -> None:
    """It counts for an answer of this conversation, and for nothing else. Proves: WI-40."""
    gateway.put_session(X, Audience.SHARED)
    answer = gateway.say(X, "42")
    async with connect() as peer:
        await peer.greet(thread="x")
        frame: JsonObject = {
            "type": "feedback",
            "id": "f1",
            "message_id": answer.message_id,
            "value": "up",
            "comment": "good",
        }
        peer.send(frame)
        assert await peer.until("ack") == {"type": "ack", "id": "f1", "seq": 1, "message_id": answer.message_id}
        peer.send({**frame, "id": "f2", "message_id": "msg_none"})
        assert (await peer.until("nack"))["code"] == "not_found"
        peer.send({"type": "history", "before": 9, "limit": 9})
        assert '"feedback": "up"' in json.dumps(await peer.until("history"))
    async with connect() as other:
        await other.greet(thread="x", name="Ben")
        other.send({"type": "history", "before": 9, "limit": 9})
        assert "feedback" not in str(await other.until("history"))
    assert [one[1:] for one in gateway.feedback] == [(MessageId(answer.message_id), "up", "good")]


async def test_a_starter_is_a_message_in_the_persons_name(connect: Connect, gateway: FakeGateway) -> None:
    """Whoever chooses a question has asked it. Proves: WI-41."""
    async with connect() as peer:
        await peer.greet()
        peer.send({"type": "action", "id": "a1", "name": "starter", "value": "What does it cost?"})
        assert (await peer.until("ack"))["id"] == "a1"
    assert [one.text for one in gateway.inbounds] == ["What does it cost?"]


async def test_others_in_a_thread_see_who_joins_and_who_types(connect: Connect) -> None:
    """People who share a thread know of each other; nobody is told of themselves. Proves: WI-42."""
    async with connect() as ann, connect() as ben:
        await ann.greet(thread="x", name="Ann")
        welcome = await ben.greet(thread="x", name="Ben")
        user = welcome["user"]
        assert isinstance(user, dict)
        who = {"id": user["id"], "name": "Ben"}
        assert await ann.until("presence") == {"type": "presence", "who": who, "state": "joined", "role": "user"}
        ben.send({"type": "typing", "on": True}, {"type": "typing", "on": False})
        assert await ann.until("presence") == {"type": "presence", "who": who, "state": "typing", "role": "user"}
        ben.send(send("hi"))
        assert [(await ben.next())["type"] for _ in range(2)] == ["ack", "message"]


async def test_who_comes_back_does_not_join_again(connect: Connect, gateway: FakeGateway) -> None:
    """A train's tunnels are nobody's news. Proves: WI-42."""
    gateway.put_session(X, Audience.SHARED)
    gateway.say(X, "one")
    async with connect() as ann, connect() as ben:
        await ann.greet(thread="x", name="Ann")
        first = await ben.greet(thread="x", name="Ben")
        await ann.until("presence")
        async with connect() as again:
            await again.greet(thread="x", token=first["token"], epoch=first["epoch"], cursor=1)
            again.send({"type": "ping", "n": 1})
            await again.until("pong")
        ann.send({"type": "ping", "n": 2})
        assert await ann.next() == {"type": "pong", "n": 2}
