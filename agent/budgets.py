"""What may be spent on the model: caps by person, conversation, channel, site and day, and what one call may cost.

A call may begin while every cap that applies has something left, counting calls that go on with the most they may
cost. So the sum stays below a cap plus one call. Days are those of UTC.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from agent.ids import SessionId, UserId
from agent.ports import Block, ModelRequest, Text, ToolResult
from agent.pricing import MILLION, Price
from agent.records import Usage
from agent.text import estimate_tokens

TOTAL = "total"
WEB = "web:"
"""How the session ids of websites begin; the site's key follows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """Money and tokens, of any kind, together."""

    usd: Decimal
    tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cap:
    """What may be spent in a day; none of a kind: as much as you like."""

    usd: Decimal | None = None
    tokens: int | None = None

    @property
    def is_open(self) -> bool:
        """Whether it forbids nothing."""
        return self.usd is None and self.tokens is None


NO_CAP = Cap()


@dataclass(frozen=True, slots=True, kw_only=True)
class Budgets:
    """The caps of a day: for all together, each known person, each anonymous visitor and each conversation, and by name
    for channels and sites.
    """

    total: Cap = NO_CAP
    user: Cap = NO_CAP
    visitor: Cap = NO_CAP
    conversation: Cap = NO_CAP
    channels: Mapping[str, Cap] = field(default_factory=dict)
    sites: Mapping[str, Cap] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Payer:
    """On whose account a call goes."""

    user_id: UserId | None = None
    is_visitor: bool = False
    session_id: SessionId | None = None
    channel: str | None = None

    @property
    def site(self) -> str | None:
        """The key of the website on which it is, if it is on one."""
        if self.session_id is None or not self.session_id.startswith(WEB):
            return None
        return self.session_id.removeprefix(WEB).partition(":")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What an account paid on a day, and what calls that go on may still cost it."""

    scope: str
    day: date
    spent_usd: Decimal
    spent_tokens: int
    reserved_usd: Decimal
    reserved_tokens: int


def list_scopes(budgets: Budgets, payer: Payer) -> dict[str, Cap]:
    """Every account that pays, with its cap."""
    scopes = {TOTAL: budgets.total}
    if payer.channel is not None:
        scopes[f"channel:{payer.channel}"] = budgets.channels.get(payer.channel, NO_CAP)
    if payer.site is not None:
        scopes[f"site:{payer.site}"] = budgets.sites.get(payer.site, NO_CAP)
    if payer.user_id is not None:
        kind, cap = ("visitor", budgets.visitor) if payer.is_visitor else ("user", budgets.user)
        scopes[f"{kind}:{payer.user_id}"] = cap
    if payer.session_id is not None:
        scopes[f"session:{payer.session_id}"] = budgets.conversation
    return scopes


def estimate_most(request: ModelRequest, price: Price) -> Amount:
    """The most that a call should cost: all of its prompt written to the cache, and the longest answer."""
    return _price_call(price, estimate_prompt(request), request.max_tokens)


def estimate_cut(request: ModelRequest, price: Price, text: str) -> Usage:
    """What a call is taken to have cost that ended after `text`, without a bill."""
    prompt, answer = estimate_prompt(request), estimate_tokens(text)
    return Usage(input_tokens=prompt, output_tokens=answer, cost_usd=_price_call(price, prompt, answer).usd)


def estimate_prompt(request: ModelRequest) -> int:
    """Tokens of a prompt, from its bytes."""
    texts = [block.text for block in request.system]
    texts += [json.dumps([tool.name, tool.description, tool.input_schema]) for tool in request.tools]
    texts += [_text_of(block) for message in request.messages for block in message.blocks]
    return sum(estimate_tokens(text) for text in texts)


def count_tokens(usage: Usage) -> int:
    """Tokens that a budget counts: all that were billed, whatever their price."""
    return usage.context_tokens


def _price_call(price: Price, prompt: int, answer: int) -> Amount:
    if price.above is not None and price.above_tokens is not None and prompt > price.above_tokens:
        price = price.above
    dearest = max(price.input, price.cache_write_1h)
    return Amount(usd=(prompt * dearest + answer * price.output) / MILLION, tokens=prompt + answer)


def _text_of(block: Block) -> str:
    return block.text if isinstance(block, Text | ToolResult) else json.dumps(block.content)
