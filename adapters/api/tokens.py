"""Bearer tokens: who may call, and what for."""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

SECRET_MIN_LENGTH = 16


class Scope(StrEnum):
    """What a token may do. An operator may do everything.

    `tasks` is to give tasks and to read sessions by name, `memories` to read and write what is remembered of anybody.
    """

    TASKS = "tasks"
    MEMORIES = "memories"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiToken:
    """A caller of the API. `name` tells callers apart, in logs and in idempotency keys; the secret is never shown.

    Raises `ValueError` for a name or secret that would be unsafe, without telling the secret.
    """

    name: str
    secret: str = field(repr=False)
    scopes: frozenset[Scope]

    def __post_init__(self) -> None:
        if not self.name:
            raise ValueError("API token: expected a name")
        if len(self.secret) < SECRET_MIN_LENGTH or not all("!" <= c <= "~" for c in self.secret):
            raise ValueError(
                f"API token {self.name}: expected a secret of at least {SECRET_MIN_LENGTH} printable ASCII characters"
            )
        if not self.scopes:
            raise ValueError(f"API token {self.name}: expected at least one scope")

    def may(self, scope: Scope) -> bool:
        """Whether the token may do what needs `scope`."""
        return scope in self.scopes or Scope.OPERATOR in self.scopes


def find_token(tokens: Sequence[ApiToken], authorization: str) -> ApiToken | None:
    """The token that an `Authorization` header carries.

    Takes the same time whichever token it is, and whether it is one at all.
    """
    scheme, _, secret = authorization.partition(" ")
    presented = _digest(secret.strip())
    found = None
    for token in tokens:
        if hmac.compare_digest(presented, _digest(token.secret)):
            found = token
    return found if scheme.lower() == "bearer" else None


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode(errors="surrogatepass")).digest()
