"""What a terminal keeps of the agent's questions: the buttons under them, as commands."""

from agent.approvals import DECISIONS
from agent.records import JsonObject, JsonValue

COMMANDS = tuple(f"/{name}" for name in DECISIONS)


class OpenAsks:
    """The calls that wait for this person, the oldest first."""

    def __init__(self) -> None:
        self._values: list[str] = []
        self._pressed: dict[str, str] = {}

    def take(self, actions: JsonValue) -> str:
        """Note the buttons of a message; the line that tells how to press them, blank where there are none."""
        rows = [one for one in actions if isinstance(one, dict)] if isinstance(actions, list) else []
        named = [str(one.get("value")) for one in rows if one.get("name") in DECISIONS]
        new = [value for value in dict.fromkeys(named) if value not in self._values]
        self._values += new
        return f"({' or '.join(COMMANDS)}; the oldest question first)" if new else ""

    def is_open(self, value: str) -> bool:
        """Whether nothing was heard of a decision yet."""
        return value in self._values

    def close(self, value: str) -> None:
        """It was decided."""
        if value in self._values:
            self._values.remove(value)

    def refused(self, frame_id: str) -> None:
        """It cannot be decided any more."""
        self.close(self._pressed.pop(frame_id, ""))

    def press(self, command: str, frame_id: str) -> JsonObject | None:
        """The frame for a command; none where nothing is asked."""
        if not self._values:
            return None
        self._pressed[frame_id] = self._values[0]
        return {"type": "action", "id": frame_id, "name": command.removeprefix("/"), "value": self._values[0]}
