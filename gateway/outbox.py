"""Posts stored answers, each once: store, post, and look before a second try."""

import time
from collections.abc import Callable, Mapping
from typing import Literal

import structlog

from agent.errors import StoreUnavailableError
from gateway import metrics
from gateway.ports import CannotLookError, Poster, PostError, PostUnknownError
from memory.outbox import VISIBLE_AGAIN_S, Outbox, Post

log = structlog.get_logger(__name__)
ATTEMPTS = 8
UNKNOWN_RETRY_S = 2.0


class Delivery:
    """The outbox's worker. `posters` has one poster per channel; `clock` is monotonic, in seconds."""

    def __init__(
        self, outbox: Outbox, posters: Mapping[str, Poster], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._outbox = outbox
        self._posters = posters
        self._clock = clock

    async def work(self) -> bool:
        """Post the answer that is due, if there is one."""
        asked_at_s = self._clock()
        post = await self._outbox.take(list(self._posters)) if self._posters else None
        if post is not None:
            await self._deliver(post, self._posters[post.channel], asked_at_s)
        return post is not None

    async def next_in(self) -> float | None:
        """Seconds until there may be an answer to post; none when there is none for our channels."""
        return await self._outbox.next_in(list(self._posters)) if self._posters else None

    async def _deliver(self, post: Post, poster: Poster, asked_at_s: float) -> None:
        try:
            posted_as = await self._find(post, poster)
            if posted_as is None:
                words = await self._outbox.load_text(post)
                if words is None:
                    await self._end(post, "failed", note="the text was erased")
                    return
                if self._clock() - asked_at_s > VISIBLE_AGAIN_S / 3:
                    log.warning("post_left_to_others", session_id=post.session_id, seq=post.seq)
                    return  # we were paused: somebody else may have it by now
                posted_as = await poster.post(post.reply_to, words[0], post.post_key, words[1])
        except CannotLookError:
            log.warning("post_unknown", session_id=post.session_id, seq=post.seq, channel=post.channel)
            await self._end(post, "unknown", note="an earlier try may stand there, and nobody may look")
        except PostUnknownError:
            await self._handle_unknown(post, "answer lost", "the channel never said whether it was posted")
        except PostError as error:
            await self._handle_refusal(post, error)
        except StoreUnavailableError:
            raise
        except Exception as error:  # one bad answer must not hold back its thread for ever
            log.exception("post_broke", session_id=post.session_id, seq=post.seq, channel=post.channel)
            note = f"a fault of ours: {type(error).__name__}"
            await self._handle_unknown(post, note, note)
        else:
            await self._end(post, "sent", posted_as=posted_as)

    async def _find(self, post: Post, poster: Poster) -> str | None:
        """Where an earlier try stands. Raises as the poster does, unless its policy is rather to post again."""
        if not post.may_stand:
            return None
        try:
            return await poster.find(post.reply_to, post.post_key)
        except CannotLookError:
            if poster.unknown_policy == "at_least_once":
                return None
            raise

    async def _end(
        self,
        post: Post,
        state: Literal["sent", "unknown", "failed"],
        *,
        posted_as: str | None = None,
        note: str | None = None,
    ) -> None:
        await self._outbox.end(post, state, posted_as=posted_as, note=note)
        metrics.posts.labels(channel=post.channel, end=state).inc()

    async def _handle_unknown(self, post: Post, why: str, why_left: str) -> None:
        if post.attempts >= ATTEMPTS:
            log.warning("post_unknown", session_id=post.session_id, seq=post.seq, channel=post.channel)
            await self._end(post, "unknown", note=why_left)
        else:
            await self._outbox.delay(post, UNKNOWN_RETRY_S * post.attempts, may_stand=True, note=why)

    async def _handle_refusal(self, post: Post, error: PostError) -> None:
        if error.retry_after_s is not None and not error.is_counted:
            await self._outbox.put_off(post, error.retry_after_s, may_stand=post.may_stand, note=str(error))
        elif error.retry_after_s is None or post.attempts >= ATTEMPTS:
            log.error("post_failed", session_id=post.session_id, seq=post.seq, channel=post.channel)
            await self._end(post, "failed", note=str(error))
        else:
            await self._outbox.delay(post, error.retry_after_s, may_stand=post.may_stand, note=str(error))
