"""Requests read: the body, the query and the headers, or an error that names the field and what was expected."""

import re
from typing import TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails, from_json
from starlette.requests import Request

from adapters.api.bodies import SEQ_LIMIT
from adapters.api.errors import ApiError, ErrorCode, InvalidError
from adapters.api.names import is_key

IDEMPOTENCY_KEY = "Idempotency-Key"
LAST_EVENT_ID = "Last-Event-ID"
MEDIA_TYPE = "application/json"

M = TypeVar("M", bound=BaseModel)
_SUBJECT = re.compile(r"^\w+ should (be|have) ")


async def read_body(request: Request, model: type[M]) -> M:
    """The body of a request as a model. Raises `ApiError`."""
    declared = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if declared != MEDIA_TYPE:
        raise ApiError(ErrorCode.UNSUPPORTED_MEDIA_TYPE, f"Content-Type: expected {MEDIA_TYPE}", field="Content-Type")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise ApiError(ErrorCode.UNSUPPORTED_MEDIA_TYPE, "Content-Encoding: expected none", field="Content-Encoding")
    body = await request.body()
    try:
        value = from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise ApiError(ErrorCode.MALFORMED, f"body: expected JSON ({error})", field="body") from error
    return _validate(model, value, "body")


def read_query(request: Request, model: type[M]) -> M:
    """The query of a request as a model; what may be there several times is a list of it. Raises `ApiError`."""
    params = request.query_params
    value = {name: params.getlist(name) if _is_list(model, name) else params[name] for name in params}
    return _validate(model, value, "query")


def read_key(request: Request) -> str | None:
    """The idempotency key of a request, when it has one. Raises `ApiError`."""
    key = request.headers.get(IDEMPOTENCY_KEY)
    if key is not None and not is_key(key):
        raise InvalidError(IDEMPOTENCY_KEY, "expected 1 to 200 printable ASCII characters")
    return key


def read_last_event_id(request: Request) -> int | None:
    """The number of the last event that a caller saw of a stream, when it resumes one. Raises `ApiError`."""
    text = request.headers.get(LAST_EVENT_ID)
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= len(str(SEQ_LIMIT)) and int(text) <= SEQ_LIMIT):
        raise InvalidError(LAST_EVENT_ID, "expected the number that an event of the stream had as its id")
    return int(text)


def _is_list(model: type[BaseModel], name: str) -> bool:
    return name in model.model_fields and get_origin(model.model_fields[name].annotation) is list


def _validate(model: type[M], value: object, whole: str) -> M:
    try:
        return model.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or whole
        raise InvalidError(field, _expected(model, first)) from error


def _expected(model: type[BaseModel], error: ErrorDetails) -> str:
    match error["type"]:
        case "missing":
            return "expected a value; this field is required"
        case "extra_forbidden":
            known = ", ".join(_known_fields(model, error["loc"])) or "none"
            return f"there is no such field; expected only {known}"
        case "model_type":
            return "expected an object"
        case _:
            return _SUBJECT.sub("expected ", error["msg"])


def _known_fields(model: type[BaseModel], place: tuple[int | str, ...]) -> list[str]:
    for part in place[:-1]:
        inner = model.model_fields[str(part)].annotation
        kinds = (inner, *get_args(inner))  # where a field may be left out its type is one of several
        model = next(kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel))
    return list(model.model_fields)
