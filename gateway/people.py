"""Who is who, as the channels see it: `adapters.ports.People` over the store."""

import structlog

from agent.errors import LinkRefusedError, UserGoneError, UserNotFoundError
from agent.ids import UserId
from agent.people import VISITOR_CHANNEL, Erasure, LinkCode, Linked, Proof
from agent.records import Identity, User
from gateway import metrics
from memory.erasure import Erasures
from memory.link_codes import LinkCodes
from memory.links import Links
from memory.users import Users

log = structlog.get_logger(__name__)


class PeopleService:
    """Accounts linked by proof and parted again, and people erased. `users` are the people themselves."""

    def __init__(self, users: Users, links: Links, codes: LinkCodes, erasures: Erasures) -> None:
        self._erasures = erasures
        self.users = users
        self._links = links
        self._codes = codes
        self.list_former_ids = links.list_former_ids
        self.list_accounts = links.list_accounts
        self.withdraw_email = links.withdraw_email

    async def find_visitor(self, visitor_id: UserId, tenant: str) -> User | None:
        """The person behind a visitor's token. Raises `UserGoneError` where it stands for nobody any more."""
        linked = await self.users.find(visitor_identity(visitor_id, tenant))
        if linked is None and await self._links.is_former(visitor_id):
            raise UserGoneError("this visitor signed in, or was erased")
        return linked

    async def identify(self, visitor: User, known: User) -> Linked:
        """The site signed a visitor in. Raises `LinkRefusedError` for a visitor who is somebody by another proof."""
        accounts = await self._links.list_accounts(visitor.id)
        if any(account.channel != VISITOR_CHANNEL or account.external_id != visitor.id for account in accounts):
            raise LinkRefusedError("this visitor is somebody else already")
        return await self._merge(visitor.id, known.id, "site")

    async def prove_email(self, identity: Identity, user: User, email: str | None) -> User:
        """Note the address that an account's channel vouches for; who proved the same elsewhere is the same person."""
        user_id = await self._links.prove_email(identity, email)
        if user_id is None or user_id == user.id:
            return user
        log.info("accounts_linked", proof="email", user_id=user_id)
        metrics.links.labels("email").inc()
        return await self.users.find(identity) or user

    async def issue_link_code(self, user: User, identity: Identity) -> LinkCode:
        """A code for the account that speaks. Raises `BusyError`."""
        await self._ensure(user, identity)
        return await self.issue_code(user.id)

    async def issue_code(self, user_id: UserId) -> LinkCode:
        """A code for a person who has an account already. Raises `BusyError`."""
        return await self._codes.issue(user_id)

    async def redeem_link_code(self, user: User, identity: Identity, code: str) -> Linked:
        """The account that speaks and that of the code are one person's. Raises `LinkRefusedError` and `BusyError`.

        A visitor becomes the other; else the one who says the code becomes the one who issued it.
        """
        await self._ensure(user, identity)
        return await self.redeem_code(user.id, code)

    async def redeem_code(self, user_id: UserId, code: str) -> Linked:
        """The same for a person who has an account already."""
        issuer_id = await self._links.current_id(await self._codes.take(user_id, code))
        if issuer_id == user_id:
            raise LinkRefusedError("these accounts are one person's already")
        if await self._is_visitor(issuer_id) and not await self._is_visitor(user_id):
            return await self._merge(issuer_id, user_id, "code")
        return await self._merge(user_id, issuer_id, "code")

    async def _is_visitor(self, user_id: UserId) -> bool:
        accounts = await self._links.list_accounts(user_id)
        return all(account.channel == VISITOR_CHANNEL for account in accounts)

    async def require(self, user_id: UserId) -> UserId:
        """Who the id is now. Raises `UserNotFoundError` for nobody."""
        current_id = await self._current(user_id)
        if await self.users.load(current_id) is None:
            raise UserNotFoundError("user_id: there is no such person here")
        return current_id

    async def unlink(self, user_id: UserId, identity_id: str) -> UserId:
        """Undo the link that brought an account. Raises `NotFoundError` and `LinkRefusedError`."""
        origin_id = await self._links.unlink(user_id, identity_id)
        log.info("account_unlinked", user_id=user_id, origin_id=origin_id)
        return origin_id

    async def erase(self, user_id: UserId) -> Erasure:
        """Erase a person: words, answers to them, facts, accounts. Raises `UserNotFoundError`.

        Open connections of theirs are closed within about a second, in every process.
        """
        report = await self._erasures.erase(await self._current(user_id))
        metrics.erasures.inc()
        log.info("person_erased", rows=sum(report.erased.values()), left=sum(report.left.values()))
        return report

    async def _current(self, user_id: UserId) -> UserId:
        try:
            return await self._links.current_id(user_id)
        except UserGoneError:
            raise UserNotFoundError("there is no such person here") from None

    async def _ensure(self, user: User, identity: Identity) -> None:
        """A visitor needs no row until they have something to keep; now they do."""
        if await self.users.find(identity) is None:
            await self.users.save(user)
            await self._links.add_account(user.id, identity)

    async def _merge(self, user_id: UserId, into: UserId, proof: Proof) -> Linked:
        await self._links.merge(user_id, into, proof)
        log.info("accounts_linked", proof=proof, user_id=into, merged_from=user_id)
        metrics.links.labels(proof).inc()
        return Linked(user_id=into, merged_from=user_id)


def visitor_identity(visitor_id: UserId, tenant: str) -> Identity:
    """The account that a visitor's token alone stands for."""
    return Identity(tenant=tenant, channel=VISITOR_CHANNEL, external_id=visitor_id)
