"""What Slack grants when the app is installed or a token renewed. Pure: addresses, signed states, answers."""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

from adapters.slack.errors import PayloadError
from adapters.slack.records import object_of, text_of
from agent.records import JsonObject

SCOPES = (
    "app_mentions:read",
    "assistant:write",
    "channels:history",
    "chat:write",
    "commands",
    "files:read",
    "groups:history",
    "im:history",
    "im:write",
    "metadata.message:read",
    "mpim:history",
    "users:read",
    "users:read.email",
)
"""What the app asks for; `manifest.yaml` says why."""
STATE_LIFE_S = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """An installation's tokens. `about` says whose it is: names and ids, nothing secret."""

    installation: str
    bot_token: str = field(repr=False)
    refresh_token: str | None = field(default=None, repr=False)
    expires_in_s: float | None = None
    about: JsonObject

    @property
    def tokens(self) -> JsonObject:
        """What has to be kept secret."""
        return {"bot_token": self.bot_token, "refresh_token": self.refresh_token}


def parse_grant(answer: JsonObject) -> Grant:
    """What `oauth.v2.access` answers. Raises `PayloadError` when there is no bot token or no workspace in it."""
    team, enterprise = object_of(answer, "team"), object_of(answer, "enterprise")
    is_org_wide = answer.get("is_enterprise_install") is True
    installation = text_of(enterprise if is_org_wide else team, "id")
    token = text_of(answer, "access_token")
    if installation is None or token is None or answer.get("token_type") != "bot":
        raise PayloadError("expected a bot token and the workspace that it is for")
    expires_in = answer.get("expires_in")
    return Grant(
        installation=installation,
        bot_token=token,
        refresh_token=text_of(answer, "refresh_token"),
        expires_in_s=float(expires_in) if isinstance(expires_in, int | float) else None,
        about={
            "name": text_of(enterprise if is_org_wide else team, "name"),
            "team_id": text_of(team, "id"),
            "enterprise_id": text_of(enterprise, "id"),
            "is_org_wide": is_org_wide,
            "app_id": text_of(answer, "app_id"),
            "bot_user": text_of(answer, "bot_user_id"),
            "scope": text_of(answer, "scope"),
            "installed_by": text_of(object_of(answer, "authed_user"), "id"),
        },
    )


def build_authorize_url(api_url: str, client_id: str, state: str, scopes: Sequence[str] = SCOPES) -> str:
    """The page on which somebody agrees to the installation. Slack leads back to the address in the app's settings."""
    parts = urlsplit(api_url)
    query = urlencode({"client_id": client_id, "scope": ",".join(scopes), "user_scope": "", "state": state})
    return f"{parts.scheme}://{parts.netloc}/oauth/v2/authorize?{query}"


def build_app_url(api_url: str, about: JsonObject) -> str:
    """Where Slack opens the app that was just installed."""
    parts = urlsplit(api_url)
    ids = {"app": text_of(about, "app_id"), "team": text_of(about, "team_id")}
    query = urlencode({name: value for name, value in ids.items() if value is not None})
    return f"{parts.scheme}://{parts.netloc}/app_redirect?{query}"


def sign_state(secret: bytes, nonce: str, expires_at_s: int) -> str:
    """What goes to Slack and comes back: proof that this gateway began it for the browser that holds `nonce`."""
    return f"{expires_at_s}.{_mark(secret, nonce, expires_at_s)}"


def is_state_genuine(secret: bytes, state: str, nonce: str, now_s: float) -> bool:
    """Whether a state was signed here, for this browser, and not too long ago."""
    end, _, mark = state.partition(".")
    if not (end.isascii() and end.isdigit() and len(end) <= 12 and nonce):
        return False
    is_equal = hmac.compare_digest(_mark(secret, nonce, int(end)).encode(), mark.encode(errors="replace"))
    return is_equal and now_s <= int(end)


def _mark(secret: bytes, nonce: str, expires_at_s: int) -> str:
    text = f"slack install\x1f{nonce}\x1f{expires_at_s}".encode(errors="replace")
    return base64.urlsafe_b64encode(hmac.new(secret, text, hashlib.sha256).digest()).decode().rstrip("=")
