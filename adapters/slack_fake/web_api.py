"""The Web API without its sockets: a name, a token and arguments in, an answer out."""

from collections.abc import Callable
from dataclasses import dataclass, field

from adapters.slack_fake import (
    methods_chat,
    methods_conversations,
    methods_files,
    methods_people,
    methods_streams,
    methods_views,
)
from adapters.slack_fake.calls import Args, Call, Method
from adapters.slack_fake.errors import RateLimitedError, RefusalError
from adapters.slack_fake.json_types import Json
from adapters.slack_fake.limits import OUTSIDE_METHODS, POST_BURST, POST_PER_S, Limiter
from adapters.slack_fake.records import Installation
from adapters.slack_fake.world import World

KEPT = 10_000
"""At least twice as many calls are on record, at most three times."""
METHODS: dict[str, Method] = {
    **methods_chat.METHODS,
    **methods_streams.METHODS,
    **methods_conversations.METHODS,
    **methods_people.METHODS,
    **methods_views.METHODS,
    **methods_files.METHODS,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What goes back over HTTP."""

    body: Json
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def is_ok(self) -> bool:
        """Whether the call was done."""
        return bool(self.body.get("ok"))


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRecord:
    """A call that was made, for who debugs a test. The token is not kept."""

    method: str
    args: Json
    answer: Json
    at: float


class WebApi:
    """All methods, for one world. `open_connection`, once set, makes the address of a Socket Mode connection."""

    def __init__(self, world: World, limiter: Limiter) -> None:
        self._world = world
        self._limiter = limiter
        self.open_connection: Callable[[], str] | None = None
        self.calls: list[CallRecord] = []

    def call(self, name: str, token: str | None, values: Json) -> Answer:
        """Do what is asked, or say why not. Never raises."""
        try:
            answer = self._call(name, token, values)
        except RateLimitedError as error:
            answer = Answer(
                status=429, body={"ok": False, "error": error.code}, headers={"Retry-After": str(error.retry_after_s)}
            )
        except RefusalError as error:
            answer = Answer(body={"ok": False, "error": error.code, **error.details})
        args = {key: value for key, value in values.items() if key not in {"token", "client_secret"}}
        self.calls.append(CallRecord(method=name, args=args, answer=answer.body, at=self._world.clock.now()))
        del self.calls[: -2 * KEPT if len(self.calls) > 3 * KEPT else 0]
        return answer

    def _call(self, name: str, token: str | None, values: Json) -> Answer:
        if name == "apps.connections.open":
            return self._open_connection(token)
        method = METHODS.get(name)
        if method is None:
            raise RefusalError("unknown_method", req_method=name)
        args = Args(values)
        installation = None if method.takes == "none" else self._authorise(token)
        self._check_scope(method, installation)
        self._check_limit(name, method, args, installation)
        body = method.run(Call(world=self._world, args=args, installation=installation))
        headers = {"X-OAuth-Scopes": ",".join(sorted(installation.scopes))} if installation else {}
        if method.scopes:
            headers["X-Accepted-OAuth-Scopes"] = ",".join(method.scopes)
        return Answer(body={"ok": True, **body}, headers=headers)

    def _open_connection(self, token: str | None) -> Answer:
        app = self._world.app
        if not token:
            raise RefusalError("not_authed")
        if token != app.app_token:
            raise RefusalError("not_allowed_token_type" if token.startswith("xoxb-") else "invalid_auth")
        if "connections:write" not in app.app_scopes:
            raise RefusalError("missing_scope", needed="connections:write", provided=",".join(sorted(app.app_scopes)))
        if self.open_connection is None:
            raise RefusalError("internal_error")
        return Answer(body={"ok": True, "url": self.open_connection()})

    def _authorise(self, token: str | None) -> Installation:
        if not token:
            raise RefusalError("not_authed")
        if token == self._world.app.app_token:
            raise RefusalError("not_allowed_token_type")
        for installation in self._world.installations.values():
            if token != installation.bot_token:
                if token in installation.old_tokens:
                    raise RefusalError("token_expired" if self._world.app.rotates_tokens else "token_revoked")
                continue
            if installation.is_uninstalled:
                raise RefusalError("account_inactive")
            if installation.is_revoked:
                raise RefusalError("token_revoked")
            if installation.expires_at is not None and self._world.clock.now() >= installation.expires_at:
                raise RefusalError("token_expired")
            return installation
        raise RefusalError("invalid_auth")

    def _check_scope(self, method: Method, installation: Installation | None) -> None:
        if installation is None or not method.scopes or set(method.scopes) & installation.scopes:
            return
        provided = ",".join(sorted(installation.scopes))
        raise RefusalError("missing_scope", needed=",".join(method.scopes), provided=provided)

    def _check_limit(self, name: str, method: Method, args: Args, installation: Installation | None) -> None:
        key = installation.key if installation else "app"
        wait_s: int | None = None
        if name == "chat.postMessage":
            place = (name, key, args.text("channel") or "")
            wait_s = self._limiter.take(place, per_s=POST_PER_S, burst=POST_BURST)
        elif name in OUTSIDE_METHODS and self._world.app.is_distributed_outside_marketplace:
            wait_s = self._limiter.take((name, key), per_s=1 / 60, burst=1)
        elif method.per_minute is not None:
            wait_s = self._limiter.take((name, key), per_s=method.per_minute / 60, burst=method.per_minute)
        if wait_s is not None:
            raise RateLimitedError(wait_s)
