"""What can go wrong between the gateway and Slack.

SlackError
├── PayloadError        not what Slack sends: 400, and nothing of it is kept
├── RefusedError        Slack said no; carries Slack's own word
├── LimitedError        too many calls; carries `retry_after_s`
├── UnknownError        nobody knows whether the call was carried out: its answer was lost
└── CannotReadError     the conversation may not be read back
"""


class SlackError(Exception):
    """Slack could not be reached or did not accept what was sent."""


class PayloadError(SlackError):
    """The request was not understood."""


class RefusedError(SlackError):
    """Slack refused a call."""

    def __init__(self, method: str, code: str) -> None:
        super().__init__(f"{method}: {code}")
        self.code = code


class LimitedError(SlackError):
    """Slack asks for patience."""

    def __init__(self, method: str, retry_after_s: float) -> None:
        super().__init__(f"{method}: limited")
        self.retry_after_s = retry_after_s


class UnknownError(SlackError):
    """The answer to a call was lost; it may have been carried out."""


class CannotReadError(SlackError):
    """Slack does not let the gateway read this conversation."""


TOKEN_REFUSED = frozenset(
    {"account_inactive", "invalid_auth", "not_authed", "not_installed", "token_expired", "token_revoked"}
)
"""Slack's words for a token that opens nothing, and ours for one that is not there."""
MAY_COME_BACK = TOKEN_REFUSED | {"not_in_channel"}
"""Refusals that people can undo: they install the app again, or invite it again."""
UNAVAILABLE = frozenset(
    {
        "access_denied",
        "deprecated_endpoint",
        "feature_not_enabled",
        "method_deprecated",
        "missing_scope",
        "no_permission",
        "not_allowed_token_type",
        "team_access_not_granted",
        "unknown_method",
    }
)
"""Refusals that say something about a workspace and its plan, and not about one conversation or message."""
