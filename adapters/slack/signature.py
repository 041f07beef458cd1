"""Whether a request comes from Slack. Nothing of a request is looked at before this says so."""

import hashlib
import hmac
import re

MAX_AGE_S = 300
BODY_LIMIT_BYTES = 1024 * 1024
_TIMESTAMP = re.compile(r"[0-9]{1,12}")


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """Slack's signature, version 0: `v0=` and 64 hex digits."""
    digest = hmac.new(secret.encode(), b"v0:" + timestamp.encode() + b":" + body, hashlib.sha256)
    return "v0=" + digest.hexdigest()


def is_genuine(secret: str, timestamp: str, signature: str, body: bytes, now_s: float) -> bool:
    """Whether the signature over the raw bytes is right and at most five minutes old, or ahead.

    The comparison takes the same time wherever the first difference is.
    """
    if not _TIMESTAMP.fullmatch(timestamp) or len(body) > BODY_LIMIT_BYTES:
        return False
    expected = sign(secret, timestamp, body)
    is_equal = hmac.compare_digest(expected.encode(), signature.encode(errors="replace"))
    return is_equal and abs(now_s - int(timestamp)) <= MAX_AGE_S
