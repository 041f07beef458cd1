"""What an operation of the API is: its route, its checks and its description are all made from it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from pydantic import BaseModel
from starlette.responses import Response

from adapters.api.bodies import NoQuery
from adapters.api.context import Api, Call
from adapters.api.errors import ErrorCode
from adapters.api.tokens import Scope
from adapters.api.views import View

Handler = Callable[[Api, Call], Awaitable[Response]]

ALWAYS = (ErrorCode.UNAUTHORIZED, ErrorCode.FORBIDDEN, ErrorCode.INVALID, ErrorCode.UNAVAILABLE)
OF_ONE = (*ALWAYS, ErrorCode.NOT_FOUND)
OF_A_BODY = (ErrorCode.MALFORMED, ErrorCode.TIMEOUT, ErrorCode.TOO_LARGE, ErrorCode.UNSUPPORTED_MEDIA_TYPE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """A method of a path: who may call it, what it reads and what it answers.

    `scope` is what an API token needs; none: it is for people, with a token of their own. `answers` are the models of
    its JSON answers by status; `is_stream` says that 200 may be an event stream. `headers` are the request headers it
    reads, with what they mean; `errors` what can go wrong besides the token. One that `is_long` waits for more than a
    few statements of the store, and so is not held to the time within which a caller is told that it is away.
    """

    method: str
    path: str
    handler: Handler
    summary: str
    answers: Mapping[int, type[View]]
    scope: Scope | None = Scope.TASKS
    body: type[BaseModel] | None = None
    query: type[BaseModel] = NoQuery
    headers: Mapping[str, str] = field(default_factory=dict)
    is_stream: bool = False
    is_long: bool = False
    errors: tuple[ErrorCode, ...] = ()

    @property
    def all_errors(self) -> tuple[ErrorCode, ...]:
        """What can go wrong: people may not ask without end."""
        return self.errors if self.scope else tuple(dict.fromkeys((*self.errors, ErrorCode.BUSY)))

    @property
    def name(self) -> str:
        """What the operation is called: unique in the API."""
        return self.handler.__name__ if self.scope else f"{self.handler.__name__}_of_mine"
