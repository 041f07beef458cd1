"""The people of one world: who they are now, who was one with whom, and the marks of what they say."""

import secrets
import time
from dataclasses import dataclass, field, replace

from adapters.widget.sites import Site
from agent.ids import UserId
from agent.records import Identity, User
from memory.database import Database
from memory.links import Links
from memory.users import Users
from tests.adapters.widget.make import SITE, site_token
from tests.isolation.marks import JOINT, Mark, make_mark
from tests.isolation.places import PEOPLE, Places
from tests.support.gateway import ASSISTANT, Core

SHOP: Site = replace(SITE, agent_id=ASSISTANT, allows_no_origin=True)
"""Everybody is somebody whose token this site signs."""


@dataclass(slots=True)
class Kin:
    """Which persons of a world are one: now, and at any time so far; and what is not there any more.

    Two count as one from before a link is made until it is undone. `changes` counts every step, so that who looked
    meanwhile knows. Runs of messages up to number `parted_upto` may have seen what was of both. `repeated` is what the
    agent was told to write down again meanwhile: it may have done so in the name of either, and that one keeps it.
    """

    now: dict[int, int] = field(default_factory=dict)
    ever: dict[int, int] = field(default_factory=dict)
    erased: set[int] = field(default_factory=set)
    forgotten: set[str] = field(default_factory=set)
    repeated: set[Mark] = field(default_factory=set)
    places: Places = field(default_factory=Places)
    parted_upto: int = -1
    changes: int = 0

    def link(self, one: int, other: int) -> None:
        """They are about to prove that they are one person."""
        self.now[other] = self.ever[other] = one
        self.changes += 1

    def unlink(self, other: int, upto: int) -> None:
        """The link was undone, after the message `upto`."""
        self.now.pop(other, None)
        self.parted_upto = upto
        self.changes += 1

    def is_one(self, one: int, other: int) -> bool:
        """Whether two are one person now."""
        return self.now.get(one, one) == self.now.get(other, other)

    def was_one(self, one: int, other: int) -> bool:
        """Whether two are one person now, or were."""
        return self.ever.get(one, one) == self.ever.get(other, other)

    def may_know(self, mark: Mark, person: int) -> bool:
        """Whether what a mark stands for is this person's to know."""
        is_of_both = mark.is_joint or mark in self.repeated
        return self.is_one(mark.person, person) or (is_of_both and self.was_one(mark.person, person))


class People:
    """Who says and is remembered by what."""

    def __init__(self, number: int, core: Core, database: Database, kin: Kin) -> None:
        self.number = number
        self.kin = kin
        self.count = 0
        self._people = core.gateway.people
        self._users = Users(database)
        self._links = Links(database)

    async def find(self, person: int) -> User:
        """Who the account of a person belongs to now."""
        identity = self.identity(person)
        return await self._users.find(identity) or await self._users.ensure(
            identity, User(id=UserId(self.name(person)), first_name=f"N{self.number}x{person}")
        )

    def name(self, person: int) -> str:
        """A person's own user id."""
        return f"iso{self.number}p{person}"

    def other(self, person: int | None) -> str:
        """Somebody else's user id."""
        return self.name(((person or 0) + 1) % PEOPLE)

    def identity(self, person: int) -> Identity:
        """A person's account."""
        return Identity(tenant=SHOP.tenant, channel="id", external_id=self.name(person))

    def token(self, person: int) -> str:
        """What the site signs for a person's browser."""
        return site_token(time.time(), sub=self.name(person), jti=secrets.token_hex(8), first_name=None)

    async def link(self) -> None:
        """The second person proves to be the first."""
        self.kin.link(0, 1)
        code = await self._people.issue_link_code(await self.find(0), self.identity(0))
        await self._people.redeem_link_code(await self.find(1), self.identity(1), code.code)

    async def unlink(self) -> None:
        """And is somebody else again."""
        user = await self.find(0)
        accounts = await self._links.list_accounts(user.id)
        [account] = [one for one in accounts if one.external_id == self.name(1)]
        self.kin.changes += 1
        await self._people.unlink(user.id, account.identity_id)
        self.kin.unlink(1, self.count)

    async def erase(self, person: int) -> None:
        """Somebody says "forget me", and is never heard of again."""
        report = await self._people.erase((await self.find(person)).id)
        assert not any(report.left.values()), report.left
        self.kin.erased.add(person)

    def mark(self, person: int | None, *, is_private: bool) -> str:
        """A mark of something that a person says or is remembered by."""
        self.count += 1
        if person is None:
            return "nothing"
        number = self.count + (JOINT if self.kin.now else 0)
        return make_mark(self.number, person, number, is_private=is_private)
