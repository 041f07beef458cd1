"""A model that checks every request and keeps the vendor's accounts, for long conversations in little time.

It answers at once, looks something up where it is told to "look up", and condenses by rule: what must be kept.
"""

import re
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

from agent.errors import ContextWindowExceededError
from agent.ports import ModelReply, ModelRequest
from agent.pricing import BilledTokens, bill, price_of
from agent.records import JsonObject, JsonValue, Usage
from agent.speech import MEMORY_HEAD
from gateway.demo.cache import PromptCache, count_prompt
from gateway.demo.checks import parse_request
from gateway.demo.wire import WireRequest, estimate_tokens, text_block, tool_use_block
from gateway.messages_api import render_request
from tests.support.model_steps import last_text

PRICE = price_of("3", "15")
_NUMBERED = re.compile(r"^(\d+)\.(\*?) ([^:\n]*): (.*)$", re.MULTILINE)


@dataclass(slots=True)
class AccountingModel:
    """`agent.ports.Model` and `gateway.ports.ModelSizes`. `summary` is what every summary says, where one is given.

    `billed_before` is the size of the last call before each summary.
    """

    window_tokens: int = 200_000
    summary: JsonValue = None
    requests: list[WireRequest] = field(default_factory=list)
    bills: list[BilledTokens] = field(default_factory=list)
    summarized: list[str] = field(default_factory=list)
    billed_before: list[int] = field(default_factory=list)
    counts: int = 0
    looked_up: str = "x" * 200
    _cache: PromptCache = field(default_factory=PromptCache)
    _calls: int = 0

    @property
    def cache_read_share(self) -> float:
        """Of all prompt tokens, those read from cache."""
        return sum(one.cache_read for one in self.bills) / sum(one.prompt for one in self.bills)

    async def stream(self, request: ModelRequest) -> AsyncGenerator[str | ModelReply, None]:
        """An answer in one piece, or a call of `look_up`. Raises `ContextWindowExceededError`."""
        wire = parse_request(render_request(request))
        self.requests.append(wire)
        content = self._answer(wire)
        used = self._cache.account(wire, sum(estimate_tokens(block) for block in content))
        tokens = BilledTokens(
            input=used.input_tokens,
            output=used.output_tokens,
            cache_read=used.cache_read_tokens,
            cache_write_5m=used.cache_write_5m_tokens,
            cache_write_1h=used.cache_write_1h_tokens,
        )
        if tokens.prompt > self.window_tokens:
            raise ContextWindowExceededError("prompt is too long")
        self.bills.append(tokens)
        if content[0]["type"] == "text":
            yield str(content[0]["text"])
        is_call = content[-1]["type"] == "tool_use"
        yield ModelReply(
            content=tuple(content),
            stop_reason="tool_use" if is_call else "end_turn",
            usage=bill(PRICE, tokens),
            model=request.model,
        )

    def _answer(self, wire: WireRequest) -> list[JsonObject]:
        question = last_text(wire)
        blocks = wire.messages[-1][1]
        if "look up" in question.lower() and blocks[-1]["type"] != "tool_result":
            self._calls += 1
            return [tool_use_block(f"toolu_{self._calls}", "look_up", {"item": question[:40]})]
        return [text_block(f"Noted: {question[:60]}")]

    async def complete_json(self, request: ModelRequest, schema: JsonObject) -> tuple[JsonValue, Usage]:
        """A summary of what is marked, or what the test wants to be one."""
        text = str(render_request(request)["messages"])
        self.summarized.append(text)
        self.billed_before.append(self.bills[-1].prompt + self.bills[-1].output if self.bills else 0)
        if self.summary is not None:
            return self.summary, Usage()
        block = request.messages[0].blocks[0]
        lines = _NUMBERED.findall(getattr(block, "text", "").partition("⟦messages⟧")[2])
        return {
            "decisions": [{"text": said, "evidence": int(n)} for n, must, _, said in lines if must],
            "questions": [],
            "promises": [],
            "facts": [{"text": f"they talked about {len(lines)} things", "evidence": 1}],
            "ended": [],
            "state": "All is well.",
        }, Usage(input_tokens=1)

    async def max_input_tokens(self, model: str) -> int | None:
        """The window."""
        return self.window_tokens

    async def count_tokens(self, request: ModelRequest) -> int | None:
        """As it would be billed."""
        self.counts += 1
        return count_prompt(parse_request(render_request(request)))


def texts_of(request: WireRequest) -> list[str]:
    """The texts of people, summaries and memory blocks, in order."""
    return [str(b["text"]) for role, blocks in request.messages for b in blocks if role == "user" and "text" in b]


def without_memory(texts: list[str]) -> list[str]:
    """All but memory blocks."""
    return [text for text in texts if not text.startswith(MEMORY_HEAD)]
