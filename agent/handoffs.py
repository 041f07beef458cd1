"""A conversation that a person of the team is asked into, and who answers in it meanwhile.

    agent ──asked──► waiting ──taken──► human ──handed back, or silent for too long──► agent
      └───────────────taken──────────────►┘

While a person is waited for the agent goes on answering, so nobody is left alone; while a person has the conversation
it is silent, and what people say is kept for when it answers again.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from agent.ids import AgentId, RunId, SessionId


class SessionMode(StrEnum):
    """Who answers: the agent; the agent while a person is waited for; a person of the team."""

    AGENT = "agent"
    WAITING = "waiting"
    HUMAN = "human"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeNote:
    """A durable change of who answers. `run_id` is the run that asked; `name` the person who took or handed back.

    Without either it went back by itself.
    """

    session_id: SessionId
    seq: int
    mode: SessionMode
    at: datetime
    run_id: RunId | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Handoff:
    """A conversation that waits for a person or is with one: since when, and when it goes back by itself.

    `reason` and `summary` are the agent's words; none where a person took the conversation unasked.
    """

    session_id: SessionId
    channel: str
    agent_id: AgentId
    title: str | None
    mode: SessionMode
    name: str | None
    reason: str | None
    summary: str | None
    since_at: datetime
    until_at: datetime


def render_mode(mode: SessionMode, name: str | None) -> str:
    """The change as one sentence, where it is told as a message."""
    match mode:
        case SessionMode.WAITING:
            return "A person of the team was asked to join."
        case SessionMode.HUMAN:
            return f"{name or 'A person of the team'} has joined and answers from now on."
        case SessionMode.AGENT:
            return "The assistant answers again."
