"""What went wrong with a model call, from what the vendor said about it. Pure; the table stands in docs/models.md."""

import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from agent.errors import ContextWindowExceededError, ModelError, ModelRefusedRequestError, ModelUnavailableError

READ_LIMIT = 2_000
DETAIL_LIMIT = 200
OPERATOR_RETRY_S = 60.0
LONGEST_WAIT_S = 3600.0

_TOO_LONG = re.compile(
    r"prompt is too long|exceed(s|ed)? (the )?(context|maximum)|too many (input )?tokens", re.IGNORECASE
)
_SPENT = re.compile(r"credit balance|usage limit|spend(ing)? limit", re.IGNORECASE)
_QUOTED = re.compile(r"""(?<!\w)(["'`])(?:(?!\1).){24,}(\1|$)""", re.DOTALL)

_STATUS_OF_KIND = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}


def fault_of_status(
    status: int, kind: str, message: str, headers: Mapping[str, str], request_id: str = ""
) -> ModelError:
    """The error for an answer with an error status, which is not billed.

    The question is whether the same message may be answered later. A wrong key, a missing permission and spent credit
    (401, 402, 403) are no fault of the message, and an operator can mend them while it waits: they count as the model
    being away, and are tried again, slowly. A model's name that nobody knows (404) and a request that is not
    understood (400, 422) would be refused for ever.
    """
    fault = _build_fault(status, kind, message[:READ_LIMIT], headers, request_id)
    fault.is_unbilled = True
    return fault


def _build_fault(status: int, kind: str, message: str, headers: Mapping[str, str], request_id: str = "") -> ModelError:
    detail = f"{status} {kind or 'error'}{f' {request_id}' if request_id else ''}: {_safe(message)}"
    retry_after_s = find_retry_after(headers)
    if status == 413 or (status == 400 and _TOO_LONG.search(message)):
        return ContextWindowExceededError(detail)
    if status in (401, 402, 403) or (status == 400 and _SPENT.search(message)):
        return ModelUnavailableError(detail, retry_after_s=retry_after_s or OPERATOR_RETRY_S)
    if status in (408, 409, 429) or status >= 500:
        return ModelUnavailableError(detail, retry_after_s=retry_after_s)
    return ModelRefusedRequestError(detail)


def fault_of_event(kind: str, message: str) -> ModelError:
    """The error for an `error` event in mid-stream. A kind nobody knows counts as the vendor's fault."""
    return _build_fault(_STATUS_OF_KIND.get(kind, 500), kind, message[:READ_LIMIT], {})


def find_retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, an hour at most, from `retry-after-ms` or `retry-after` (seconds or a date)."""
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        try:
            return _bounded(float(headers[name]) / unit)
        except (KeyError, ValueError):
            continue
    try:
        return _bounded(parsedate_to_datetime(headers["retry-after"]).timestamp() - time.time())
    except (KeyError, ValueError):
        return None


def _bounded(seconds: float) -> float:
    return min(max(0.0, seconds), LONGEST_WAIT_S)


def _safe(message: str) -> str:
    """The vendor's words for a log: one line, short, and without what it quotes, which may be the prompt."""
    return " ".join(_QUOTED.sub("…", message).split())[:DETAIL_LIMIT]
