"""The commands under `parley dead-letters`. What they need is imported when they run."""

import click

from gateway.cli_settings import load_settings_quietly
from gateway.command_errors import CommandError


@click.group("dead-letters")
def dead_letters() -> None:
    """Messages that were given up after all their attempts: see them, read them, try them again."""


@dead_letters.command("list")
@click.option("--limit", type=click.IntRange(1, 100_000), default=50, show_default=True, help="The newest so many.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def list_letters(*, limit: int, as_json: bool) -> None:
    """List them, the newest first; no text of any person is shown."""
    from gateway.dead_letters import list_dead_letters

    click.echo(list_dead_letters(load_settings_quietly(), limit=limit, as_json=as_json))


@dead_letters.command()
@click.argument("task_id", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def show(*, task_id: str, as_json: bool) -> None:
    """Show one, with what the person wrote and why it failed."""
    from gateway.dead_letters import show_dead_letter

    click.echo(show_dead_letter(load_settings_quietly(), task_id, as_json=as_json))


@dead_letters.command()
@click.argument("task_ids", metavar="ID...", nargs=-1)
@click.option("--all", "is_all", is_flag=True, help="Every one there is, the oldest first.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def replay(*, task_ids: tuple[str, ...], is_all: bool, as_json: bool) -> None:
    """Try them again, each at its old place in its thread. Asking twice is asking once."""
    from gateway.dead_letters import replay_dead_letters

    if bool(task_ids) == is_all:
        raise click.UsageError("name the dead letters to try again, or use --all")
    said, unknown = replay_dead_letters(load_settings_quietly(), None if is_all else task_ids, as_json=as_json)
    if said:
        click.echo(said)
    if unknown:
        raise CommandError("\n".join(f"there is no dead letter {task_id}" for task_id in unknown))
