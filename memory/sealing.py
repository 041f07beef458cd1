"""Encryption at rest of what others entrusted to the gateway: AES-256-GCM under a key of the owner's.

The first key seals; every key opens, so that a key can be replaced: put the new one first, and the old one after it.
"""

import hashlib
import json
import secrets
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from agent.records import JsonObject
from memory.errors import SealError

_NONCE_BYTES = 12
_PURPOSE = b"parley sealed record 1"


class Sealer:
    """Seals small records. `keys` are secrets of any length, drawn at random."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._ciphers = [AESGCM(hashlib.blake2b(_PURPOSE, key=_digest(key), digest_size=32).digest()) for key in keys]

    @property
    def has_keys(self) -> bool:
        """Whether it can seal and open anything."""
        return bool(self._ciphers)

    def may_open(self, sealed: bytes, label: str) -> bool:
        """Whether one of the keys fits."""
        try:
            self.open(sealed, label)
        except SealError:
            return False
        return True

    def seal(self, value: JsonObject, label: str) -> bytes:
        """The record, encrypted, and bound to `label`: it opens under no other."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._ciphers[0].encrypt(nonce, json.dumps(value).encode(), label.encode())

    def open(self, sealed: bytes, label: str) -> JsonObject:
        """What was sealed. Raises `SealError` when no key fits, or when it was changed."""
        for cipher in self._ciphers:
            try:
                plain = cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], label.encode())
            except InvalidTag:
                continue
            found: JsonObject = json.loads(plain)
            return found
        raise SealError


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
