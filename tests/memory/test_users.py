"""People keep their ids."""

import asyncio

from agent.ids import UserId
from agent.records import Identity, User
from memory.database import Database
from memory.users import Users


def account(name: str, channel: str = "widget") -> Identity:
    """An account on a channel."""
    return Identity(tenant="default", channel=channel, external_id=name)


async def test_an_account_is_the_same_person_for_ever_and_learns_what_it_is_told(database: Database) -> None:
    """The id never changes; what is told replaces, what is not told stays. Proves: ID-2."""
    users = Users(database)
    first = await users.ensure(account("a"), User(id=UserId("x"), email="a@example.org", first_name="Ann"))
    again = await users.ensure(
        account("a"), User(id=UserId("y"), last_name="Lee", additional_attributes={"plan": "pro"})
    )
    assert first.id == again.id == "x"
    assert (again.email, again.first_name, again.last_name) == ("a@example.org", "Ann", "Lee")
    assert await users.find(account("a")) == await users.load(first.id) == again
    assert await users.find(account("b")) is None


async def test_one_hundred_first_visits_at_once_make_one_person(database: Database) -> None:
    """Two processes may meet somebody new at the same moment. Proves: ID-2."""
    users = Users(database)
    found = await asyncio.gather(*(users.ensure(account("new"), User(email="n@example.org")) for _ in range(100)))
    assert len({user.id for user in found}) == 1


async def test_a_chosen_id_is_not_handed_to_a_second_account_and_an_address_joins_nobody(database: Database) -> None:
    """Only proof links accounts: not a wished-for id, not an e-mail address. Proves: ID-3."""
    users = Users(database)
    first = await users.ensure(account("a"), User(id=UserId("x"), email="same@example.org"))
    second = await users.ensure(account("b"), User(id=UserId("x"), email="same@example.org"))
    assert first.id == "x"
    assert second.id not in {"x", ""}
