"""What those who watch a session are told beside its log: kept nowhere, and lost where nobody watches."""

from dataclasses import dataclass
from typing import Literal

from agent.ids import RunId, UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class Delta:
    """A piece of a running answer. Not durable: the final message is the truth.

    `offset` counts UTF-16 code units, as browsers do; one with offset 0 starts the answer's text over.
    """

    run_id: RunId
    offset: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence:
    """What a person in a shared thread does right now. Not durable, and lost where nobody watches.

    `role` is `human` for a person of the team.
    """

    user_id: UserId
    name: str
    state: Literal["joined", "left", "typing"]
    role: Literal["user", "human"] = "user"
