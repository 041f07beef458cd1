"""The owner's function that turns texts into vectors, as an `agent.ports.Embedder`."""

import asyncio
import inspect
from collections.abc import Sequence
from typing import cast

import structlog

from agent.threads import call_in_thread
from gateway.hooks import EmbedTexts, Vectors

log = structlog.get_logger(__name__)
EMBED_S = 5.0
"""A search that waits longer does without."""


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
