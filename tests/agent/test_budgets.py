"""Which accounts pay for a call, and what it may cost at most."""

from decimal import Decimal

from agent.budgets import Budgets, Cap, Payer, estimate_cut, estimate_most, estimate_prompt, list_scopes
from agent.ids import SessionId, UserId
from agent.pricing import BilledTokens, bill, build_prices, find_price, price_of
from tests.support.model_calls import ask, tool

ONE = Cap(usd=Decimal(1))
TWO = Cap(tokens=2)


def test_a_visitor_of_a_website_pays_from_every_account_that_they_touch() -> None:
    """One visitor, one conversation, one site and the whole gateway each have to hold. Proves: AG-5."""
    budgets = Budgets(total=ONE, visitor=TWO, user=ONE, sites={"shop": TWO}, channels={"widget": ONE})
    payer = Payer(user_id=UserId("u1"), is_visitor=True, session_id=SessionId("web:shop:~x:1"), channel="widget")
    assert list_scopes(budgets, payer) == {
        "total": ONE,
        "channel:widget": ONE,
        "site:shop": TWO,
        "visitor:u1": TWO,
        "session:web:shop:~x:1": Cap(),
    }


def test_a_person_who_is_known_pays_as_a_user_and_slack_is_no_site() -> None:
    """Who signed in may be worth more to the owner than a stranger. Proves: AG-5."""
    payer = Payer(user_id=UserId("u1"), session_id=SessionId("slack:T:C:1"), channel="slack")
    assert list(list_scopes(Budgets(), payer)) == ["total", "channel:slack", "user:u1", "session:slack:T:C:1"]


def test_what_is_nobodys_in_particular_is_paid_by_the_gateway_as_a_whole() -> None:
    """A cap that some calls pass by is none."""
    assert list(list_scopes(Budgets(), Payer())) == ["total"]


def test_the_most_a_call_may_cost_is_not_less_than_any_bill_for_it() -> None:
    """A reservation that is too small lets the sum grow past its cap. Proves: AG-5."""
    price = find_price(build_prices({}), "claude-sonnet-5-5")
    request = ask("word " * 2_000, tools=[tool("look", where={"type": "string"})], max_tokens=500)
    most, prompt = estimate_most(request, price), estimate_prompt(request)
    for tokens in (
        BilledTokens(input=prompt, output=500),
        BilledTokens(cache_write_1h=prompt, output=500),
        BilledTokens(cache_read=prompt, cache_write_5m=0, output=500),
    ):
        assert bill(price, tokens).cost_usd <= most.usd
    assert most.tokens == prompt + 500


def test_a_prompt_above_a_models_threshold_is_reserved_at_the_price_above_it() -> None:
    """Long prompts cost some models' callers several times as much."""
    cheap = find_price(build_prices({}), "claude-haiku-5-5")
    long = estimate_most(ask("x" * 600_000, max_tokens=1), cheap)
    assert long.usd > Decimal("0.1")


def test_a_call_that_was_cut_is_taken_to_have_cost_its_prompt_and_what_was_said() -> None:
    """The vendor bills it, and tells nobody how much."""
    request, price = ask("hello " * 100), price_of("1", "10")
    silent, spoken = estimate_cut(request, price, ""), estimate_cut(request, price, "a" * 3_000)
    assert silent.cost_usd > 0
    assert spoken.output_tokens == 1_000
    assert spoken.cost_usd - silent.cost_usd == Decimal("0.01")
