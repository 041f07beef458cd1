"""One message of an answer as it is to stand."""

from dataclasses import dataclass

from adapters.slack.addresses import Address
from agent.records import JsonObject

EVENT_TYPE = "parley_answer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Message `part` of the answer `post_key`."""

    address: Address
    post_key: str
    part: int
    body: str
    is_last: bool

    @property
    def metadata(self) -> JsonObject:
        """By which the message is found again."""
        return {"event_type": EVENT_TYPE, "event_payload": {"key": self.post_key, "part": self.part}}
