"""What goes wrong here.

FakeSlackError
├── RefusalError       the Web API says no: `ok: false` and a code
│   └── RateLimitedError   429 and `Retry-After`
└── UsageError         a test or a person asked for what the workspace does not hold
"""

from adapters.slack_fake.json_types import Json


class FakeSlackError(Exception):
    """The fake workspace could not do that."""


class RefusalError(FakeSlackError):
    """The Web API refuses a call. `code` is Slack's word for why; `details` go into the answer beside it."""

    def __init__(self, code: str, **details: object) -> None:
        super().__init__(code)
        self.code = code
        self.details: Json = dict(details)


class RateLimitedError(RefusalError):
    """The call came too early. `retry_after_s` is whole seconds, at least one."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__("ratelimited")
        self.retry_after_s = retry_after_s


class UsageError(FakeSlackError):
    """The workspace holds no such person, message, button or view."""
