"""Calls of tools that wait for a person's word. Standard library only, as all that every room shares."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, TypeAlias

from agent.ids import ApprovalId, UserId

Decision: TypeAlias = Literal["approved", "refused"]
"""What a person may say to a call."""
AWAITED = (
    "Not run: this call waits for the approval of the person who asked. As long as no message here says what they "
    "decided, it was not run. Do not make the same call again."
)
"""The result of a call that waits, for the model."""


class ApprovalState(StrEnum):
    """What became of a call that needs approval. All but `waiting` are final; `stopped`: the run was stopped."""

    WAITING = "waiting"
    APPROVED = "approved"
    REFUSED = "refused"
    EXPIRED = "expired"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A call that waits for the approval of the person who asked, and of nobody else. `title` names the tool."""

    approval_id: ApprovalId
    call_id: str
    title: str
    user_id: UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a message decides about a call: nothing but `approved`, `refused` or `expired`."""

    approval_id: ApprovalId
    state: ApprovalState
