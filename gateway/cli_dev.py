"""`parley dev`: what helps who builds on Parley, and is no part of serving."""

import asyncio

import click

FAILED = 1


@click.group()
def dev() -> None:
    """Helpers for trying and building; nothing of this runs in production."""


@dev.command()
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8090, show_default=True, help="Port; 0 takes a free one."
)
@click.option("--events-url", help="Where Parley takes events.  [http://127.0.0.1:8080/slack/events]")
@click.option("--socket-mode", is_flag=True, help="Send events over Socket Mode instead.")
@click.option("--oauth", is_flag=True, help="Leave the app out, to be installed in the browser.")
def slack(*, port: int, events_url: str | None, socket_mode: bool, oauth: bool) -> int:
    """Start a fake Slack workspace with a page to talk in, and say how to start Parley with it."""
    from adapters.slack_fake.dev import DEFAULT_EVENTS_URL, run_dev

    if socket_mode and events_url:
        raise click.UsageError("--events-url and --socket-mode exclude each other.")
    try:
        address = None if socket_mode else events_url or DEFAULT_EVENTS_URL
        asyncio.run(run_dev(port, address, click.echo, is_oauth=oauth))
    except OSError as error:
        click.echo(f"parley: port {port} cannot be used: {error.strerror}", err=True)
        return FAILED
    return 0
