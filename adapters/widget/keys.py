"""The secrets that tokens are signed with, checked before anything is served."""

import hmac
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from adapters.widget.errors import SiteInvalidError

Algorithm: TypeAlias = Literal["HS256", "EdDSA"]
SECRET_BYTES = 32
_DISTINCT_BYTES = 8
_PLACEHOLDERS = ("changeme", "change-me", "change_me", "placeholder", "example", "your-secret", "your_secret", "xxxx")


def check_secret(secret: bytes, field_name: str) -> None:
    """Raises `SiteInvalidError` unless the secret has 32 bytes or more, varied ones, and is no placeholder."""
    if len(secret.strip()) < SECRET_BYTES:
        raise SiteInvalidError(f"{field_name}: expected at least {SECRET_BYTES} bytes")
    lowered = secret.lower()
    if len(set(secret)) < _DISTINCT_BYTES or any(word.encode() in lowered for word in _PLACEHOLDERS):
        raise SiteInvalidError(f"{field_name}: expected a random secret, not a placeholder")


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """A key that a site signs its tokens with. The algorithm belongs to the key, never to a token.

    `material` is the shared secret for HS256, the public key in PEM for EdDSA (Ed25519). Raises `SiteInvalidError`.
    """

    kid: str
    algorithm: Algorithm
    material: str = field(repr=False)

    def __post_init__(self) -> None:
        if not 1 <= len(self.kid) <= 64 or not self.kid.isprintable():
            raise SiteInvalidError("kid: expected 1 to 64 printable characters")
        if self.algorithm == "HS256":
            self._check_shared()
        elif self.algorithm == "EdDSA":
            self.load_public()
        else:
            raise SiteInvalidError(f"{self.kid}.algorithm: expected HS256 or EdDSA")

    def _check_shared(self) -> None:
        name = f"{self.kid}.material"
        check_secret(self.material.encode(errors="replace"), name)
        try:
            jwt.get_algorithm_by_name("HS256").prepare_key(self.material)
        except jwt.InvalidKeyError:
            raise SiteInvalidError(f"{name}: expected a shared secret, not a public key") from None

    def load_public(self) -> Ed25519PublicKey:
        """The public key of an EdDSA key."""
        expected = f"{self.kid}.material: expected an Ed25519 public key in PEM"
        try:
            key = load_pem_public_key(self.material.encode())
        except (ValueError, UnsupportedAlgorithm):
            raise SiteInvalidError(expected) from None
        if not isinstance(key, Ed25519PublicKey):
            raise SiteInvalidError(expected)
        return key

    def load(self) -> str | Ed25519PublicKey:
        """What verifies a signature."""
        return self.material if self.algorithm == "HS256" else self.load_public()


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewaySecret:
    """The gateway's own secret, divided: what signs for one purpose is of no use for another."""

    visitor: str = field(repr=False)
    conversation: bytes = field(repr=False)
    links: bytes = field(repr=False)


def derive_secret(secret: bytes) -> GatewaySecret:
    """Raises `SiteInvalidError` for a secret that is blank, short or a placeholder."""
    check_secret(secret, "gateway secret")
    visitor = hmac.digest(secret, b"widget visitor token", "sha256")
    conversation, links = (
        hmac.digest(secret, f"widget {name}".encode(), "sha256") for name in ("conversation", "links")
    )
    return GatewaySecret(visitor=visitor.hex(), conversation=conversation, links=links)
