"""Who a token says its bearer is. Pure: keys and the time are given.

There are two kinds, and neither passes as the other, since their keys, audiences and headers all differ:
a *site token* is signed by the site for a person it knows; a *visitor token* by the gateway for somebody it does not.
A site token may be shown again until it expires, as every reconnect does.
"""

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Annotated

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from adapters.widget.conversations import is_thread_name
from adapters.widget.errors import TokenRefusedError
from adapters.widget.keys import GatewaySecret, SigningKey
from agent.ids import UserId
from agent.people import is_email_address
from agent.records import JsonObject
from agent.text import storable_object

MAX_LIFE_S = 15 * 60
SKEW_S = 30
"""How far a site's clock may be ahead."""
EXPIRY_GRACE_S = 5
TOKEN_CHARACTERS = 8 * 1024
VISITOR_TYPE = "visitor+jwt"
_USER_ID = re.compile(r"usr_[0-9a-f]{32}")
_CHECKS: jwt.types.Options = {
    "verify_exp": False,  # times are compared here, with the time that is given
    "verify_iat": False,
    "verify_nbf": False,
    "strict_aud": True,
}

Instant = Annotated[float, Field(ge=0, le=2**53, allow_inf_nan=False)]
Word = Annotated[str, Field(min_length=1, max_length=200)]
Name = Annotated[str, Field(max_length=100)]


class _SiteClaims(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)

    sub: Word
    exp: Instant
    iat: Instant
    jti: Word
    nbf: Instant = 0
    email: Annotated[str, Field(max_length=320)] | None = None
    email_verified: bool = False
    first_name: Name | None = None
    last_name: Name | None = None
    timezone: Name | None = None
    attributes: dict[str, JsonValue] = Field(default_factory=dict)
    threads: Annotated[list[str], Field(max_length=200)] = Field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What a site vouches for. `expires_at_s`: seconds since 1970. `email`: one that the site has verified, or none."""

    subject: str
    expires_at_s: float
    email: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    timezone: str | None = None
    attributes: JsonObject = field(default_factory=dict)
    threads: frozenset[str] = frozenset()


def _read_header(token: str) -> dict[str, object]:
    """The header, proved by nothing yet. Raises `TokenRefusedError`."""
    if len(token) > TOKEN_CHARACTERS:
        raise TokenRefusedError(f"token: expected at most {TOKEN_CHARACTERS} characters")
    if not token.isascii():
        raise TokenRefusedError("token: expected a signed JWT")
    try:
        return jwt.get_unverified_header(token)
    except jwt.PyJWTError:
        raise TokenRefusedError("token: expected a signed JWT") from None


def is_visitor_token(token: str) -> bool:
    """Which of the two kinds it claims to be. Raises `TokenRefusedError` for what is neither."""
    return _read_header(token).get("typ") == VISITOR_TYPE


def find_site_key(token: str) -> str:
    """The site that a token says it is for, proved by nothing yet. Raises `TokenRefusedError`."""
    prefix = _visitor_audience("") if is_visitor_token(token) else ""
    try:
        audience = jwt.decode(token, options={"verify_signature": False}).get("aud")
    except (jwt.PyJWTError, RecursionError, ValueError):
        raise TokenRefusedError("token: expected a signed JWT") from None
    if not isinstance(audience, str) or not audience.startswith(prefix):
        raise TokenRefusedError("token: expected the audience of a site")
    return audience.removeprefix(prefix)


def _decode(token: str, key: str | Ed25519PublicKey, algorithm: str, audience: str) -> JsonObject:
    try:
        payload: JsonObject = jwt.decode(token, key, algorithms=[algorithm], audience=audience, options=_CHECKS)
        return storable_object(payload)
    except (jwt.PyJWTError, RecursionError, ValueError):
        raise TokenRefusedError("token: expected a signature and an audience of this site") from None


@lru_cache(maxsize=256)
def _load_key(key: SigningKey) -> str | Ed25519PublicKey:
    return key.load()


def verify_site_token(token: str, site_key: str, keys: tuple[SigningKey, ...], now_s: float) -> Claims:
    """Signature, audience, times and the type of each claim. Raises `TokenRefusedError`.

    `kid` says which of the site's keys signed it; the algorithm is that key's. `now_s` is in seconds since 1970.
    """
    kid = _read_header(token).get("kid")
    key = next((one for one in keys if one.kid == kid), None)
    if key is None:
        raise TokenRefusedError("token: expected a kid of one of this site's keys")
    payload = _decode(token, _load_key(key), key.algorithm, site_key)
    try:
        claims = _SiteClaims.model_validate(payload)
    except ValidationError as error:
        claim = error.errors(include_url=False, include_input=False)[0]["loc"][0]
        raise TokenRefusedError(f"token: expected another {claim} claim") from None
    _check_times(claims, now_s)
    return _claims_of(claims)


def _check_times(claims: _SiteClaims, now_s: float) -> None:
    if claims.exp <= now_s - EXPIRY_GRACE_S:
        raise TokenRefusedError("token: expected one that has not expired")
    if max(claims.iat, claims.nbf) > now_s + SKEW_S:
        raise TokenRefusedError("token: expected one that is valid already")
    if not 0 < claims.exp - claims.iat <= MAX_LIFE_S:
        raise TokenRefusedError(f"token: expected exp at most {MAX_LIFE_S} s after iat")


def _claims_of(claims: _SiteClaims) -> Claims:
    for thread in claims.threads:
        if not is_thread_name(thread):
            raise TokenRefusedError("token: expected threads to hold names of 1 to 100 printable characters")
    return Claims(
        subject=claims.sub,
        expires_at_s=claims.exp,
        email=_find_proven_email(claims),
        first_name=claims.first_name,
        last_name=claims.last_name,
        timezone=claims.timezone,
        attributes=claims.attributes,
        threads=frozenset(claims.threads),
    )


def _find_proven_email(claims: _SiteClaims) -> str | None:
    """The address that the site has verified. A blank one is none; what is no address is refused."""
    if not claims.email_verified or not claims.email or claims.email.isspace():
        return None
    if not is_email_address(claims.email):
        raise TokenRefusedError("token: expected email to be an e-mail address such as ann@example.com")
    return claims.email


def _visitor_audience(site_key: str) -> str:
    return f"visitor:{site_key}"


def issue_visitor_token(user_id: UserId, site_key: str, secret: GatewaySecret, now_s: float) -> str:
    """A token for somebody unknown. It does not expire: a visitor is the same person for ever, on this site."""
    payload = {"sub": user_id, "aud": _visitor_audience(site_key), "iat": int(now_s)}
    return jwt.encode(payload, secret.visitor, algorithm="HS256", headers={"typ": VISITOR_TYPE})


def verify_visitor_token(token: str, site_key: str, secret: GatewaySecret) -> UserId:
    """The visitor's user id. Raises `TokenRefusedError`."""
    if not is_visitor_token(token):
        raise TokenRefusedError("token: expected a visitor's token")
    subject = _decode(token, secret.visitor, "HS256", _visitor_audience(site_key)).get("sub")
    if not isinstance(subject, str) or not _USER_ID.fullmatch(subject):
        raise TokenRefusedError("token: expected a visitor's id")
    return UserId(subject)
