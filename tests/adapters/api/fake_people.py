"""A stand-in for who is who: two people, one linked account, one code."""

from collections.abc import Sequence
from datetime import UTC, datetime

from adapters.ports import People
from agent.errors import LinkRefusedError, NotFoundError, UserNotFoundError
from agent.ids import UserId
from agent.people import Account, Erasure, LinkCode, Linked
from agent.records import Identity, User

AT = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
CODE = "ABCDE-FGHJK"
LINKED = "idn_2"


class FakePeople:
    """`people` are those who are known, for ever."""

    def __init__(self) -> None:
        self.people = {UserId("ann"), UserId("bob")}

    async def require(self, user_id: UserId) -> UserId:
        if user_id not in self.people:
            raise UserNotFoundError("there is no such person here")
        return user_id

    async def find_visitor(self, visitor_id: UserId, tenant: str) -> User | None:
        return None

    async def list_former_ids(self, user_id: UserId) -> Sequence[UserId]:
        return ()

    async def identify(self, visitor: User, known: User) -> Linked:
        return Linked(user_id=known.id, merged_from=visitor.id)

    async def prove_email(self, identity: Identity, user: User, email: str | None) -> User:
        return user

    async def issue_link_code(self, user: User, identity: Identity) -> LinkCode:
        return await self.issue_code(user.id)

    async def redeem_link_code(self, user: User, identity: Identity, code: str) -> Linked:
        return await self.redeem_code(user.id, code)

    async def issue_code(self, user_id: UserId) -> LinkCode:
        return LinkCode(code=CODE, expires_at=AT)

    async def redeem_code(self, user_id: UserId, code: str) -> Linked:
        if code != CODE:
            raise LinkRefusedError("this code is not right")
        return Linked(user_id=UserId("bob"), merged_from=user_id)

    async def list_accounts(self, user_id: UserId) -> Sequence[Account]:
        return [
            Account(
                identity_id="idn_1",
                tenant="default",
                channel="id",
                external_id=user_id,
                user_id=user_id,
                linked_at=AT,
                origin_id=None,
                proof=None,
                proven_email=None,
            )
        ]

    async def unlink(self, user_id: UserId, identity_id: str) -> UserId:
        if identity_id != LINKED:
            raise NotFoundError("there is no such account here")
        return UserId("usr_other")

    async def erase(self, user_id: UserId) -> Erasure:
        await self.require(user_id)
        return Erasure(at=AT, erased={"messages": 2}, left={"messages": 0})


def as_people(fake: FakePeople) -> People:
    """The stand-in in the place of the real one; the types are checked here."""
    return fake
