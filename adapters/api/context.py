"""What every handler of the API works with."""

from collections.abc import Collection
from dataclasses import dataclass

from starlette.requests import Request

from adapters.api.errors import ApiError, ErrorCode
from adapters.api.names import is_name, is_user_id, session_id_of, task_id_of
from adapters.api.quota import Quota
from adapters.api.tokens import ApiToken
from adapters.memory_ports import Memories, Person, PersonTokens, TurnSearch
from adapters.operating_ports import AgentFiles, Handoffs, SpendReader
from adapters.ports import Gateway, People
from agent.ids import AgentId, MemoryId, SessionId, TaskId, UserId
from agent.routing import Routes, Spot

CHANNEL = "api"
TENANT = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembering:
    """What is remembered about people, and who they are by their own tokens."""

    memories: Memories
    turns: TurnSearch
    tokens: PersonTokens
    people: People


@dataclass(frozen=True, slots=True, kw_only=True)
class Operating:
    """What only operators ask for."""

    spend: SpendReader
    handoffs: Handoffs
    files: AgentFiles


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What the API keeps to.

    `reserved` are the first parts of the session ids that other channels give: a caller may speak in such a session
    but not make one up. `max_waiting` bounds how many people's turns may wait in one session, `person_count` and
    `address_count` how often people may ask for what is theirs in a minute.
    """

    reserved: Collection[str] = ("slack", "web")
    max_waiting: int | None = 20
    heartbeat_s: float = 15.0
    send_timeout_s: float = 30.0
    person_count: int = 600
    address_count: int = 6_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """The gateway and the settings of the API."""

    gateway: Gateway
    remembering: Remembering
    operating: Operating
    agents: Collection[AgentId]
    routes: Routes
    bounds: Bounds
    quota: Quota

    def agent_for(self, token: ApiToken) -> AgentId:
        """Who answers a caller that names nobody."""
        return self.routes.choose(Spot(channel=CHANNEL, caller=token.name))

    @property
    def people(self) -> People:
        """Who is who."""
        return self.remembering.people

    @property
    def memories(self) -> Memories:
        """What is remembered about people."""
        return self.remembering.memories


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request of a caller who may make it: a program with an API token, or a person with one of their own."""

    request: Request
    api_token: ApiToken | None = None
    person: Person | None = None

    @property
    def token(self) -> ApiToken:
        """The caller's token, where only programs may call."""
        assert self.api_token is not None, "a route for persons asks for no API token"
        return self.api_token

    @property
    def user_id(self) -> UserId:
        """Whom it is about: the person who calls, or whom the path names. Raises `ApiError`."""
        if self.person is not None:
            return self.person.user_id
        user_id = self.request.path_params["user_id"]
        if not is_user_id(user_id):
            raise no_such("user")
        return UserId(user_id)

    @property
    def writer_id(self) -> UserId:
        """The same, by the id that the account came with whose token calls."""
        return self.person.origin_id if self.person is not None else self.user_id

    @property
    def memory_id(self) -> MemoryId:
        """The memory that the path names. Raises `ApiError` when none can have that name."""
        memory_id = self.request.path_params["memory_id"]
        if not is_name(memory_id):
            raise no_such("memory")
        return MemoryId(memory_id)

    @property
    def task_id(self) -> TaskId:
        """The task that the path names. Raises `ApiError` when no task can have that name."""
        task_id = task_id_of(self.request.path_params["task_id"])
        if task_id is None:
            raise no_such("task")
        return task_id

    @property
    def session_id(self) -> SessionId:
        """The session that the path names. Raises `ApiError` when no session can have that name."""
        session_id = session_id_of(self.request.path_params["session_id"])
        if session_id is None:
            raise no_such("session")
        return session_id


def no_such(thing: str, field: str | None = None) -> ApiError:
    """There is no such thing here."""
    prefix = f"{field}: " if field else ""
    return ApiError(ErrorCode.NOT_FOUND, f"{prefix}there is no such {thing} here", field=field)
