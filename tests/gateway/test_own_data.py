"""A person's own control over what is kept of them, over the widget's protocol and the whole gateway."""

import pytest

from adapters.widget.codes import CloseCode
from agent.ids import UserId
from agent.memories import MemoryDraft
from agent.records import JsonObject
from tests.adapters.widget.make import send
from tests.adapters.widget.peer import Peer, rows_of, user_of
from tests.gateway.test_core_memory import Learner, learned
from tests.gateway.test_people import HERE, opened
from tests.support.gateway import find_text, run_sql
from tests.support.make import ANN


@pytest.fixture(autouse=True)
def quick_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Durable work and changes are looked for all the time."""
    monkeypatch.setattr("gateway.poller.POLL_S", 0.05)
    monkeypatch.setattr("gateway.housekeeping.BEAT_S", 0.05)


async def ask(peer: Peer, op: str, **more: str) -> JsonObject:
    """What answers a frame about one's memories."""
    peer.send({"type": "memories", "id": "m", "op": op, **more})
    while (frame := await peer.next())["type"] not in {"memories", "nack"}:
        pass
    assert frame["id"] == "m"
    return frame


def texts(frame: JsonObject) -> set[str]:
    """The facts in an answer."""
    return {str(row["memory"]) for row in rows_of(frame, "memories")}


async def test_a_person_sees_corrects_and_deletes_what_is_remembered_of_them_and_of_nobody_else(
    database_url: str,
) -> None:
    """No frame can name another person, nor another person's memory. Proves: UM-4, UM-16."""
    async with opened(database_url, Learner()) as core, Peer(core.gateway.app) as peer:
        await peer.greet(**HERE)
        assert texts(await ask(peer, "list")) == set()
        assert texts(await ask(peer, "clear")) == set()
        for text in ("I like tea", "I like rain"):
            peer.send(send(text))
            while (await peer.until("message"))["role"] != "assistant":
                pass
        await learned(database_url)
        listed = await ask(peer, "list")
        assert texts(listed) == {"likes tea", "likes rain"}
        tea = next(str(row["memory_id"]) for row in rows_of(listed, "memories") if row["memory"] == "likes tea")
        await core.ask("hello", user=ANN)
        foreign = await core.gateway.service.memories.add_memory(ANN.id, MemoryDraft(memory="likes snow"))
        for op in ("update", "delete"):
            refused = await ask(peer, op, memory_id=foreign.memory_id, memory="likes nothing")
            assert (refused["type"], refused["code"]) == ("nack", "invalid")
        assert texts(await ask(peer, "update", memory_id=tea, memory="likes green tea")) == {
            "likes green tea",
            "likes rain",
        }
        for bad in ("my password is hunter2!x", "x" * 301, " "):
            assert (await ask(peer, "update", memory_id=tea, memory=bad))["code"] == "invalid"
        assert (await ask(peer, "delete"))["code"] == "invalid"
        [now] = [row for row in rows_of(await ask(peer, "list"), "memories") if row["memory"] == "likes green tea"]
        assert texts(await ask(peer, "delete", memory_id=str(now["memory_id"]))) == {"likes rain"}
        assert texts(await ask(peer, "clear")) == set()
        rows = await run_sql(database_url, "SELECT memory FROM user_memories WHERE valid_to IS NULL")
        assert [row[0] for row in rows] == ["likes snow"]


async def test_forget_me_is_answered_with_what_was_erased_and_ends_the_connection(database_url: str) -> None:
    """The client stops, and its token is nobody's any more. Proves: UM-16."""
    async with opened(database_url, Learner()) as core, Peer(core.gateway.app) as peer:
        welcome = await peer.greet(**HERE)
        peer.send({"type": "forget", "id": "f"})
        assert (await peer.until("forgotten"))["erased"] == 0, "nothing was said yet"
        peer.send(send("I like zebrafish"))
        while (await peer.until("message"))["role"] != "assistant":
            pass
        peer.send({"type": "forget", "id": "f"})
        forgotten = await peer.until("forgotten")
        assert (forgotten["id"], forgotten["left"]) == ("f", 0)
        assert isinstance(forgotten["erased"], int)
        assert forgotten["erased"] > 0
        assert (await peer.closed()).code == CloseCode.DELETED
        await learned(database_url)
        assert await find_text(database_url, "zebrafish") == set()
        assert await find_text(database_url, UserId(str(user_of(welcome)["id"]))) <= {"spend"}
