"""What a call costs. A person who watches a budget must be able to trust the sum."""

from decimal import Decimal

import pytest

from agent.pricing import (
    DEMO_MODEL,
    LIST_PRICES,
    UNKNOWN_MODEL,
    BilledTokens,
    Price,
    bill,
    build_prices,
    find_price,
    price_of,
)

ALL_KINDS = BilledTokens(
    input=1_000_000, output=1_000_000, cache_read=1_000_000, cache_write_5m=1_000_000, cache_write_1h=1_000_000
)


def test_each_kind_of_token_has_its_own_price() -> None:
    """Opus 5: 5 in, 25 out, 0.50 read, 6.25 and 10 written."""
    usage = bill(find_price(LIST_PRICES, "claude-opus-5"), ALL_KINDS)
    assert usage.cost_usd == Decimal("5") + 25 + Decimal("0.50") + Decimal("6.25") + 10
    assert usage.cache_write_tokens == 2_000_000


@pytest.mark.parametrize(
    ("model", "entry"),
    [
        ("claude-opus-5-5", "claude-opus-5-5"),
        ("claude-opus-5-5-20260922", "claude-opus-5-5"),
        ("claude-opus-5-20260724", "claude-opus-5"),
        ("claude-opus-4-20250514", "claude-opus-4"),
        ("claude-opus-4-5-20251101", "claude-opus-4-5"),
        ("claude-sonnet-4-6", "claude-sonnet-4"),
        ("claude-haiku-4-5-20251001", "claude-haiku-4-5"),
    ],
)
def test_the_longest_line_that_fits_is_the_price(model: str, entry: str) -> None:
    """Dated releases share their model's line, and a successor does not get its forerunner's."""
    assert find_price(LIST_PRICES, model) is LIST_PRICES[entry]


def test_an_unknown_model_counts_as_the_dearest() -> None:
    """A budget then ends early rather than late."""
    assert find_price(LIST_PRICES, "llama-9") is UNKNOWN_MODEL
    assert UNKNOWN_MODEL.input == max(price.input for name, price in LIST_PRICES.items() if "-opus-4" not in name)


def test_the_demo_model_is_free() -> None:
    """Nobody is billed for a handful of rules."""
    assert bill(find_price(LIST_PRICES, DEMO_MODEL), ALL_KINDS).cost_usd == 0


def test_a_configuration_may_add_lines_and_replace_them() -> None:
    """Contracts and compatible servers have prices of their own."""
    own: dict[str, Price] = {"llama-": price_of("0.1", "0.2"), "claude-opus-5": price_of("1", "2")}
    prices = build_prices(own)
    assert find_price(prices, "llama-9").output == Decimal("0.2")
    assert find_price(prices, "claude-opus-5-20260724").input == 1
    assert find_price(prices, "claude-opus-5-5").input == 4


@pytest.mark.parametrize(("prompt", "usd"), [(100_000, "0.01"), (100_001, "0.0500005")])
def test_a_long_prompt_has_a_price_of_its_own_where_the_vendor_has_one(prompt: int, usd: str) -> None:
    """Haiku 5.5 costs five times as much over 100,000 tokens, counted with what came from the cache."""
    usage = bill(find_price(LIST_PRICES, "claude-haiku-5-5"), BilledTokens(input=prompt))
    assert usage.cost_usd == Decimal(usd)
