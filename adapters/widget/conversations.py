"""Which conversation is meant. Pure.

A session id is `web:{site}:{conversation}`. A conversation is either a thread, whose name several people share, or
private: `~` and 38 characters, of which 22 are random and 16 prove that the gateway issued it to this very user. So a
conversation in which nothing was ever written needs no row to be known again. No thread's name begins with `~`.
"""

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass

from adapters.widget.limits import REPLAY_EVENTS
from agent.ids import SessionId, UserId

PRIVATE = "~"
THREAD_CHARACTERS = 100
_RANDOM_LENGTH = 22


def is_thread_name(name: str) -> bool:
    """1 to 100 printable characters, none at the ends a space, and not in the form of a private conversation.

    No U+FFFD either: it stands for what could not be stored, and would make one name of several.
    """
    is_readable = 1 <= len(name) <= THREAD_CHARACTERS and name.isprintable() and "\ufffd" not in name
    return is_readable and name == name.strip() and not name.startswith(PRIVATE)


def is_private(conversation: str) -> bool:
    """Whether a conversation belongs to one person alone."""
    return conversation.startswith(PRIVATE)


def session_id_of(site_key: str, conversation: str) -> SessionId:
    """The session of a conversation."""
    return SessionId(f"web:{site_key}:{conversation}")


def conversation_of(site_key: str, session_id: str) -> str | None:
    """The conversation a session id of this site names; none for any other id."""
    prefix = session_id_of(site_key, "")
    conversation = session_id.removeprefix(prefix)
    if not session_id.startswith(prefix):
        return None
    return conversation if is_private(conversation) or is_thread_name(conversation) else None


def _proof(secret: bytes, site_key: str, user_id: UserId, random: str) -> str:
    digest = hmac.digest(secret, "\x00".join((site_key, user_id, random)).encode(), hashlib.sha256)
    return urlsafe_b64encode(digest[:12]).decode()


def issue_conversation(secret: bytes, site_key: str, user_id: UserId) -> str:
    """A new private conversation for this user: 128 random bits, and the proof."""
    random = urlsafe_b64encode(secrets.token_bytes(16)).decode().rstrip("=")
    return f"{PRIVATE}{random}{_proof(secret, site_key, user_id, random)}"


def is_issued_to(secret: bytes, site_key: str, user_id: UserId, conversation: str) -> bool:
    """Whether this private conversation was issued to this user, on this site, with this secret."""
    if not conversation.isascii() or not is_private(conversation):
        return False
    random, proof = conversation[1 : 1 + _RANDOM_LENGTH], conversation[1 + _RANDOM_LENGTH :]
    return hmac.compare_digest(proof, _proof(secret, site_key, user_id, random))


def epoch_of(instance_id: str, session_id: SessionId) -> str:
    """Which log a cursor belongs to: another database, or another session, gives another epoch."""
    return hashlib.sha256(f"{instance_id}\x00{session_id}".encode()).hexdigest()[:12]


@dataclass(frozen=True, slots=True, kw_only=True)
class Resume:
    """Where a client goes on. Events with seq > `cursor` follow.

    `is_resumed`: the log from the client's own cursor on. `is_reset`: what the client holds is of another log.
    Neither: a newcomer, who finds what is at or below `cursor` by `history`.
    """

    cursor: int
    is_resumed: bool
    is_reset: bool


def plan_resume(*, given_epoch: str | None, given_cursor: int, epoch: str, head: int) -> Resume:
    """Compare what a client says it has with the log. A client without an epoch is taken at its word."""
    is_newcomer = given_epoch is None and given_cursor == 0
    if given_epoch not in {None, epoch} or given_cursor > head:
        return Resume(cursor=head, is_resumed=False, is_reset=True)
    if is_newcomer:
        return Resume(cursor=0 if head <= REPLAY_EVENTS else head, is_resumed=False, is_reset=False)
    return Resume(cursor=given_cursor, is_resumed=True, is_reset=False)
