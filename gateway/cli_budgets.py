"""The command `parley budgets`. What it needs is imported when it runs."""

from datetime import datetime

import click

from gateway.cli_settings import load_settings_quietly


@click.command()
@click.option("--day", type=click.DateTime(["%Y-%m-%d"]), help="Which day, in UTC.  [today]")
@click.option("--account", default="", help="Only accounts that begin like this, such as site: or visitor:.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=50, show_default=True, help="The dearest so many.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def budgets(*, day: datetime | None, account: str, limit: int, as_json: bool) -> None:
    """Show what the model cost on a day: in all, by channel, site, person and conversation."""
    from gateway.spent import list_spent

    click.echo(list_spent(load_settings_quietly(), day.date() if day else None, account, limit, as_json=as_json))
