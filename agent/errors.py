"""What can go wrong in words a person may read.

    ParleyError
    ├── InputError                 the caller's fault: names the field and what was expected
    │   ├── UserInvalidError
    │   ├── TextInvalidError
    │   ├── ConflictError          the same key came before with another text
    │   │   ├── MemoryConflictError    the id is not free, or the memories changed meanwhile
    │   │   │   └── AskerChangedError  who asked is somebody else by now
    │   │   ├── RevisionConflictError  an agent's file was changed or decided on meanwhile
    │   │   └── ApprovalClosedError    it was decided about this call before
    │   ├── ApprovalNotYoursError  somebody else has to decide
    │   ├── UserGoneError          what was stored about the person was erased
    │   ├── LinkRefusedError       accounts cannot be linked or parted like this
    │   ├── NotFoundError          no such thing, or not yours: the same answer for both
    │   │   ├── MemoryNotFoundError
    │   │   └── UserNotFoundError
    │   └── MemoryInvalidError     carries the `field` that is wrong
    │       └── MemorySecretError
    ├── BusyError                  too many turns wait here; carries `retry_after_s`
    ├── StoreUnavailableError      the database is away; nothing was accepted
    ├── LeaseLostError             another process runs this session now
    ├── ModelError                 the model gave no answer; carries `is_retryable`
    │   ├── ModelUnavailableError  away, overloaded or rate limited
    │   ├── ModelRefusedRequestError   it would refuse the same request again
    │   ├── ContextWindowExceededError the request does not fit
    │   ├── AnswerCutError         the answer to be read by code was cut short
    │   ├── BudgetSpentError       nothing is left of a budget of the day
    │   └── BudgetHeldError        calls that go on hold what is left of it
    └── ToolError                  a tool failed; its text is for the model, not for people
        └── ApprovalNeededError    a tool did nothing yet: the person who asked has to approve the call

`str(error)` of an `InputError` or `BusyError` may be shown to its caller. Of the others only `sentence` may.
"""


class ParleyError(Exception):
    """Something went wrong on our side. Please try again in a moment."""

    @property
    def sentence(self) -> str:
        """The one sentence that a person may read: the class's docstring, never the exception's text."""
        return (type(self).__doc__ or "").split("\n\n")[0].strip()


class InputError(ParleyError):
    """The request was not understood."""


class UserInvalidError(InputError):
    """The user details are not complete: an id or an e-mail address is needed."""


class TextInvalidError(InputError):
    """The text holds a character that cannot be kept."""


class ConflictError(InputError):
    """The same id was used before for another text."""


class ApprovalClosedError(ConflictError):
    """This was decided before."""


class ApprovalNotYoursError(InputError):
    """Only the person who asked can decide this."""


class UserGoneError(InputError):
    """What was stored about this person was erased."""


class LinkRefusedError(InputError):
    """These accounts cannot be linked like this."""


class NotFoundError(InputError):
    """There is no such thing here."""


class MemoryNotFoundError(NotFoundError):
    """There is no such memory here."""


class UserNotFoundError(NotFoundError):
    """There is no such user here."""


class MemoryConflictError(ConflictError):
    """The memory could not be written: its id is taken, or the memories were changed meanwhile."""


class AskerChangedError(MemoryConflictError):
    """Accounts of whoever asked for this were linked or parted meanwhile. Nothing was changed."""


class RevisionConflictError(ConflictError):
    """The revision was decided on already, or the file was changed since it was proposed."""


class MemoryInvalidError(InputError):
    """This cannot be kept as a memory."""

    def __init__(self, field: str, expected: str) -> None:
        super().__init__(f"{field}: {expected}")
        self.field = field


class MemorySecretError(MemoryInvalidError):
    """Passwords, keys, and numbers of cards, accounts and insurances are never remembered."""


class BusyError(ParleyError):
    """Too many questions are waiting here. Please wait for an answer first."""

    def __init__(self, message: str, *, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class StoreUnavailableError(ParleyError):
    """The gateway cannot reach its database. Nothing was accepted; please send it again."""


class LeaseLostError(ParleyError):
    """Another process has taken over this conversation."""


class ModelError(ParleyError):
    """The agent could not answer."""

    is_retryable = False
    is_unbilled = False
    """Whether the vendor did nothing that it bills: it answered with an error status, or could not be reached."""

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class ModelUnavailableError(ModelError):
    """The agent cannot reach its model right now. Your message is kept and will be answered."""

    is_retryable = True


class ModelRefusedRequestError(ModelError):
    """The agent's model did not accept the request. The operators can see why."""


class ContextWindowExceededError(ModelError):
    """This conversation has become too long for the agent's model."""


class AnswerCutError(ModelError):
    """The agent's model had more to say than it may."""


class BudgetSpentError(ModelError):
    """The budget for today is used up, so I cannot answer any more today. Please come back tomorrow."""


class BudgetHeldError(ModelError):
    """A lot is being asked at once right now. Your message is kept and will be answered."""

    is_retryable = True


class ToolError(ParleyError):
    """The tool failed."""


class ApprovalNeededError(ToolError):
    """The person who asked has to approve this first."""
