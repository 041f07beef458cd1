"""Where an answer belongs: kept with its task, and read again by whoever posts it."""

from dataclasses import dataclass

from adapters.slack.places import message_key
from adapters.slack.records import Said, text_of
from agent.ids import SessionId
from agent.records import JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A thread, the question that is answered in it, and the person who asked.

    `is_beside`: it is not the agent's answer that is to stand there, but what the team or the gateway says.
    """

    session_id: SessionId
    question: str
    installation: str
    conversation: str
    thread_ts: str
    question_ts: str
    team: str
    user: str
    is_beside: bool = False

    @property
    def key(self) -> tuple[SessionId, str]:
        """The answer's own name."""
        return self.session_id, self.question

    def to_json(self) -> JsonObject:
        """As it is kept."""
        return {name: getattr(self, name) for name in _KEPT}


_KEPT = tuple(name for name in Address.__dataclass_fields__ if name != "is_beside")


def read_address(value: JsonObject, post_key: str) -> Address:
    """An address that was kept, for a post. What is said beside an answer stands in its thread under its own name."""
    if is_beside := isinstance(beside := value.get("beside"), dict):
        value = {**beside, "question": post_key}
    fields = {name: text_of(value, name) or "" for name in _KEPT}
    return Address(**{**fields, "session_id": SessionId(fields["session_id"])}, is_beside=is_beside)  # type: ignore[arg-type]


def follow_up(value: JsonObject, name: str) -> JsonObject:
    """The address of another answer in the same place."""
    return {**value, "question": name}


def address_of(
    said: Said, session_id: SessionId, question: str | None = None, asker: tuple[str, str] | None = None
) -> Address:
    """Where a message is answered: always in its thread. `asker` (home, user) is its author unless told otherwise."""
    home, user = asker or (said.home, said.user or "")
    return Address(
        session_id=session_id,
        question=question or message_key(said),
        installation=said.origin.installation,
        conversation=said.conversation,
        thread_ts=said.root,
        question_ts=said.ts,
        team=home if home.startswith("T") else said.origin.team,
        user=user,
    )
