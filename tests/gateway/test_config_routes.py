"""`[[routes]]`: who answers where, what is refused, and how `parley routes` tells it."""

from pathlib import Path

import pytest

from agent.routing import Spot
from gateway.command_errors import CommandError
from gateway.route_commands import explain_spot, list_routes
from tests.gateway.configuring import AGENT, SITE, go_to_bare_place, load, refuse

SALES = AGENT.replace('"a"', '"sales"')
LEGAL = AGENT.replace('"a"', '"legal"')


@pytest.fixture(autouse=True)
def bare_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An empty directory and none of our variables."""
    go_to_bare_place(monkeypatch, tmp_path)


def test_routes_come_before_what_a_site_and_slack_say_of_themselves() -> None:
    """One order for all channels, and the site itself is served by who was chosen. Proves: AG-4."""
    found = load(
        AGENT + SALES + LEGAL + '[[routes]]\nagent = "legal"\nconversation = "C0000001"\nworkspace = "T0000001"\n'
        '[[routes]]\nagent = "sales"\nsite = "shop"\n' + SITE + '[slack]\nagent = "sales"\n'
        '[[slack.conversations]]\nid = "C0000001"\nagent = "a"\n[[slack.conversations]]\nid = "C0000002"\n'
    )
    choose = found.routes.choose
    assert found.sites["shop"].agent_id == "sales"
    assert choose(Spot(channel="slack", workspace="T0000001", conversation="C0000001")) == "legal"
    assert choose(Spot(channel="slack", workspace="T0000002", conversation="C0000001")) == "a"
    assert choose(Spot(channel="slack", workspace="T0000002", conversation="C0000002")) == "sales"
    assert choose(Spot(channel="api", caller="operator")) == "a"
    assert list_routes(found.routes).splitlines() == [
        "legal  channel slack, workspace T0000001, conversation C0000001  (routes[0])",
        "sales  channel widget, site shop  (routes[1])",
        "a  channel slack, conversation C0000001  (slack.conversations[0].agent)",
        "sales  channel slack  (slack.agent)",
        "a  everywhere else  (the first agent)",
    ]
    assert explain_spot(found.routes, None, {"conversation": "C0000009"}) == "sales  (slack.agent)"
    assert explain_spot(found.routes, "api", {}) == "a  (no rule fits: the first agent)"
    with pytest.raises(CommandError, match="names of one channel; found slack and widget"):
        explain_spot(found.routes, None, {"site": "shop", "conversation": "C0000009"})


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ('agent = "x"', "routes[0].agent: there is no agent x; expected one of a, sales"),
        ('agent = "sales"\nsite = "gone"', "routes[0].site: there is no site gone; expected one of shop"),
        ('agent = "sales"\ncaller = "gone"', "routes[0].caller: there is no caller gone; expected one of operator"),
        (
            'agent = "sales"\nchannel = "slack"\nsite = "shop"',
            "routes[0].site: expected with the channel widget only; found it with slack",
        ),
        (
            'agent = "sales"\nchannel = "slack"\n[[routes]]\nagent = "a"\nworkspace = "T0000001"',
            "routes[1]: never decides: routes[0] comes first and holds wherever this does",
        ),
        (
            'agent = "a"\nchannel = "widget"\n[[sites]]\nkey = "b"\nagent = "sales"\norigins = ["https://b.example"]',
            "sites[1].agent: never decides: routes[0] comes first and holds wherever this does",
        ),
    ],
)
def test_a_rule_that_can_do_nothing_is_refused_by_name(lines: str, told: str) -> None:
    """Else somebody waits for an agent who never comes. Proves: AG-4."""
    assert refuse(f"{AGENT}{SALES}{SITE}[[routes]]\n{lines}\n") == [told]
