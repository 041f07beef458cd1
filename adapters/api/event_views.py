"""What the events of a stream carry."""

from collections.abc import Mapping
from typing import Literal

from adapters.api.session_views import MessageView
from adapters.api.views import AcceptedView, ErrorView, TaskView, View
from agent.handoffs import SessionMode
from agent.records import RunState


class RunEvent(View):
    """A stream's `run` event: what the run is doing now. `label` is a short text for people, such as a tool's title."""

    run_id: str
    state: RunState
    label: str | None = None


class DeltaEvent(View):
    """A stream's `delta` event: a piece of the answer at `offset` (in UTF-16 code units).

    One with offset 0 starts the text over. Deltas are not durable: the `message` event is the truth.
    """

    run_id: str
    offset: int
    text: str


class HandoffEvent(View):
    """A stream's `handoff` event: who answers from now on, where the run asked for a person of the team."""

    mode: SessionMode


EventName = Literal["accepted", "run", "handoff", "delta", "message", "done", "error"]

EVENTS: Mapping[EventName, type[View]] = {
    "accepted": AcceptedView,
    "run": RunEvent,
    "handoff": HandoffEvent,
    "delta": DeltaEvent,
    "message": MessageView,
    "done": TaskView,
    "error": ErrorView,
}
"""What each event of a stream carries as its data."""
