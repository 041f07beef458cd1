"""The close codes of `gw.v1`, and what a client makes of them."""

from enum import IntEnum

_REASON_BYTES = 123


class CloseCode(IntEnum):
    """1008 and 4400 to 4426 tell the client to stop and say why (4401: first ask for a token); the others to resume."""

    TOO_MANY_BAD_FRAMES = 1008
    FAILED = 1011
    RESTART = 1012
    TRY_LATER = 1013
    HEARTBEAT = 4008
    IDLE = 4009
    SLOW_CONSUMER = 4013
    RATE = 4029
    BAD_FRAME = 4400
    TOKEN = 4401
    FORBIDDEN = 4403
    NOT_FOUND = 4404
    REPLACED = 4409
    DELETED = 4410
    VERSION = 4426


def fit_reason(reason: str) -> str:
    """The reason cut to what a close frame holds: 123 bytes of UTF-8."""
    return reason.encode(errors="replace")[:_REASON_BYTES].decode(errors="ignore")
