"""One message of an answer as it is to stand."""

from dataclasses import dataclass

from adapters.slack.addresses import Address
from adapters.slack.ask_blocks import build_asks
from adapters.slack.blocks import build_feedback
from agent.asks import Ask
from agent.records import JsonObject, JsonValue

EVENT_TYPE = "parley_answer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Message `part` of the answer `post_key`; the last one has its buttons: for `asks`, or else for feedback.

    Nobody is asked what they think of what the team says.
    """

    address: Address
    post_key: str
    part: int
    body: str
    is_last: bool
    asks: tuple[Ask, ...] = ()

    @property
    def metadata(self) -> JsonObject:
        """By which the message is found again."""
        return {"event_type": EVENT_TYPE, "event_payload": {"key": self.post_key, "part": self.part}}

    @property
    def buttons(self) -> list[JsonValue]:
        """The blocks under its words."""
        if not self.is_last:
            return []
        if self.asks:
            return build_asks(self.asks, self.post_key)
        return [] if self.address.is_beside else build_feedback(self.post_key)
