"""From a request to the gateway's `Inbound`: whose it is, in which session, and what makes it the same again."""

import hashlib
import secrets
from dataclasses import dataclass
from typing import cast

from adapters.api.bodies import CreateTask, UserDetails
from adapters.api.context import CHANNEL, TENANT, Api, no_such
from adapters.api.errors import ApiError, ErrorCode, InvalidError
from adapters.api.tokens import ApiToken
from agent.ids import AgentId, SessionId, UserId
from agent.records import Audience, Identity, JsonObject, User
from agent.speech import UNNAMED
from agent.tasks import Inbound
from agent.text import storable, storable_object


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a task goes: the session, who is asked there and who can read it."""

    session_id: SessionId
    agent_id: AgentId
    audience: Audience


async def parse_inbound(api: Api, token: ApiToken, body: CreateTask, key: str | None) -> Inbound:
    """What the gateway is asked to accept; the user in it is known to the gateway by then.

    Raises `ApiError` for what the body names and is not there, and `UserInvalidError`.
    """
    details = user_of(body.user_details) if body.user_details else None
    place = await _find_place(api, token, body, key)
    user = await api.gateway.ensure_user(identity_of(details), details) if details else None
    return Inbound(
        channel=CHANNEL,
        tenant=TENANT,
        session_id=place.session_id,
        audience=place.audience,
        agent_id=place.agent_id,
        user=user,
        author_name=(user.display_name if user else "") or UNNAMED,
        text=storable(body.prompt),
        dedupe_key=f"api:{_digest(token, key)}" if key is not None else f"api:{secrets.token_hex(16)}",
        max_waiting=api.bounds.max_waiting,
    )


def user_of(details: UserDetails) -> User:
    """The user that details describe. Raises `UserInvalidError` when they hold neither an id nor an e-mail address."""
    return User(
        id=UserId(details.id or ""),
        email=details.email,
        first_name=_storable(details.first_name),
        last_name=_storable(details.last_name),
        timezone=_storable(details.timezone),
        additional_attributes=storable_object(cast("JsonObject", details.additional_attributes or {})),
    )


def identity_of(user: User) -> Identity:
    """By what a person is found again: the caller's id for them, else the e-mail address letter by letter.

    The address is a claim of the caller's, so it stands in a room of its own and never meets a proven one.
    """
    if user.id:
        return Identity(tenant=TENANT, channel="id", external_id=user.id)
    return Identity(tenant=TENANT, channel="email-claim", external_id=user.email or "")


async def _find_place(api: Api, token: ApiToken, body: CreateTask, key: str | None) -> Place:
    agent_id = _chosen_agent(api, body)
    if body.session_id is None:
        name = _digest(token, key) if key is not None else secrets.token_hex(16)
        return Place(
            session_id=SessionId(f"{CHANNEL}:{name}"),
            agent_id=agent_id or api.agent_for(token),
            audience=body.audience or Audience.PRIVATE,
        )
    session_id = SessionId(body.session_id)
    session = await api.gateway.load_session(session_id, None)
    if session is None:
        # A session made up under another channel's name would lie in wait for that channel's people.
        if session_id.partition(":")[0] in api.bounds.reserved:
            raise no_such("session", "session_id")
        audience = body.audience or Audience.PRIVATE
        return Place(session_id=session_id, agent_id=agent_id or api.agent_for(token), audience=audience)
    if body.audience not in {None, session.audience}:
        raise ApiError(ErrorCode.CONFLICT, f"audience: this session is {session.audience}", field="audience")
    usual = session.agent_id if session.agent_id in api.agents else api.agent_for(token)
    return Place(session_id=session_id, agent_id=agent_id or usual, audience=session.audience)


def _chosen_agent(api: Api, body: CreateTask) -> AgentId | None:
    if body.agent is None:
        return None
    if body.agent not in api.agents:
        raise InvalidError("agent", f"expected one of {', '.join(sorted(api.agents))}")
    return AgentId(body.agent)


def _digest(token: ApiToken, key: str) -> str:
    # Two callers may happen on the same key; the name keeps them apart.
    return hashlib.sha256(f"{token.name}\x00{key}".encode(errors="surrogatepass")).hexdigest()[:32]


def _storable(text: str | None) -> str | None:
    return None if text is None else storable(text)
