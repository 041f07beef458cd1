"""What a caller can be told went wrong.

    ApiError          an answer with a status, a code and a message; everything a caller sees is one of these
    └── InvalidError  a field of the body, the query or the headers is wrong

The core's own errors become one of these at one place, `error_of`.
"""

import math
from collections.abc import Mapping
from enum import StrEnum

from starlette.responses import Response

from adapters.api.views import ErrorDetail, ErrorView
from agent.errors import (
    ApprovalClosedError,
    ApprovalNotYoursError,
    BudgetSpentError,
    BusyError,
    ConflictError,
    InputError,
    MemoryConflictError,
    MemoryInvalidError,
    NotFoundError,
    ParleyError,
    RevisionConflictError,
    UserInvalidError,
)

STORE_RETRY_S = 2
BUDGET_RETRY_S = 3_600


class ErrorCode(StrEnum):
    """The codes of the API. A code always comes with the same status."""

    MALFORMED = "malformed"
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    TIMEOUT = "timeout"
    CONFLICT = "conflict"
    TOO_LARGE = "too_large"
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type"
    INVALID = "invalid"
    BUSY = "busy"
    UNAVAILABLE = "unavailable"


STATUS: Mapping[ErrorCode, int] = {
    ErrorCode.MALFORMED: 400,
    ErrorCode.UNAUTHORIZED: 401,
    ErrorCode.FORBIDDEN: 403,
    ErrorCode.NOT_FOUND: 404,
    ErrorCode.METHOD_NOT_ALLOWED: 405,
    ErrorCode.TIMEOUT: 408,
    ErrorCode.CONFLICT: 409,
    ErrorCode.TOO_LARGE: 413,
    ErrorCode.UNSUPPORTED_MEDIA_TYPE: 415,
    ErrorCode.INVALID: 422,
    ErrorCode.BUSY: 429,
    ErrorCode.UNAVAILABLE: 503,
}

MEANING: Mapping[ErrorCode, str] = {
    ErrorCode.MALFORMED: "The body is not JSON.",
    ErrorCode.UNAUTHORIZED: "There is no bearer token, or not a valid one.",
    ErrorCode.FORBIDDEN: "The token, or the person, may not do this.",
    ErrorCode.NOT_FOUND: "There is no such thing here.",
    ErrorCode.METHOD_NOT_ALLOWED: "The path is right and the method is not; `Allow` names those that are.",
    ErrorCode.TIMEOUT: "The body did not arrive in time.",
    ErrorCode.CONFLICT: (
        "It contradicts what is there: a key of another prompt, a session of another kind, a taken id, a decision made."
    ),
    ErrorCode.TOO_LARGE: "The body is larger than is allowed.",
    ErrorCode.UNSUPPORTED_MEDIA_TYPE: "The body is not declared as plain `application/json`.",
    ErrorCode.INVALID: "A field is wrong; `field` names it and `message` says what was expected.",
    ErrorCode.BUSY: "Too much is asked at once here, or a budget is spent; send it again after `Retry-After` seconds.",
    ErrorCode.UNAVAILABLE: "Nothing was accepted; send it again after `Retry-After` seconds.",
}


class ApiError(Exception):
    """The request could not be answered. `field` names what was wrong with it, as far as one thing was."""

    def __init__(
        self, code: ErrorCode, message: str, *, field: str | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.field = field
        self.headers = dict(headers or {})

    @property
    def status(self) -> int:
        """The HTTP status that belongs to the code."""
        return STATUS[self.code]

    def view(self) -> ErrorView:
        """The body that the caller gets."""
        return ErrorView(error=ErrorDetail(code=self.code.value, message=str(self), field=self.field))

    def response(self) -> Response:
        """The whole answer."""
        body = self.view().model_dump_json(exclude_none=True)
        headers = {"cache-control": "no-store", **self.headers}
        return Response(body, status_code=self.status, headers=headers, media_type="application/json")


class InvalidError(ApiError):
    """A field is wrong. The message names it and says what was expected."""

    def __init__(self, field: str, expected: str) -> None:
        super().__init__(ErrorCode.INVALID, f"{field}: {expected}", field=field)


def error_of(error: ParleyError) -> ApiError:
    """What the caller is told of an error of the core; never the text of one that is not for people."""
    match error:
        case BusyError():
            retry_s = max(1, math.ceil(error.retry_after_s))
            return ApiError(ErrorCode.BUSY, str(error) or error.sentence, headers={"retry-after": str(retry_s)})
        case BudgetSpentError():
            headers = {"retry-after": str(BUDGET_RETRY_S)}
            return ApiError(ErrorCode.BUSY, "the budget for today is used up", headers=headers)
        case NotFoundError():
            return ApiError(ErrorCode.NOT_FOUND, str(error) or error.sentence)
        case MemoryInvalidError():
            return ApiError(ErrorCode.INVALID, str(error), field=error.field)
        case ApprovalNotYoursError():
            return ApiError(ErrorCode.FORBIDDEN, str(error) or error.sentence)
        case MemoryConflictError() | RevisionConflictError() | ApprovalClosedError():
            return ApiError(ErrorCode.CONFLICT, str(error) or error.sentence)
        case ConflictError():
            return ApiError(ErrorCode.CONFLICT, str(error) or error.sentence, field="Idempotency-Key")
        case UserInvalidError():
            return ApiError(ErrorCode.INVALID, str(error) or error.sentence, field="user_details")
        case InputError():
            return ApiError(ErrorCode.INVALID, str(error) or error.sentence)
        case _:
            return ApiError(ErrorCode.UNAVAILABLE, error.sentence, headers={"retry-after": str(STORE_RETRY_S)})
