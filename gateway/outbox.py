"""Posts stored answers, each once: store, post, and look before a second try."""

import structlog

from gateway.ports import Poster, PostError, PostUnknownError
from memory.outbox import Outbox, Post

log = structlog.get_logger(__name__)
ATTEMPTS = 8
UNKNOWN_RETRY_S = 2.0


class Delivery:
    """The outbox's worker. `posters` has one poster per channel."""

    def __init__(self, outbox: Outbox, posters: dict[str, Poster]) -> None:
        self._outbox = outbox
        self._posters = posters

    async def work(self) -> bool:
        """Post the answer that is due, if there is one."""
        post = await self._outbox.take(list(self._posters)) if self._posters else None
        if post is not None:
            await self._deliver(post, self._posters[post.channel])
        return post is not None

    async def _deliver(self, post: Post, poster: Poster) -> None:
        try:
            posted_as = await poster.find(post.reply_to, post.post_key) if post.may_stand else None
            if posted_as is None:
                text = await self._outbox.load_text(post)
                if text is None:
                    await self._outbox.end(post, "failed", note="the text was erased")
                    return
                posted_as = await poster.post(post.reply_to, text, post.post_key)
        except PostUnknownError:
            await self._handle_unknown(post)
        except PostError as error:
            await self._handle_refusal(post, error)
        else:
            await self._outbox.end(post, "sent", posted_as=posted_as)

    async def _handle_unknown(self, post: Post) -> None:
        if post.may_stand and post.attempts >= ATTEMPTS:
            log.warning("post_unknown", session_id=post.session_id, seq=post.seq, channel=post.channel)
            await self._outbox.end(post, "unknown", note="the channel never said whether it was posted")
        else:
            await self._outbox.delay(post, UNKNOWN_RETRY_S * post.attempts, may_stand=True, note="answer lost")

    async def _handle_refusal(self, post: Post, error: PostError) -> None:
        if error.retry_after_s is None or post.attempts >= ATTEMPTS:
            log.error("post_failed", session_id=post.session_id, seq=post.seq, channel=post.channel)
            await self._outbox.end(post, "failed", note=str(error))
        else:
            await self._outbox.delay(post, error.retry_after_s, may_stand=False, note=str(error))
