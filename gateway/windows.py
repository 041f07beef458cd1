"""How large models' windows are, and the exact size of a request where that is worth a question."""

import time
from collections import OrderedDict
from collections.abc import Mapping

import structlog

from agent.compaction import CompactionRules
from agent.ids import SessionId
from agent.ports import ModelRequest
from gateway import metrics
from gateway.ports import ModelSizes

log = structlog.get_logger(__name__)
UNKNOWN_WINDOW_TOKENS = 200_000
"""Of a model whose server does not say."""
SMALL_TOKENS = 16_000
"""What is smaller fits every window that is not configured: nobody is asked about it."""
ASK_AGAIN_S = 300.0
TURNS_BETWEEN_COUNTS = 20
KNOWN_SESSIONS = 10_000


class Windows:
    """What one process knows of its models' windows. `needed`: what each has to be larger than, by model."""

    def __init__(self, sizes: ModelSizes | None, needed: Mapping[str, int] | None = None) -> None:
        self._sizes = sizes
        self._needed = needed or {}
        self._known: dict[str, int] = {}
        self._unknown: dict[str, float] = {}
        self._turns: OrderedDict[SessionId, int] = OrderedDict()

    async def limit_tokens(self, rules: CompactionRules, model: str, size_tokens: int) -> int:
        """When a compaction is due; of a small size it is only known that it is not reached."""
        if rules.window_tokens is None and size_tokens < min(SMALL_TOKENS, rules.cap_tokens // 2):
            return rules.cap_tokens
        return rules.limit_tokens(rules.window_tokens or await self._find(model))

    async def _find(self, model: str) -> int:
        if model in self._known:
            return self._known[model]
        if self._sizes is None or time.monotonic() < self._unknown.get(model, 0.0):
            return UNKNOWN_WINDOW_TOKENS
        window = await self._sizes.max_input_tokens(model)
        if window is None:
            self._unknown[model] = time.monotonic() + ASK_AGAIN_S
            return UNKNOWN_WINDOW_TOKENS
        self._known[model] = window
        if window <= (needed := self._needed.get(model, 0)):
            log.error("window_too_small", model=model, window_tokens=window, needed_tokens=needed)
        return window

    async def count(self, session_id: SessionId, request: ModelRequest) -> int | None:
        """The exact size; none where a request of this session was counted less than twenty turns ago."""
        turns = self._turns.get(session_id)
        self._turns[session_id] = 0 if turns is None or turns >= TURNS_BETWEEN_COUNTS else turns + 1
        self._turns.move_to_end(session_id)
        if len(self._turns) > KNOWN_SESSIONS:
            self._turns.popitem(last=False)
        if self._sizes is None or self._turns[session_id]:
            return None
        metrics.counted.inc()
        return await self._sizes.count_tokens(request)
