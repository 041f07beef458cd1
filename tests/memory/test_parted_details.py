"""Whose e-mail address, names and attributes are whose once accounts are parted."""

from collections.abc import AsyncIterator

import pytest

from agent.ids import UserId
from agent.records import Identity, User
from memory.database import Database
from memory.links import Links
from memory.users import Users
from tests.support.database import new_database


@pytest.fixture(scope="module")
async def database(postgres_url: str) -> AsyncIterator[Database]:
    """One database for all: every test has people of its own."""
    async with new_database(postgres_url) as url:
        database = await Database.open(url, size=2, statement_s=30)
        yield database
        await database.close()


async def come(database: Database, channel: str, name: str, **details: object) -> User:
    """Somebody who comes in by an account, with what the channel tells of them."""
    identity = Identity(tenant="default", channel=channel, external_id=name)
    user = User(id=UserId(f"usr_{channel}_{name}"), **details)  # type: ignore[arg-type]
    return await Users(database).ensure(identity, user)


async def load(database: Database, user: User) -> tuple[object, ...]:
    """What is known of them: address, names, attributes."""
    known = await Users(database).load(user.id)
    assert known is not None
    return known.email, known.first_name, known.last_name, dict(known.additional_attributes)


async def part(database: Database, user: User, channel: str) -> None:
    """Undo the link that brought the account of a channel."""
    links = Links(database)
    [account] = [one for one in await links.list_accounts(user.id) if one.channel == channel]
    await links.unlink(user.id, account.identity_id)


async def test_what_was_taken_over_from_an_account_goes_with_it(database: Database) -> None:
    """And what the other had before, or was told since, stays. Proves: ID-3, UM-10."""
    slack = await come(
        database,
        "slack",
        "ann",
        email="ann@corp.com",
        first_name="Ann",
        last_name="Lee",
        additional_attributes={"a": 1, "b": 2},
    )
    web = await come(database, "id", "ann", first_name="Ann", additional_attributes={"b": 3})
    await Links(database).merge(slack.id, web.id, "code")
    assert await load(database, web) == ("ann@corp.com", "Ann", "Lee", {"a": 1, "b": 3})
    await come(database, "id", "ann", last_name="Li")
    await part(database, web, "slack")
    assert await load(database, web) == (None, "Ann", "Li", {"b": 3})
    assert await load(database, slack) == ("ann@corp.com", "Ann", "Lee", {"a": 1, "b": 2})


async def test_what_went_on_to_a_third_account_goes_from_all(database: Database) -> None:
    """A chain of links hands it on. Proves: ID-3, UM-10."""
    slack = await come(database, "slack", "bob", email="bob@corp.com")
    api, web = await come(database, "api", "bob"), await come(database, "id", "bob", first_name="Bob")
    await Links(database).merge(slack.id, api.id, "code")
    await Links(database).merge(api.id, web.id, "code")
    assert await load(database, web) == ("bob@corp.com", "Bob", None, {})
    await part(database, web, "slack")
    assert await load(database, web) == (None, "Bob", None, {})
    await part(database, web, "api")
    assert await load(database, api) == (None, None, None, {})


async def test_what_an_account_tells_while_it_is_linked_goes_with_it(database: Database) -> None:
    """A profile is read at every message, and stands for the person then. Proves: ID-3, UM-10."""
    slack = await come(database, "slack", "cyd", first_name="Cyd")
    web = await come(database, "id", "cyd", first_name="Cyd", email="cyd@home.com")
    await Links(database).merge(slack.id, web.id, "code")
    await come(database, "slack", "cyd", first_name="Cyd", last_name="Ray", additional_attributes={"a": 1})
    await come(database, "slack", "cyd", email="cyd@corp.com")
    assert await load(database, web) == ("cyd@corp.com", "Cyd", "Ray", {"a": 1})
    await part(database, web, "slack")
    assert await load(database, web) == (None, "Cyd", None, {})
    assert await load(database, slack) == ("cyd@corp.com", "Cyd", "Ray", {"a": 1})
