"""Sessions as onlookers read them."""

from decimal import Decimal
from typing import Any

import pytest

from agent.ids import RunId, SessionId
from agent.records import JsonObject, Run, RunState, ToolCall, Turn, Usage
from tests.adapters.api.caller import Caller, error_of
from tests.adapters.api.fake import FakeGateway


async def _read_all(caller: Caller, path: str, name: str) -> list[list[Any]]:
    """All pages of a list, by following `next`."""
    pages, before = [], ""
    while True:
        page = (await caller.get(f"{path}?limit=2{before}")).json()
        assert set(page) == {name, "next"}
        pages.append(page[name])
        if page["next"] is None:
            return pages
        before = f"&before={page['next']}"


async def test_all_sessions_are_read_page_by_page_the_latest_first(gateway: FakeGateway, operator: Caller) -> None:
    """An operator starts from what goes on now. Proves: API-12."""
    for name in "abcde":
        gateway.add_session(f"web:demo:{name}")

    pages = await _read_all(operator, "/api/v1/sessions", "sessions")

    assert [[session["session_id"][-1] for session in page] for page in pages] == [["e", "d"], ["c", "b"], ["a"]]


async def test_a_session_shows_where_it_is_and_who_can_read_it(gateway: FakeGateway, caller: Caller) -> None:
    """A caller who joins a thread has to know whether others read along. Proves: API-12."""
    gateway.say(gateway.add_session("web:demo:t"), "Hello")

    session = (await caller.get("/api/v1/sessions/web:demo:t")).json()

    assert session == {
        "session_id": "web:demo:t",
        "channel": "widget",
        "tenant": "demo",
        "agent_id": "support",
        "audience": "shared",
        "mode": "agent",
        "head": 1,
        "title": None,
        "summary": None,
        "topics": [],
        "created_at": "2026-11-20T09:30:01Z",
        "updated_at": "2026-11-20T09:30:02Z",
    }


@pytest.mark.parametrize(
    ("session_id", "path"),
    [
        ("web:demo:t", "web:demo:t"),
        ("web:demo:t", "web%3Ademo%3At"),
        ("web:demo:a/b", "web:demo:a%2Fb"),
        ("x/messages", "x%2Fmessages"),
        ("50%", "50%25"),
        ("a?b#c", "a%3Fb%23c"),
        ("a+b", "a+b"),
    ],
)
async def test_a_session_is_found_by_its_name_however_it_is_written(
    gateway: FakeGateway, caller: Caller, session_id: str, path: str
) -> None:
    """A site may call its threads as it likes; a slash in a name is not a part of the path. Proves: API-12."""
    gateway.say(gateway.add_session(session_id), "Hello")

    session = await caller.get(f"/api/v1/sessions/{path}")
    messages = await caller.get(f"/api/v1/sessions/{path}/messages")

    assert session.json()["session_id"] == session_id
    assert [message["text"] for message in messages.json()["messages"]] == ["Hello"]


async def test_messages_are_read_backwards_in_pages_that_are_in_order(gateway: FakeGateway, caller: Caller) -> None:
    """What was said last is what is asked for first, and within a page one reads on. Proves: API-12."""
    session_id = gateway.add_session("web:demo:t")
    for text in "abcde":
        gateway.say(session_id, text)

    pages = await _read_all(caller, "/api/v1/sessions/web:demo:t/messages", "messages")

    assert [[message["text"] for message in page] for page in pages] == [["d", "e"], ["b", "c"], ["a"]]
    assert pages[-1][0] == {
        "seq": 1,
        "message_id": "msg_1",
        "role": "user",
        "author": {"id": None, "name": "Assistant"},
        "text": "a",
        "at": "2026-11-20T09:30:02Z",
        "run_id": None,
        "client_id": None,
        "asks": [],
    }


def _run(session_id: SessionId, n: int) -> Run:
    call = ToolCall(call_id=f"call_{n}", name="look_up", arguments={"id": n}, result="found")
    content: tuple[JsonObject, ...] = ({"type": "tool_use", "id": f"call_{n}", "name": "look_up", "input": {"id": n}},)
    usage = Usage(input_tokens=n, cost_usd=Decimal("0.0000000001"))
    return Run(
        run_id=RunId(f"run_{n}"),
        session_id=session_id,
        state=RunState.FAILED,
        text=f"answer {n}",
        model="demo",
        turns=(Turn(content=content, tool_calls=(call,), stop_reason="tool_use", usage=usage),),
        stop_reason="end_turn",
        usage=usage + usage,
        error="KeyError: 'secret detail'",
    )


async def test_runs_are_read_whole_the_newest_first(gateway: FakeGateway, caller: Caller) -> None:
    """What the agent did and what it cost can be seen without the database. Proves: API-12, SE-5."""
    session_id = gateway.add_session("web:demo:t")
    gateway.runs[session_id] = [(10 * n, _run(session_id, n)) for n in (1, 2, 3)]

    pages = await _read_all(caller, "/api/v1/sessions/web:demo:t/runs", "runs")

    assert [[run["position"] for run in page] for page in pages] == [[30, 20], [10]]
    usage = {"output_tokens": 0, "cache_read_tokens": 0, "cache_write_tokens": 0}
    assert pages[1][0] == {
        "run_id": "run_1",
        "state": "failed",
        "text": "answer 1",
        "model": "demo",
        "turns": [
            {
                "content": [{"type": "tool_use", "id": "call_1", "name": "look_up", "input": {"id": 1}}],
                "tool_calls": [
                    {
                        "call_id": "call_1",
                        "name": "look_up",
                        "arguments": {"id": 1},
                        "result": "found",
                        "is_error": False,
                    }
                ],
                "stop_reason": "tool_use",
                "usage": {"input_tokens": 1, "cost_usd": "0.0000000001", **usage},
            }
        ],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 2, "cost_usd": "0.0000000002", **usage},
        "error": None,
        "position": 10,
    }


async def test_what_broke_a_run_is_shown_to_operators_only(
    gateway: FakeGateway, caller: Caller, operator: Caller
) -> None:
    """Exception text is for those who can mend it. Proves: API-9."""
    session_id = gateway.add_session("web:demo:t")
    gateway.runs[session_id] = [(1, _run(session_id, 1))]
    path = f"/api/v1/sessions/{session_id}/runs"

    assert "secret detail" not in (await caller.get(path)).text
    assert (await operator.get(path)).json()["runs"][0]["error"] == "KeyError: 'secret detail'"


async def test_a_session_that_is_not_there_is_not_found(caller: Caller) -> None:
    """Also one whose name no session can have. Proves: API-8."""
    for name in ("web:demo:t", "x" * 201, "a%20b", "%00", "caf%C3%A9"):
        for path in (name, f"{name}/messages", f"{name}/runs"):
            response = await caller.get(f"/api/v1/sessions/{path}")
            assert (response.status_code, error_of(response)["code"]) == (404, "not_found")
