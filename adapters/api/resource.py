"""The thin shell round the handlers: path, method, bearer token, and what went wrong told in one form."""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import nullcontext
from functools import cache
from urllib.parse import unquote

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import Receive, Scope, Send

from adapters.api.context import Api, Call
from adapters.api.errors import ApiError, ErrorCode, error_of
from adapters.api.operation import Operation
from adapters.api.tokens import ApiToken, find_token
from adapters.deadlines import told_in_time
from agent.errors import ParleyError


class SegmentRoute(Route):
    """A route whose parameters are decoded after the path was split, so that a session id may hold a `/` (`%2F`)."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """The match of a request's path as it was sent."""
        raw = scope.get("raw_path")
        if scope["type"] != "http" or not raw:
            return super().matches(scope)
        path = raw.partition(b"?")[0].decode("latin-1")
        match, found = super().matches({**scope, "path": path})
        if match is not Match.NONE:
            found["path_params"] = {name: unquote(str(value)) for name, value in found["path_params"].items()}
        return match, found


class Resource:
    """One path of the API."""

    def __init__(self, api: Api, tokens: Sequence[ApiToken], operations: Mapping[str, Operation]) -> None:
        self.api = api
        self.tokens = tokens
        self.operations = operations

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; what goes wrong is told in the API's one form."""
        request = Request(scope, receive)
        try:
            response = await self._answer(request)
        except ApiError as error:
            response = error.response()
        except ParleyError as error:
            response = error_of(error).response()
        except ClientDisconnect:
            return
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        is_head = request.method == "HEAD"
        operation = self.operations.get("GET" if is_head else request.method)
        if operation is None:
            raise _wrong_method(self.operations)
        async with told_in_time():
            call = await self._admit(request, operation)
        if operation.body is not None:
            await request.body()  # a caller who sends slowly does not use up the store's time
        async with nullcontext() if operation.is_long else told_in_time():
            response = await operation.handler(self.api, call)
        # A stream would never end for somebody who only wants to know that it is there.
        return Response(status_code=response.status_code, headers=dict(response.headers)) if is_head else response

    async def _admit(self, request: Request, operation: Operation) -> Call:
        authorization = request.headers.get("authorization")
        if authorization is None:
            raise _unauthorized('Bearer realm="parley"')
        if operation.scope is None:
            self.api.quota.take_address(request)
            scheme, _, bearer = authorization.partition(" ")
            person = await self.api.remembering.tokens.find_person(bearer) if scheme.lower() == "bearer" else None
            if person is None:
                raise _unauthorized('Bearer realm="parley", error="invalid_token"')
            self.api.quota.take_person(person.user_id)
            return Call(request=request, person=person)
        token = find_token(self.tokens, authorization)
        if token is None:
            raise _unauthorized('Bearer realm="parley", error="invalid_token"')
        if not token.may(operation.scope):
            raise ApiError(ErrorCode.FORBIDDEN, f"Authorization: this needs a token with the scope {operation.scope}")
        return Call(request=request, api_token=token)


class Document:
    """A document that is there for everybody, made when it is first asked for."""

    def __init__(self, render: Callable[[], bytes]) -> None:
        self._render = cache(render)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the document."""
        if scope["method"] in {"GET", "HEAD"}:
            response = Response(self._render(), media_type="application/json")
        else:
            response = _wrong_method(("GET",)).response()
        await response(scope, receive, send)


class Nowhere:
    """Where no path of the API leads."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Say that there is nothing here."""
        response = ApiError(ErrorCode.NOT_FOUND, "there is nothing here; /openapi.json says what there is").response()
        await response(scope, receive, send)


def _unauthorized(challenge: str) -> ApiError:
    return ApiError(
        ErrorCode.UNAUTHORIZED,
        "Authorization: expected Bearer and a valid token",
        field="Authorization",
        headers={"www-authenticate": challenge},
    )


def _wrong_method(methods: Collection[str]) -> ApiError:
    allowed = sorted({*methods, *({"HEAD"} if "GET" in methods else ())})
    names = ", ".join(allowed)
    return ApiError(ErrorCode.METHOD_NOT_ALLOWED, f"method: expected one of {names}", headers={"allow": names})
