"""What the wire decides, for the shell to carry out."""

from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

from adapters.widget.codes import CloseCode
from adapters.widget.door import Admitted
from adapters.widget.tokens import Claims
from agent.asks import Decision
from agent.ids import ApprovalId, MessageId, RunId


class Moment(NamedTuple):
    """Now, by the clock that never jumps and in seconds since 1970."""

    monotonic_s: float
    unix_s: float


@dataclass(frozen=True, slots=True)
class Say:
    """Send this frame now; it waits for nothing."""

    text: str


@dataclass(frozen=True, slots=True)
class Close:
    """Send what was said before, then close."""

    code: CloseCode
    reason: str


@dataclass(frozen=True, slots=True)
class Greet:
    """Find the person and the conversation, welcome them, and tell the wire that it is `greeted`."""

    admitted: Admitted


@dataclass(frozen=True, slots=True)
class Accept:
    """Commit a message, then ack it."""

    frame_id: str
    text: str
    attachments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StopRun:
    """Stop a run of this session."""

    run_id: RunId


@dataclass(frozen=True, slots=True)
class LoadHistory:
    """Answer with messages before a seq."""

    before: int
    limit: int


@dataclass(frozen=True, slots=True)
class ListSessions:
    """Answer with the person's conversations."""

    limit: int


@dataclass(frozen=True, slots=True)
class MarkSeen:
    """Remember how far the person has read."""

    seq: int


@dataclass(frozen=True, slots=True)
class Judge:
    """Keep what the person thinks of an answer, then ack it."""

    frame_id: str
    message_id: MessageId
    value: str
    comment: str | None


@dataclass(frozen=True, slots=True)
class TellTyping:
    """Let the others in a shared thread know that the person writes."""


@dataclass(frozen=True, slots=True)
class BecomeKnown:
    """The site vouches for the person from now on."""

    frame_id: str
    claims: Claims


@dataclass(frozen=True, slots=True)
class IssueCode:
    """Answer with a code that proves on another channel who this is."""

    frame_id: str


@dataclass(frozen=True, slots=True)
class RedeemCode:
    """A code of another channel was said: both accounts are one person's. `is_said`: as a message."""

    frame_id: str
    code: str
    is_said: bool = False


@dataclass(frozen=True, slots=True)
class Decide:
    """Approve or refuse a call that waits for this person, then ack it."""

    frame_id: str
    approval_id: ApprovalId
    decision: Decision


Answered: TypeAlias = Accept | Judge | Decide
"""What is acked or refused by the frame's id."""

Identifying: TypeAlias = BecomeKnown | IssueCode | RedeemCode
"""What may change who the person is."""


@dataclass(frozen=True, slots=True)
class ManageMemories:
    """Change what is remembered of the person, if that is asked for, and answer with all of it."""

    frame_id: str
    op: Literal["list", "update", "delete", "clear"]
    memory_id: str | None
    memory: str | None


@dataclass(frozen=True, slots=True)
class ForgetMe:
    """Erase all there is of the person."""

    frame_id: str


OverMyData: TypeAlias = ManageMemories | ForgetMe
"""What a person may do about what is kept of them."""

Question: TypeAlias = StopRun | LoadHistory | ListSessions | MarkSeen | TellTyping
"""What is answered by a frame of its own, or not at all."""

Request: TypeAlias = Answered | Identifying | OverMyData | Question
"""What somebody who was greeted may ask for."""

Work: TypeAlias = Greet | Request
"""What asks the gateway, and so is done one after another beside the reader."""

Command: TypeAlias = Say | Close | Work
