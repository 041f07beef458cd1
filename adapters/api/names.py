"""What names callers may give to sessions, tasks and keys."""

from agent.ids import SessionId, TaskId

NAME_LIMIT = 200
NAME_PATTERN = "^[!-~]{1,200}$"
"""The same as `is_name`, for the description of the API."""


def is_name(text: str) -> bool:
    """Whether a text is 1 to 200 printable ASCII characters without a space."""
    return 1 <= len(text) <= NAME_LIMIT and all("!" <= c <= "~" for c in text)


def is_key(text: str) -> bool:
    """Whether a text can be an idempotency key: 1 to 200 printable ASCII characters, spaces among them."""
    return 1 <= len(text) <= NAME_LIMIT and all(" " <= c <= "~" for c in text)


def session_id_of(text: str) -> SessionId | None:
    """The session id that a text is; none when no session can have it."""
    return SessionId(text) if is_name(text) else None


def task_id_of(text: str) -> TaskId | None:
    """The task id that a text is; none when no task can have it."""
    return TaskId(text) if is_name(text) else None


def is_user_id(text: str) -> bool:
    """Whether a user can have that id: as in `user_details.id`, 1 to 200 printable characters."""
    return 1 <= len(text) <= NAME_LIMIT and text.isprintable() and text == text.strip()
