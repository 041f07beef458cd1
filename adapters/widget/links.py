"""Signed links: what somebody may upload or open without showing a token, since browsers send none with a plain link.

A link names the session, the person it was made for and when it ends, so a link is no more than its owner may do. Pure.
"""

import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote

from adapters.widget.errors import LinkRefusedError
from agent.ids import AttachmentId, SessionId, UserId
from agent.records import Attachment

UPLOADS_PATH = "/widget/uploads"
FILES_PATH = "/widget/files"
LINK_LIFE_S = 24 * 3_600.0
Purpose = Literal["upload", "open"]
_PROOF_BYTES = 18
_EXPECTED = "key: expected one that this gateway gave out in the last day"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a link allows: to put files into a session, or to open one of its files."""

    session_id: SessionId
    user_id: UserId
    attachment_id: AttachmentId | None = None


def _proof(secret: bytes, purpose: Purpose, body: str) -> str:
    return urlsafe_b64encode(hmac.digest(secret, f"{purpose}\x00{body}".encode(), "sha256")[:_PROOF_BYTES]).decode()


def sign_link(secret: bytes, purpose: Purpose, grant: Grant, now_s: float) -> str:
    """The key of a link that is good for a day."""
    fields = [int(now_s + LINK_LIFE_S), grant.session_id, grant.user_id, grant.attachment_id]
    body = urlsafe_b64encode(json.dumps(fields, separators=(",", ":")).encode()).decode().rstrip("=")
    return f"{body}.{_proof(secret, purpose, body)}"


def read_link(secret: bytes, purpose: Purpose, key: str, now_s: float) -> Grant:
    """What a key allows. Raises `LinkRefusedError`, the same for every reason."""
    body, _, proof = key.partition(".")
    if not key.isascii() or not hmac.compare_digest(proof, _proof(secret, purpose, body)):
        raise LinkRefusedError(_EXPECTED)
    until_s, session_id, user_id, attachment_id = json.loads(urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    if now_s > until_s:
        raise LinkRefusedError(_EXPECTED)
    return Grant(
        session_id=SessionId(session_id),
        user_id=UserId(user_id),
        attachment_id=AttachmentId(attachment_id) if attachment_id else None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """The links of one person in one session, as paths on this gateway."""

    secret: bytes
    session_id: SessionId
    user_id: UserId

    def upload_path(self, now_s: float) -> str:
        """Where files for this session go."""
        grant = Grant(session_id=self.session_id, user_id=self.user_id)
        return f"{UPLOADS_PATH}?key={sign_link(self.secret, 'upload', grant, now_s)}"

    def open_path(self, attachment: Attachment, now_s: float) -> str:
        """Where a file of this session is read."""
        grant = Grant(session_id=self.session_id, user_id=self.user_id, attachment_id=attachment.attachment_id)
        key = sign_link(self.secret, "open", grant, now_s)
        return f"{FILES_PATH}/{quote(attachment.name, safe='')}?key={key}"
