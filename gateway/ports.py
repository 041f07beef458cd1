"""What the gateway asks of a channel where it has to go to the people with an answer."""

from typing import Protocol

from agent.records import JsonObject


class PostError(Exception):
    """A post was refused and does not stand there. `retry_after_s` is none when trying again is useless."""

    def __init__(self, message: str, *, retry_after_s: float | None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class PostUnknownError(Exception):
    """Nobody knows whether the post stands there: its answer was lost."""


class Poster(Protocol):
    """A channel's own way to say something and to look whether it was said."""

    async def post(self, reply_to: JsonObject, text: str, post_key: str) -> str:
        """Say `text` where `reply_to` says, marked with `post_key`. Returns the channel's name for the post.

        Raises `PostError` and `PostUnknownError`.
        """
        ...

    async def find(self, reply_to: JsonObject, post_key: str) -> str | None:
        """The channel's name for the post marked with `post_key`, if it stands there.

        Raises `PostUnknownError` where one cannot look.
        """
        ...
