"""Conversations with people of the team, over the API."""

import pytest

from adapters.api.tokens import ApiToken
from tests.adapters.api.caller import MEMORIES, TASKS, Caller

TICKET = "/api/v1/sessions/ticket-7"
WORDS = {"name": "Mia", "text": "I am here."}


async def test_a_person_takes_a_session_answers_and_hands_it_back(operator: Caller) -> None:
    """The whole way, each step saying whether it changed anything. Proves: HO-3."""
    taken = [(await operator.client.post(f"{TICKET}/take", json={"name": "Mia"})).json() for _ in range(2)]
    assert [one["is_changed"] for one in taken] == [True, False]
    assert taken[0]["mode"] == "human"
    listed = (await operator.get("/api/v1/handoffs?mode=human")).json()["handoffs"]
    assert [(one["session_id"], one["name"]) for one in listed] == [("ticket-7", "Mia")]
    said = await operator.client.post(f"{TICKET}/messages", json=WORDS)
    assert (said.status_code, said.json()["role"], said.json()["author"]["name"]) == (201, "human", "Mia")
    back = await operator.client.post(f"{TICKET}/return", json={"name": "Mia"})
    assert back.json() == {"session_id": "ticket-7", "mode": "agent", "is_changed": True}
    assert (await operator.get("/api/v1/handoffs")).json() == {"handoffs": []}


async def test_the_same_key_is_the_same_message_and_never_another_one(operator: Caller) -> None:
    """A caller whose answer was lost asks again. Proves: HO-3."""
    key = {"idempotency-key": "reply-1"}
    first = await operator.client.post(f"{TICKET}/messages", json=WORDS, headers=key)
    again = await operator.client.post(f"{TICKET}/messages", json=WORDS, headers=key)
    other = await operator.client.post(f"{TICKET}/messages", json={**WORDS, "text": "Else."}, headers=key)
    assert (first.status_code, again.status_code, other.status_code) == (201, 200, 409)
    assert first.json() == again.json()


@pytest.mark.parametrize("token", [TASKS, MEMORIES])
async def test_nobody_but_an_operator_speaks_for_the_team(operator: Caller, token: ApiToken) -> None:
    """A shop's backend may give tasks, and no more. Proves: HO-3."""
    caller = Caller(operator.app, token)
    for path, body in (("take", {"name": "Mia"}), ("return", {"name": "Mia"}), ("messages", WORDS)):
        assert (await caller.client.post(f"{TICKET}/{path}", json=body)).status_code == 403
    assert (await caller.get("/api/v1/handoffs")).status_code == 403


@pytest.mark.parametrize(
    ("path", "body", "status", "field"),
    [
        ("ticket-7/messages", {"name": "Mia", "text": "  "}, 422, "text"),
        ("ticket-7/messages", {"text": "Hello"}, 422, "name"),
        ("ticket-7/messages", {"name": "\n", "text": "Hello"}, 422, "name"),
        ("ticket-7/take", {"name": "M" * 61}, 422, "name"),
        ("ticket-7/take", {"name": "Mia", "mode": "human"}, 422, "mode"),
        ("nowhere/take", {"name": "Mia"}, 404, None),
        ("nowhere/messages", WORDS, 404, None),
    ],
)
async def test_what_cannot_be_is_told_by_its_field(
    operator: Caller, path: str, body: dict[str, str], status: int, field: str | None
) -> None:
    """Whoever wired it up wrongly reads where. Proves: HO-3."""
    refused = await operator.client.post(f"/api/v1/sessions/{path}", json=body)
    assert (refused.status_code, refused.json()["error"].get("field")) == (status, field)
