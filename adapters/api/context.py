"""What every handler of the API works with."""

from collections.abc import Collection
from dataclasses import dataclass

from starlette.requests import Request

from adapters.api.errors import ApiError, ErrorCode
from adapters.api.names import session_id_of, task_id_of
from adapters.api.tokens import ApiToken
from adapters.ports import Gateway
from agent.ids import AgentId, SessionId, TaskId

CHANNEL = "api"
TENANT = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """The gateway and the settings of the API.

    `reserved` are the first parts of the session ids that other channels give: a caller may speak in such a session
    but not make one up. `max_waiting` bounds how many people's turns may wait in one session.
    """

    gateway: Gateway
    agents: Collection[AgentId]
    default_agent: AgentId
    reserved: Collection[str]
    max_waiting: int | None
    heartbeat_s: float
    send_timeout_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request of a caller who may make it."""

    request: Request
    token: ApiToken

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
