"""What a run emits while it goes on. The final text is the truth; deltas are only its preview."""

from dataclasses import dataclass
from typing import TypeAlias

from agent.records import ToolCall


@dataclass(frozen=True, slots=True, kw_only=True)
class TextDelta:
    """The next piece of the answer."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolStarted:
    """The model asked for a tool, and it is about to run."""

    call_id: str
    name: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolFinished:
    """A tool came back."""

    call: ToolCall


Event: TypeAlias = TextDelta | ToolStarted | ToolFinished
