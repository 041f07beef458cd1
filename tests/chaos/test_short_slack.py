"""The short form of the run in Slack."""

from memory.embedded.owner import EmbeddedPostgres
from tests.chaos.slack_run import Setting, run_slack


async def test_gateways_that_are_killed_in_slack_lose_nothing_and_double_nothing(
    own_postgres: EmbeddedPostgres,
) -> None:
    """Under each question stands one whole answer, whatever dies, and everything else is kept once. Proves: SL-37."""
    setting = Setting(seed=5, seconds=8.0, events_per_s=20.0, workspaces=3, kill_every_s=2.0)
    outcome = await run_slack(setting, own_postgres)
    assert outcome.breaks == []
    assert outcome.kills > 0
    assert (outcome.events, outcome.questions) == (160, 41), "the seed says what is said"
