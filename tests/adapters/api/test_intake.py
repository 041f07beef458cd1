"""Who a task is from, and which session it goes to."""

from typing import Any

import pytest

from agent.ids import SessionId
from agent.records import Audience, Identity
from tests.adapters.api.caller import Caller, error_of
from tests.adapters.api.fake import FakeGateway

DETAILS: dict[str, Any] = {
    "id": "customer-42",
    "email": "Ann@Example.com",
    "first_name": "Ann",
    "last_name": "Lee",
    "timezone": "Europe/Berlin",
    "additional_attributes": {"plan": "pro", "seats": 3, "tags": ["a", {"b": None}]},
}


async def test_a_user_is_known_by_the_callers_id_and_threaded_into_the_task(
    gateway: FakeGateway, caller: Caller
) -> None:
    """All that was told of the person reaches the agent. Proves: API-6, ID-1, ID-6."""
    response = await caller.give(user_details=DETAILS)

    user = gateway.accepted[0].user
    assert response.json()["user_id"] == "customer-42"
    assert user is not None
    assert {name: getattr(user, name) for name in DETAILS} == DETAILS
    assert gateway.accepted[0].author_name == "Ann Lee"
    assert gateway.users == {Identity(tenant="default", channel="id", external_id="customer-42"): user}


async def test_an_email_alone_is_taken_letter_by_letter(gateway: FakeGateway, caller: Caller) -> None:
    """Addresses that differ in case may be two people, so they are two users. Proves: API-6."""
    one = (await caller.give(user_details={"email": "Ann@Example.com"})).json()["user_id"]
    two = (await caller.give(user_details={"email": "ann@example.com"})).json()["user_id"]
    again = (await caller.give(user_details={"email": "Ann@Example.com"})).json()["user_id"]

    assert one == again != two
    assert {identity.channel for identity in gateway.users} == {"email-claim"}
    assert {identity.external_id for identity in gateway.users} == {"Ann@Example.com", "ann@example.com"}


async def test_an_email_beside_an_id_is_not_what_a_person_is_found_by(gateway: FakeGateway, caller: Caller) -> None:
    """An address is an attribute, never a key: two ids with one address stay two people. Proves: API-6."""
    one = (await caller.give(user_details={"id": "1", "email": "desk@example.com"})).json()["user_id"]
    two = (await caller.give(user_details={"id": "2", "email": "desk@example.com"})).json()["user_id"]

    assert (one, two) == ("1", "2")


async def test_a_task_without_a_user_is_nobodys(gateway: FakeGateway, caller: Caller) -> None:
    """Without a person there is nobody to remember anything about. Proves: API-6, ID-5."""
    response = await caller.give()

    assert response.json()["user_id"] is None
    assert gateway.accepted[0].user is None
    assert gateway.accepted[0].author_name == "Somebody"
    assert gateway.users == {}


async def test_a_user_without_names_is_not_shown_by_their_address(gateway: FakeGateway, caller: Caller) -> None:
    """The name is seen by everybody in the thread. Proves: API-6."""
    await caller.give(user_details={"email": "ann@example.com"})

    assert gateway.accepted[0].author_name == "Somebody"


@pytest.mark.parametrize("details", [{}, {"first_name": "Ann"}, {"id": None, "email": None}])
async def test_a_user_needs_an_id_or_an_email(gateway: FakeGateway, caller: Caller, details: dict[str, Any]) -> None:
    """A shared bucket for the unknown would mix people's memories. Proves: API-6, ID-1."""
    response = await caller.give(user_details=details)

    assert response.status_code == 422
    assert error_of(response) == {
        "code": "invalid",
        "message": "user_details: expected at least an id or an email",
        "field": "user_details",
    }
    assert (gateway.accepted, gateway.users) == ([], {})


async def test_text_that_no_store_can_hold_is_made_holdable(gateway: FakeGateway, caller: Caller) -> None:
    """A NUL in a prompt or an attribute must not fail later, in the database. Proves: API-8."""
    await caller.give(
        "a\x00b", user_details={"id": "1", "first_name": "A\x00", "additional_attributes": {"k\x00": "\x00"}}
    )

    inbound = gateway.accepted[0]
    assert inbound.text == "a\ufffdb"
    assert inbound.user is not None
    assert (inbound.user.first_name, inbound.user.additional_attributes) == ("A\ufffd", {"k\ufffd": "\ufffd"})


async def test_a_caller_names_a_session_and_comes_back_to_it(gateway: FakeGateway, caller: Caller) -> None:
    """A session is what the caller calls it, for as long as they do. Proves: API-7, SE-1."""
    one, two = await caller.give(session_id="ticket-7"), await caller.give(session_id="ticket-7")

    assert one.json()["session_id"] == two.json()["session_id"] == "ticket-7"
    assert list(gateway.sessions) == ["ticket-7"]


async def test_a_task_in_another_channels_session_is_asked_and_heard_as_there(
    gateway: FakeGateway, caller: Caller
) -> None:
    """The session's own agent answers, and what others can read is never treated as private. Proves: API-7."""
    session_id = gateway.add_session("web:demo:ticket-7", audience=Audience.SHARED, agent_id="support")

    response = await caller.give(session_id=session_id)

    inbound = gateway.accepted[0]
    assert response.json()["session_id"] == session_id
    assert (inbound.agent_id, inbound.audience) == ("support", Audience.SHARED)


async def test_a_session_whose_agent_is_gone_gets_the_default_one(gateway: FakeGateway, caller: Caller) -> None:
    """A thread outlives the configuration it began under. Proves: API-7."""
    await caller.give(session_id=gateway.add_session("web:demo:old", agent_id="retired"))

    assert gateway.accepted[0].agent_id == "assistant"


@pytest.mark.parametrize("session_id", ["web:demo:new", "slack:T1:C1:1.2"])
async def test_nobody_makes_up_a_session_of_another_channel(
    gateway: FakeGateway, caller: Caller, session_id: str
) -> None:
    """Made here it would be private, and wait there for a thread that several people read. Proves: API-7."""
    response = await caller.give(session_id=session_id, user_details={"id": "1"})

    assert response.status_code == 404
    assert error_of(response)["field"] == "session_id"
    assert (gateway.sessions, gateway.users) == ({}, {})


async def test_a_new_session_may_be_shared_and_stays_what_it_is(gateway: FakeGateway, caller: Caller) -> None:
    """Who can read a session is settled when it begins; memories are used accordingly. Proves: API-7."""
    await caller.give(session_id="team", audience="shared")
    same = await caller.give(session_id="team", audience="shared")
    unsaid = await caller.give(session_id="team")
    other = await caller.give(session_id="team", audience="private")

    assert gateway.sessions[SessionId("team")].audience is Audience.SHARED
    assert [inbound.audience for inbound in gateway.accepted] == [Audience.SHARED] * 3
    assert (same.status_code, unsaid.status_code, other.status_code) == (202, 202, 409)
    assert error_of(other) == {"code": "conflict", "message": "audience: this session is shared", "field": "audience"}


async def test_a_caller_chooses_among_the_agents(gateway: FakeGateway, caller: Caller) -> None:
    """And is told which there are when there is none of that name. Proves: API-8."""
    await caller.give(agent="support")
    response = await caller.give(agent="chef")

    assert gateway.accepted[0].agent_id == "support"
    assert error_of(response)["message"] == "agent: expected one of assistant, support"
    assert response.status_code == 422


async def test_the_number_of_waiting_turns_is_bounded(gateway: FakeGateway, caller: Caller) -> None:
    """A session that everybody talks into must not grow a queue without end. Proves: API-10."""
    await caller.give()

    assert gateway.accepted[0].max_waiting == 20
