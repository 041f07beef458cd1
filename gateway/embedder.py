"""What turns texts into vectors, as an `agent.ports.Embedder`: the owner's function, or a model in this process."""

import asyncio
import inspect
import threading
from collections.abc import Callable, Sequence
from typing import TypeAlias, cast

import structlog

from agent.threads import call_in_thread
from gateway.hooks import EmbedTexts, Vectors

log = structlog.get_logger(__name__)
EMBED_S = 5.0
"""A search that waits longer does without."""
Encode: TypeAlias = Callable[[Sequence[str], Callable[[], bool]], Vectors | None]
"""Vectors for texts; none once the second argument says that nobody waits for them any more."""


class HookEmbedder:
    """Calls a plain function in a thread of its own; one that fails, or takes too long, is logged and does no harm."""

    def __init__(self, embed_texts: EmbedTexts) -> None:
        self._embed_texts = embed_texts

    async def embed(self, texts: Sequence[str]) -> Vectors | None:
        """One vector per text; none where the function failed."""
        try:
            async with asyncio.timeout(EMBED_S):
                if inspect.iscoroutinefunction(self._embed_texts):
                    vectors = await self._embed_texts([*texts])
                else:
                    vectors = await call_in_thread(lambda: self._embed_texts([*texts]))
            return [[float(value) for value in vector] for vector in cast("Vectors", vectors)]
        except Exception as error:  # noqa: BLE001  a hook is anybody's code, and its fault must not cost a search
            log.error("hook_failed", hook="embed_texts", error=type(error).__name__)
            return None


class ModelEmbedder:
    """Runs a model of this process in a thread, for one search at a time, so that the others of its cores are free."""

    def __init__(self, encode: Encode) -> None:
        self._encode = encode
        self._turn = asyncio.Lock()

    async def embed(self, texts: Sequence[str]) -> Vectors | None:
        """One vector per text; none where it takes too long, and then the work that was begun ends soon."""
        given_up = threading.Event()
        try:
            async with asyncio.timeout(EMBED_S), self._turn:
                return cast("Vectors | None", await call_in_thread(lambda: self._encode([*texts], given_up.is_set)))
        except TimeoutError:
            log.warning("embedding_timed_out", texts=len(texts))
            return None
        finally:
            given_up.set()
