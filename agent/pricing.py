"""What a model call costs, from the tokens the vendor billed. Prices are in US dollars per million tokens.

The table goes by the beginning of the model's name; the longest entry that fits wins, so that `claude-opus-5-5` and
its dated releases share one line. A configuration may add lines or replace them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TypeAlias

from agent.records import Usage

MILLION = Decimal(1_000_000)
DEMO_MODEL = "parley-demo"


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """US dollars per million tokens. `above` holds for a whole call whose prompt is over `above_tokens` tokens."""

    input: Decimal
    output: Decimal
    cache_read: Decimal
    cache_write_5m: Decimal
    cache_write_1h: Decimal
    above_tokens: int | None = None
    above: "Price | None" = None


Prices: TypeAlias = Mapping[str, Price]
"""By the beginning of the model's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BilledTokens:
    """What one call used, with the two kinds of cache writes told apart, since they differ in price."""

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write_5m: int = 0
    cache_write_1h: int = 0

    @property
    def prompt(self) -> int:
        """All tokens of the prompt, cached or not."""
        return self.input + self.cache_read + self.cache_write_5m + self.cache_write_1h


def price_of(input_usd: str, output_usd: str, *, cache_read: str = "0.1") -> Price:
    """A price from the two list prices. Writing to the cache costs 1.25 and 2 times the input price, as it does for
    every model so far; reading it costs `cache_read` times the input price.
    """
    base = Decimal(input_usd)
    return Price(
        input=base,
        output=Decimal(output_usd),
        cache_read=base * Decimal(cache_read),
        cache_write_5m=base * Decimal("1.25"),
        cache_write_1h=base * 2,
    )


UNKNOWN_MODEL = price_of("10", "50")
"""A model that no line fits counts as the dearest of today, so that a budget ends early rather than late."""

LIST_PRICES: Prices = {
    DEMO_MODEL: price_of("0", "0"),
    "claude-fable-5": price_of("10", "50"),
    "claude-fable-5-1": price_of("10", "50", cache_read="0.025"),
    "claude-fable-5-2": price_of("10", "50", cache_read="0.025"),
    "claude-mythos-5": price_of("10", "50"),
    "claude-mythos-5-1": price_of("10", "50", cache_read="0.025"),
    "claude-mythos-5-2": price_of("10", "50", cache_read="0.025"),
    "claude-opus-4": price_of("15", "75"),
    "claude-opus-4-5": price_of("5", "25"),
    "claude-opus-4-6": price_of("5", "25"),
    "claude-opus-4-7": price_of("5", "25"),
    "claude-opus-4-8": price_of("5", "25"),
    "claude-opus-5": price_of("5", "25"),
    "claude-opus-5-5": price_of("4", "20", cache_read="0.05"),
    "claude-sonnet-4": price_of("3", "15"),
    "claude-sonnet-5": price_of("2", "10"),
    "claude-sonnet-5-5": price_of("2", "10", cache_read="0.05"),
    "claude-haiku-4-5": price_of("1", "5"),
    "claude-haiku-5-5": replace(price_of("0.10", "0.50"), above_tokens=100_000, above=price_of("0.50", "2.50")),
}
"""The vendor's list prices in late 2026; where a release had none yet, those of the one before it."""


def build_prices(own: Prices) -> Prices:
    """The list prices with a configuration's own lines over them."""
    return {**LIST_PRICES, **own}


def find_price(prices: Prices, model: str) -> Price:
    """The price of a model; `UNKNOWN_MODEL` when no line fits."""
    fitting = [name for name in prices if model.startswith(name)]
    return prices[max(fitting, key=len)] if fitting else UNKNOWN_MODEL


def bill(price: Price, tokens: BilledTokens) -> Usage:
    """The usage record of one call, with its cost."""
    if price.above is not None and price.above_tokens is not None and tokens.prompt > price.above_tokens:
        price = price.above
    cost = (
        tokens.input * price.input
        + tokens.output * price.output
        + tokens.cache_read * price.cache_read
        + tokens.cache_write_5m * price.cache_write_5m
        + tokens.cache_write_1h * price.cache_write_1h
    )
    return Usage(
        input_tokens=tokens.input,
        output_tokens=tokens.output,
        cache_read_tokens=tokens.cache_read,
        cache_write_tokens=tokens.cache_write_5m + tokens.cache_write_1h,
        cost_usd=cost / MILLION,
    )
