"""What can be wrong with a widget's peer or its configuration.

    InputError
    ├── BadFrameError          not as the protocol says; names the field and what was expected
    ├── TokenRefusedError      proves nothing
    ├── SiteInvalidError       a site's configuration cannot be served
    ├── LinkRefusedError       a signed link that is none of ours, or too old
    └── RefusedError           the connection ends here; carries the close code

`str(error)` names fields and expectations only, never what the peer sent, so it may be shown and logged.
"""

from adapters.widget.codes import CloseCode
from agent.errors import InputError


class BadFrameError(InputError):
    """The frame was not understood."""

    def __init__(self, field: str, expected: str, *, reply_id: str | None = None) -> None:
        """`reply_id` is the id the peer gave the frame, where it could be read."""
        super().__init__(f"{field}: expected {expected}")
        self.field = field
        self.expected = expected
        self.reply_id = reply_id


class TokenRefusedError(InputError):
    """The token was not accepted."""


class SiteInvalidError(InputError):
    """The site's configuration cannot be served."""


class LinkRefusedError(InputError):
    """The link is not valid any more."""


class RefusedError(InputError):
    """This conversation cannot be opened."""

    def __init__(self, code: CloseCode, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
