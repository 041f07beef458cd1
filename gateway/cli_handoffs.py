"""The commands under `parley handoffs`. What they need is imported when they run."""

import click

from gateway.cli_settings import URL, load_settings_quietly

NAME = click.option("--name", required=True, help="The name that people see.")


@click.group()
def handoffs() -> None:
    """Conversations with people of the team: see what waits, take one, answer in it, hand it back to the agent."""


@handoffs.command("list")
@URL
@click.option("--mode", type=click.Choice(["waiting", "human"]), help="Only those that wait, or that a person has.")
@click.option("--limit", type=click.IntRange(1, 200), default=50, show_default=True, help="At most so many.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def list_waiting(*, url: str, mode: str | None, limit: int, as_json: bool) -> None:
    """List what waits for a person or is with one, with the agent's words about it; what goes back first is first."""
    from gateway.handoff_commands import list_handoffs

    click.echo(list_handoffs(load_settings_quietly(), url, mode, limit=limit, as_json=as_json))


@handoffs.command()
@click.argument("session_id", metavar="SESSION")
@URL
@NAME
def take(*, session_id: str, url: str, name: str) -> None:
    """Take a conversation: the agent stops there, and is silent until it is handed back."""
    from gateway.handoff_commands import take_session

    click.echo(take_session(load_settings_quietly(), url, session_id, name))


@handoffs.command()
@click.argument("session_id", metavar="SESSION")
@click.argument("text")
@URL
@NAME
def answer(*, session_id: str, text: str, url: str, name: str) -> None:
    """Say TEXT in a conversation; who does not have it takes it by that."""
    from gateway.handoff_commands import answer_session

    click.echo(answer_session(load_settings_quietly(), url, session_id, name, text))


@handoffs.command("return")
@click.argument("session_id", metavar="SESSION")
@URL
@NAME
def hand_back(*, session_id: str, url: str, name: str) -> None:
    """Hand a conversation back to the agent."""
    from gateway.handoff_commands import return_session

    click.echo(return_session(load_settings_quietly(), url, session_id, name))
