"""The command `parley routes`. What it needs is imported when it runs."""

import click

from gateway.cli_settings import load_settings_quietly


@click.command()
@click.option("--channel", type=click.Choice(["slack", "widget", "api"]), help="Say who answers on it.")
@click.option("--site", help="On a website, by its key.")
@click.option("--workspace", help="In a workspace in Slack.")
@click.option("--conversation", help="In a conversation in Slack.")
@click.option("--caller", help="To a caller of the API, by its token's name.")
def routes(
    *, channel: str | None, site: str | None, workspace: str | None, conversation: str | None, caller: str | None
) -> None:
    """List which agent answers where, in the order of the rules; with a place: who answers there, and by which rule."""
    from gateway.config import load_configuration
    from gateway.route_commands import explain_spot, list_routes

    found = load_configuration(load_settings_quietly()).routes
    if not any((channel, site, workspace, conversation, caller)):
        click.echo(list_routes(found))
        return
    names = {"site": site, "workspace": workspace, "conversation": conversation, "caller": caller}
    click.echo(explain_spot(found, channel, names))
