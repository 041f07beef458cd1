"""The commands under `parley slack`. What they need is imported when they run."""

import click

from gateway.cli_settings import load_settings_quietly


@click.group()
def slack() -> None:
    """Where the Slack app is installed. (`parley dev slack` starts a Slack of your own.)"""


@slack.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def installations(*, as_json: bool) -> None:
    """List the workspaces and organisations that installed the app, those that removed it last; no token is shown."""
    from gateway.slack_installed import list_installed

    click.echo(list_installed(load_settings_quietly(), as_json=as_json))
