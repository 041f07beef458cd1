"""What the gateway asks of others: a bus between processes, and channels where it has to go to the people."""

from collections.abc import Callable, Sequence
from typing import Literal, Protocol, runtime_checkable

from agent.asks import Ask
from agent.ids import WorkerId
from agent.ports import ModelRequest
from agent.records import JsonObject


class Bus(Protocol):
    """Carries short texts between the processes of one database. May lose any of them; keeps the order of the rest."""

    def subscribe(self, on_frame: Callable[[str], None]) -> None:
        """Give what comes in to `on_frame`, one's own broadcasts among it."""
        ...

    def send(self, to: WorkerId | None, frame: str) -> None:
        """Send under 8,000 bytes to a process, or to everybody. Never waits."""
        ...

    async def run(self) -> None:
        """Carry, until cancelled."""
        ...


class PostError(Exception):
    """A post was refused and does not stand there. `retry_after_s` is none when trying again is useless.

    A try that `is_counted` may be the last one. One that only has to wait, for its turn or for a token, is not.
    """

    def __init__(self, message: str, *, retry_after_s: float | None, is_counted: bool = True) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
        self.is_counted = is_counted


class PostUnknownError(Exception):
    """Nobody knows whether the post stands there: its answer was lost."""


class CannotLookError(Exception):
    """The channel does not let us read back what was posted."""


@runtime_checkable
class ModelSizes(Protocol):
    """What a model's server tells about sizes, where it does."""

    async def max_input_tokens(self, model: str) -> int | None:
        """The model's context window; none where the server does not say."""
        ...

    async def count_tokens(self, request: ModelRequest) -> int | None:
        """The exact tokens of a request's prompt; none where the server does not say."""
        ...


UnknownPolicy = Literal["at_most_once", "at_least_once"]
"""Where one cannot look whether an earlier try stands there: rather leave it, or rather post again."""


class Poster(Protocol):
    """A channel's own way to say something and to look whether it was said. A call takes at most ten seconds."""

    unknown_policy: UnknownPolicy

    async def post(self, reply_to: JsonObject, text: str, post_key: str, asks: Sequence[Ask] = ()) -> str:
        """Say `text` where `reply_to` says, marked with `post_key`. Returns the channel's name for the post.

        The person who is asked for approval can give it there, where the channel has a way.

        Raises `PostError` and `PostUnknownError`.
        """
        ...

    def follow_up(self, reply_to: JsonObject, name: str) -> JsonObject:
        """Where another answer in the same place is posted; `name` is unique there."""
        ...

    async def find(self, reply_to: JsonObject, post_key: str) -> str | None:
        """The channel's name for the post marked with `post_key`, if it stands there.

        Raises `CannotLookError` where that is not allowed, and `PostUnknownError` when it did not work this time.
        """
        ...
