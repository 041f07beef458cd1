"""Posts the stored answer, once, whole: into the messages that previewed it where there are some, else as new ones.

Each message is written down before the call that makes it, so whoever tries again knows where to look.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TypeAlias
from weakref import WeakValueDictionary

import structlog

from adapters.slack.addresses import Address, read_address
from adapters.slack.drafts import QUIET, Draft, render_words
from adapters.slack.errors import LimitedError, RefusedError, SlackError, UnknownError
from adapters.slack.ladder import Card, Shown
from adapters.slack.outward import render_text
from adapters.slack.pieces import Piece
from adapters.slack.ports import Part, Posts, WebApi
from adapters.slack.previews import Previews
from adapters.slack.records import text_of
from adapters.slack.splitting import split
from adapters.slack.standing import Standing, UnknownPolicy
from agent.asks import Ask
from agent.ids import SessionId
from agent.records import JsonObject, JsonValue

log = structlog.get_logger(__name__)
PATIENCE_S = 5.0
POST_S = 12.0
"""After so long the rest is left to another try: after half a minute another process would begin one."""
PAUSE_S = 5.0
HELD_S = 3.0
HELD_LOOK_S = 0.1
TEXT_LIMIT = 3_900
"""Characters that `chat.update` takes beside blocks."""
WITHDRAWN = "withdrawn"
_Preview: TypeAlias = tuple[Shown | None, Sequence[Card]]
"""A part as it is shown, and the cards in it that still go on."""


class Answers:
    """The way of a final answer into its thread. Raises `SlackError` in one of its kinds; then it is tried again."""

    def __init__(
        self,
        api: WebApi,
        posts: Posts,
        previews: Previews,
        policy: UnknownPolicy = "at_most_once",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._api = api
        self._posts = posts
        self._previews = previews
        self._standing = Standing(api, posts, policy)
        self._turns: WeakValueDictionary[SessionId, asyncio.Lock] = WeakValueDictionary()

    async def find(self, reply_to: JsonObject, post_key: str) -> str | None:
        """The first message of an answer that stands there whole."""
        address = read_address(reply_to, post_key)
        parts = await self._posts.load_parts(*address.key)
        if _is_withdrawn(parts):
            return WITHDRAWN
        return next((part[1] for part in parts), None) if any(part[2] == "last" for part in parts) else None

    async def post(self, reply_to: JsonObject, text: str, post_key: str, asks: Sequence[Ask] = ()) -> str:
        """Make the thread show the answer, after the thread's earlier ones. Returns the ts of its first message."""
        address = read_address(reply_to, post_key)
        lock = self._turns.setdefault(address.session_id, asyncio.Lock())
        try:
            async with asyncio.timeout(PATIENCE_S):
                await lock.acquire()
        except TimeoutError:
            raise LimitedError("an earlier answer of this thread", PATIENCE_S) from None
        try:
            return await self._post(address, text, post_key, tuple(asks))
        finally:
            lock.release()

    async def _post(self, address: Address, text: str, post_key: str, asks: tuple[Ask, ...]) -> str:
        draft = await self._previews.hand_over(address.key)
        deadline_s = self._clock() + POST_S
        stored = await self._load_free(address)
        if _is_withdrawn(stored):
            return WITHDRAWN
        known: dict[int, Part] = {part[0]: part for part in stored}
        bodies = split(render_text(text))
        posted: list[str] = []
        for part, body in enumerate(bodies):
            piece = Piece(
                address=address, post_key=post_key, part=part, body=body, is_last=part == len(bodies) - 1, asks=asks
            )
            if self._clock() > deadline_s:
                raise LimitedError("an answer of many messages", 0.5)
            posted.append(await self._post_part(piece, known.get(part), _shown(draft, part)))
        await self._remove_rest(address, [ts for part, ts, *_ in stored if part >= len(bodies)], len(bodies))
        await self._previews.end_status(address, draft)
        return posted[0]

    async def _load_free(self, address: Address) -> Sequence[Part]:
        """What stands of an answer, once no other process writes its preview any more."""
        deadline_s = self._clock() + HELD_S
        while True:
            stored = await self._posts.load_parts(*address.key)
            if not any(is_held for *_, is_held in stored) or _is_withdrawn(stored):
                return stored
            if self._clock() >= deadline_s:
                raise LimitedError("a preview that another process writes", HELD_S)
            await asyncio.sleep(HELD_LOOK_S)

    async def _post_part(self, piece: Piece, known: Part | None, shown: _Preview) -> str:
        _, ts, state, _ = known or (piece.part, None, None, False)
        if ts is not None and state in {"final", "last"}:
            return ts
        is_whole = False
        if known is not None and ts is None:
            ts, is_whole = await self._standing.look(piece, may_miss=state == "draft")
        if ts is not None and not is_whole:
            ts = await self._put_in_place(piece, ts, *shown)
        elif ts is None:
            asked_at_s = self._clock()
            if not await self._begin(piece):
                raise LimitedError("a preview that is shown by now", HELD_LOOK_S)
            if self._clock() - asked_at_s > PAUSE_S:  # we were paused: somebody else may be posting it by now
                raise UnknownError("a pause before a post")
            ts = await self._make(piece)
        await self._posts.set_part(
            *piece.address.key, piece.part, ts=ts, state="last" if piece.is_last else "final", post_key=piece.post_key
        )
        return ts

    async def _begin(self, piece: Piece) -> bool:
        """A trace of the post that is tried now, in place of a preview's where there was one. False: it is shown."""
        is_new = await self._posts.begin_part(
            *piece.address.key,
            piece.part,
            installation=piece.address.installation,
            conversation=piece.address.conversation,
            state="posting",
            post_key=piece.post_key,
        )
        return is_new or await self._posts.take_part(*piece.address.key, piece.part, post_key=piece.post_key)

    async def _make(self, piece: Piece) -> str:
        """A new message. When Slack says that it was not made, nothing needs to be looked for later."""
        place: JsonObject = {
            "channel": piece.address.conversation,
            "thread_ts": piece.address.thread_ts,
            "metadata": piece.metadata,
            **QUIET,
        }
        try:
            answer = await self._say("chat.postMessage", place, piece)
        except (RefusedError, LimitedError):
            await self._posts.drop_part(*piece.address.key, piece.part)
            raise
        return text_of(answer, "ts") or ""

    async def _say(self, method: str, place: JsonObject, piece: Piece) -> JsonObject:
        """With its buttons where Slack takes them, else without."""
        where = piece.address.installation
        if piece.is_last and piece.buttons and (piece.asks or len(piece.body) <= TEXT_LIMIT):
            blocks: list[JsonValue] = [{"type": "markdown", "text": piece.body}, *piece.buttons]
            words: JsonObject = {"text": piece.body[:TEXT_LIMIT], "blocks": blocks}
            try:
                return await self._api.call(where, method, {**place, **words}, patience_s=PATIENCE_S)
            except RefusedError as error:
                if "block" not in error.code:
                    raise
        return await self._api.call(where, method, {**place, "markdown_text": piece.body}, patience_s=PATIENCE_S)

    async def _put_in_place(self, piece: Piece, ts: str, shown: Shown | None, cards: Sequence[Card]) -> str:
        """Make a message that stands there the final one, whatever it shows now. Returns the ts of the one that is."""
        if shown is not None and shown.is_streaming and piece.body.startswith(shown.sent):
            if await self._stop_stream(piece, ts, piece.body[len(shown.sent) :], cards):
                return ts
        elif shown is None or shown.is_streaming:
            await self._stop_stream(piece, ts, None)
        place: JsonObject = {"channel": piece.address.conversation, "ts": ts, "metadata": piece.metadata}
        try:
            await self._say("chat.update", place, piece)
        except RefusedError as error:
            if error.code == "streaming_state_conflict":  # its end was lost or refused: try again
                raise UnknownError(str(error)) from error
            if error.code not in {"message_not_found", "cant_update_message", "edit_window_closed"}:
                raise
            await self._api_delete(piece.address, ts)
            return await self._make(piece)
        return ts

    async def _stop_stream(self, piece: Piece, ts: str, rest: str | None, cards: Sequence[Card] = ()) -> bool:
        """End a stream, with the rest of its text where that is known. False: it has to be written anew."""
        arguments: JsonObject = {"channel": piece.address.conversation, "ts": ts}
        if rest is not None:
            is_over = piece.is_last and not self._previews.is_busy(piece.address)
            arguments |= {"metadata": piece.metadata, "session_status": "active" if is_over else "processing"}
            is_held = bool(piece.asks)
            arguments |= render_words(rest, [replace(card, is_done=not is_held, is_waiting=is_held) for card in cards])
            if piece.is_last:
                arguments["blocks"] = piece.buttons
        try:
            await self._api.call(piece.address.installation, "chat.stopStream", arguments, patience_s=PATIENCE_S)
        except (RefusedError, UnknownError) as error:
            log.info("slack_stream_not_ended", error=str(error))
            return False
        return rest is not None

    async def _remove_rest(self, address: Address, rest: Sequence[str | None], first: int) -> None:
        """A preview that was longer than the answer."""
        for part, ts in enumerate(rest, first):
            if ts is not None:
                await self._api_stop(address, ts)
                await self._api_delete(address, ts)
            await self._posts.drop_part(*address.key, part)

    async def _api_stop(self, address: Address, ts: str) -> None:
        """An open stream can neither be rewritten nor removed."""
        with suppress(SlackError):
            await self._call_about(address, "chat.stopStream", ts)

    async def _api_delete(self, address: Address, ts: str) -> None:
        try:
            await self._call_about(address, "chat.delete", ts)
        except SlackError as error:
            log.warning("slack_message_not_removed", error=str(error))

    async def _call_about(self, address: Address, method: str, ts: str) -> None:
        place: JsonObject = {"channel": address.conversation, "ts": ts}
        await self._api.call(address.installation, method, place, patience_s=PATIENCE_S)

    async def withdraw(self, address: Address) -> None:
        """The answer is not wanted any more: what is shown of it goes, and nothing of it is posted later."""
        await self._previews.hand_over(address.key)
        parts = await self._posts.withdraw(
            *address.key, installation=address.installation, conversation=address.conversation
        )
        for part, ts, state, _ in parts:
            if part >= 0 and ts is not None and state == "draft":
                await self._api_stop(address, ts)
                await self._api_delete(address, ts)


def _is_withdrawn(parts: Sequence[Part]) -> bool:
    return any(part < 0 for part, *_ in parts)


def _shown(draft: Draft | None, part: int) -> _Preview:
    """A part as it is shown, and the cards in it that still go on."""
    if draft is None or part >= len(draft.ladder.shown):
        return None, ()
    return draft.ladder.shown[part], draft.ladder.open_cards
