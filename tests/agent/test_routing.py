"""Who answers where: the first rule that fits."""

import pytest

from agent.ids import AgentId
from agent.routing import Route, Routes, Spot

HELP, SALES, LEGAL = AgentId("help"), AgentId("sales"), AgentId("legal")
ROUTES = Routes(
    default_id=HELP,
    rules=(
        Route(key="routes[0]", agent_id=LEGAL, channel="slack", workspace="T1", conversation="C1"),
        Route(key="routes[1]", agent_id=SALES, channel="slack", conversation="C1"),
        Route(key="routes[2]", agent_id=SALES, channel="widget", site="shop"),
        Route(key="routes[3]", agent_id=LEGAL, channel="api", caller="crm"),
    ),
)


@pytest.mark.parametrize(
    ("spot", "agent_id"),
    [
        (Spot(channel="slack", workspace="T1", conversation="C1"), LEGAL),
        (Spot(channel="slack", workspace="T2", conversation="C1"), SALES),
        (Spot(channel="slack", workspace="T1", conversation="C2"), HELP),
        (Spot(channel="widget", site="shop"), SALES),
        (Spot(channel="widget", site="blog"), HELP),
        (Spot(channel="api", caller="crm"), LEGAL),
        (Spot(channel="api"), HELP),
    ],
)
def test_the_first_rule_that_fits_decides_and_else_the_first_agent(spot: Spot, agent_id: AgentId) -> None:
    """An owner reads the rules from above. Proves: AG-4."""
    assert ROUTES.choose(spot) == agent_id


def test_a_rule_behind_a_wider_one_is_found_to_decide_nothing() -> None:
    """A rule that does nothing is a slip of the pen. Proves: AG-4."""
    wide = Route(key="routes[0]", agent_id=HELP, channel="slack")
    narrow = Route(key="routes[1]", agent_id=SALES, channel="slack", conversation="C1")
    assert list(Routes(default_id=HELP, rules=(wide, narrow)).find_covered()) == [(narrow, wide)]
    assert list(Routes(default_id=HELP, rules=(narrow, wide)).find_covered()) == []
