"""From an admitted `hello` to a person in a conversation. Asks the gateway; writes nothing for an unknown visitor."""

from dataclasses import dataclass, replace
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from adapters.deadlines import told_in_time
from adapters.ports import Gateway, People
from adapters.widget.codes import CloseCode
from adapters.widget.conversations import (
    Resume,
    conversation_of,
    epoch_of,
    is_issued_to,
    is_private,
    issue_conversation,
    plan_resume,
    session_id_of,
)
from adapters.widget.door import Admitted, Bearer, Visitor, may_join
from adapters.widget.errors import RefusedError
from adapters.widget.keys import GatewaySecret
from adapters.widget.links import Links
from adapters.widget.sites import Site
from adapters.widget.tokens import Claims
from agent.errors import UserGoneError
from agent.handoffs import SessionMode
from agent.ids import SessionId, UserId, new_user_id
from agent.people import VISITOR_CHANNEL
from agent.records import Audience, Identity, Session, User
from agent.speech import plain_name

CHANNEL = "widget"
GUEST = "Guest"
_NEWEST_OF = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A person in a conversation. `thread` is its name where it is shared. `epoch` and `head` are those of its log.

    `mode` is who answered when it was read.
    """

    site: Site
    bearer: Bearer
    user: User
    session_id: SessionId
    thread: str | None
    epoch: str
    head: int
    resume: Resume
    links: Links
    mode: SessionMode = SessionMode.AGENT

    @property
    def audience(self) -> Audience:
        """Who else can read here."""
        return Audience.PRIVATE if self.thread is None else Audience.SHARED

    def become(self, bearer: Bearer, user: User) -> "Place":
        """The same conversation, with the person as they are known now."""
        return replace(self, bearer=bearer, user=user, links=replace(self.links, user_id=user.id))

    @property
    def is_verified(self) -> bool:
        """Whether the site vouches for the person."""
        return isinstance(self.bearer, Claims)

    @property
    def author_name(self) -> str:
        """The name under what the person writes."""
        return plain_name(self.user.display_name) if self.user.display_name else GUEST


def _not_found() -> RefusedError:
    """Unknown and foreign conversations get the very same answer."""
    return RefusedError(CloseCode.NOT_FOUND, "no such conversation")


class Greeter:
    """Finds persons and conversations. `instance_id` names the database: another one gives other epochs."""

    def __init__(self, gateway: Gateway, secret: GatewaySecret, instance_id: str, people: People | None = None) -> None:
        self._people = people
        self._gateway = gateway
        self._secret = secret
        self._instance_id = instance_id

    async def find_place(self, admitted: Admitted) -> Place:
        """Raises `RefusedError` and `StoreUnavailableError`."""
        user = await self._find_user(admitted)
        hello = admitted.hello
        async with told_in_time():
            session_id, thread, session = await self._find_session(admitted, user)
        head = session.head if session else 0
        epoch = epoch_of(self._instance_id, session_id)
        is_fresh = hello.session_id == "new"
        resume = plan_resume(
            given_epoch=None if is_fresh else hello.epoch,
            given_cursor=0 if is_fresh else hello.cursor,
            epoch=epoch,
            head=head,
        )
        return Place(
            site=admitted.site,
            bearer=admitted.bearer,
            user=user,
            session_id=session_id,
            thread=thread,
            epoch=epoch,
            head=head,
            resume=resume,
            links=Links(secret=self._secret.links, session_id=session_id, user_id=user.id),
            mode=session.mode if session else SessionMode.AGENT,
        )

    async def find_user(self, account: Identity) -> User | None:
        """The person behind an account that has a row."""
        return await self._gateway.find_user(account)

    async def _find_user(self, admitted: Admitted) -> User:
        hello, bearer = admitted.hello, admitted.bearer
        timezone = hello.tz if hello.tz and is_timezone(hello.tz) else None
        if isinstance(bearer, Claims):
            return await self.find_known(admitted.site, bearer, timezone)
        if bearer.fresh_token is None and (linked := await self._find_visitor(admitted.site, bearer)) is not None:
            return linked
        name = plain_name(hello.name) if admitted.site.is_demo and hello.name and hello.name.strip() else None
        return User(id=bearer.user_id, first_name=name, timezone=timezone)

    async def _find_visitor(self, site: Site, bearer: Visitor) -> User | None:
        """The person that a visitor proved to be. Raises `RefusedError` for a token that stands for nobody any more."""
        if self._people is None:
            return None
        try:
            async with told_in_time():
                return await self._people.find_visitor(bearer.user_id, site.tenant)
        except UserGoneError:
            raise RefusedError(CloseCode.TOKEN, "token: expected one that is still somebody's") from None

    async def find_known(self, site: Site, bearer: Claims, timezone: str | None) -> User:
        """The person whom the site vouches for, with what it tells of them."""
        if bearer.timezone and is_timezone(bearer.timezone):
            timezone = bearer.timezone
        identity = account_of(site, bearer)
        known = await self._gateway.find_user(identity)
        details = User(
            id=known.id if known else new_user_id(),
            email=bearer.email,
            first_name=bearer.first_name,
            last_name=bearer.last_name,
            timezone=timezone,
            additional_attributes=bearer.attributes,
        )
        if known is None or _tells_more(known, details):
            known = await self._gateway.ensure_user(identity, details)
        if self._people is not None:
            return await self._people.prove_email(identity, known, bearer.email)
        return known

    async def _find_session(self, admitted: Admitted, user: User) -> tuple[SessionId, str | None, Session | None]:
        """The session's id, the thread's name where it is shared, and the session where something was said there."""
        hello, site = admitted.hello, admitted.site
        if hello.thread is not None:
            return await self._enter_thread(admitted, user, hello.thread)
        if hello.session_id is None:
            newest = None if self._is_new(admitted) else await self._find_newest(admitted, user.id)
            return (newest.session_id, None, newest) if newest else self._new_session(site.key, user.id)
        if hello.session_id == "new":
            return self._new_session(site.key, user.id)
        conversation = conversation_of(site.key, hello.session_id)
        if conversation is None:
            raise _not_found()
        if not is_private(conversation):
            return await self._enter_thread(admitted, user, conversation)
        return await self._enter_private(admitted, user.id, conversation)

    def _is_new(self, admitted: Admitted) -> bool:
        bearer = admitted.bearer
        return not isinstance(bearer, Claims) and bearer.fresh_token is not None

    def _new_session(self, site_key: str, user_id: UserId) -> tuple[SessionId, None, None]:
        conversation = issue_conversation(self._secret.conversation, site_key, user_id)
        return session_id_of(site_key, conversation), None, None

    async def _find_newest(self, admitted: Admitted, user_id: UserId) -> Session | None:
        site = admitted.site
        sessions = await self._gateway.list_sessions_of_user(user_id, CHANNEL, site.tenant, _NEWEST_OF)
        return next(
            (one for one in sessions if is_visible(one, site, admitted.bearer) and one.audience is Audience.PRIVATE),
            None,
        )

    async def _enter_private(
        self, admitted: Admitted, user_id: UserId, conversation: str
    ) -> tuple[SessionId, None, Session | None]:
        site = admitted.site
        session_id = session_id_of(site.key, conversation)
        session = await self._gateway.load_session(session_id, user_id)
        if session is None:
            if not await self._is_issued_to(site, user_id, conversation):
                raise _not_found()
            return session_id, None, None
        if not session.is_member or session.tenant != site.tenant or session.channel != CHANNEL:
            raise _not_found()
        return session_id, None, session

    async def _is_issued_to(self, site: Site, user_id: UserId, conversation: str) -> bool:
        """Whether a conversation in which nothing was written was issued to the person, perhaps under a former id."""
        if is_issued_to(self._secret.conversation, site.key, user_id, conversation):
            return True
        former = await self._people.list_former_ids(user_id) if self._people is not None else ()
        return any(is_issued_to(self._secret.conversation, site.key, one, conversation) for one in former)

    async def _enter_thread(self, admitted: Admitted, user: User, thread: str) -> tuple[SessionId, str, Session | None]:
        site = admitted.site
        if not may_join(site, admitted.bearer, thread):
            raise _not_found()
        session_id = session_id_of(site.key, thread)
        session = await self._gateway.load_session(session_id, user.id)
        if session is None:
            return session_id, thread, None
        if session.audience is not Audience.SHARED or session.tenant != site.tenant or session.channel != CHANNEL:
            raise _not_found()
        if not session.is_member:
            await self._gateway.join_session(session_id, user.id)
        return session_id, thread, session


def account_of(site: Site, bearer: Bearer) -> Identity:
    """The account that a token speaks for."""
    if isinstance(bearer, Claims):
        return Identity(tenant=site.tenant, channel="id", external_id=bearer.subject)
    return Identity(tenant=site.tenant, channel=VISITOR_CHANNEL, external_id=bearer.user_id)


def is_visible(session: Session, site: Site, bearer: Bearer) -> bool:
    """Whether a session of the person's may be shown here: of this site, and if it is shared still open to them."""
    conversation = conversation_of(site.key, session.session_id)
    if conversation is None or session.tenant != site.tenant:
        return False
    return is_private(conversation) or may_join(site, bearer, conversation)


@lru_cache(maxsize=1024)
def is_timezone(name: str) -> bool:
    """Whether it is an IANA name such as Europe/Berlin."""
    if len(name) > 64 or not name.isascii():
        return False
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _tells_more(known: User, details: User) -> bool:
    """Whether the details hold anything that is not stored as it is."""
    told = ("email", "first_name", "last_name", "timezone", "additional_attributes")
    return any(getattr(details, name) and getattr(details, name) != getattr(known, name) for name in told)
