"""Looks where an earlier try at a message stands in its thread."""

from collections.abc import Sequence
from typing import Literal

from adapters.slack.addresses import Address
from adapters.slack.errors import CannotReadError, LimitedError, RefusedError, UnknownError
from adapters.slack.pieces import Piece
from adapters.slack.ports import Posts, WebApi
from adapters.slack.records import object_of, objects_of, text_of
from agent.records import JsonObject

PATIENCE_S = 5.0
LOOK_LIMIT = 200
PAGES_READ = 5
UnknownPolicy = Literal["at_most_once", "at_least_once"]
_NOT_READABLE = frozenset(
    {"missing_scope", "not_in_channel", "channel_not_found", "not_allowed_token_type", "no_permission"}
)


class Standing:
    """What of an answer Slack already shows. `policy` is for where it cannot be looked."""

    def __init__(self, api: WebApi, posts: Posts, policy: UnknownPolicy) -> None:
        self._api = api
        self._posts = posts
        self._policy = policy

    async def look(self, piece: Piece, *, may_miss: bool) -> tuple[str | None, bool]:
        """Where an earlier try stands: by its key, and then it is whole, or as a stream that nobody wrote down.

        `may_miss`: it was only a preview, so that posting anew doubles no answer.
        """
        address = piece.address
        try:
            messages, is_whole = await self._read(address)
        except RefusedError as error:
            if error.code not in _NOT_READABLE:
                raise UnknownError(str(error)) from error
            self._give_up(str(error), may_miss=may_miss)
            return None, False
        except LimitedError as error:
            raise UnknownError(str(error)) from error
        own = [message for message in messages if text_of(message, "bot_id") is not None]
        for message in own:
            metadata = object_of(object_of(message, "metadata"), "event_payload")
            if (metadata.get("key"), metadata.get("part")) == (piece.post_key, piece.part):
                return text_of(message, "ts"), True
        if not is_whole:
            self._give_up("a thread of too many messages", may_miss=may_miss)
            return None, False
        return await self._find_stray(address, own), False

    def _give_up(self, why: str, *, may_miss: bool) -> None:
        """What was not seen may stand there: the owner chose what is worse. Raises `CannotReadError`."""
        if not may_miss and self._policy == "at_most_once":
            raise CannotReadError(why)

    async def _read(self, address: Address) -> tuple[list[JsonObject], bool]:
        """The thread since the question, and whether that is all of it.

        Slack may give 15 messages a call, and one call a minute: then the next page is not to be had by waiting, since
        another try would begin with the first again.
        """
        found: list[JsonObject] = []
        cursor: str | None = None
        for _ in range(PAGES_READ):
            arguments: JsonObject = {
                "channel": address.conversation,
                "ts": address.thread_ts,
                "oldest": address.question_ts,
                "include_all_metadata": True,
                "limit": LOOK_LIMIT,
                **({"cursor": cursor} if cursor else {}),
            }
            try:
                answer = await self._api.call(
                    address.installation, "conversations.replies", arguments, patience_s=PATIENCE_S
                )
            except LimitedError:
                if cursor is None:
                    raise
                return found, False
            found += objects_of(answer, "messages")
            cursor = text_of(object_of(answer, "response_metadata"), "next_cursor")
            if cursor is None:
                return found, answer.get("has_more") is not True
        return found, False

    async def _find_stray(self, address: Address, own: Sequence[JsonObject]) -> str | None:
        """A message without a key that is in nobody's books was begun by a process that died."""
        bare = [str(message.get("ts")) for message in own if not object_of(message, "metadata")]
        bare = [ts for ts in bare if ts > address.question_ts]
        known = await self._posts.filter_known(address.installation, address.conversation, bare) if bare else set()
        return next((ts for ts in bare if ts not in known), None)
