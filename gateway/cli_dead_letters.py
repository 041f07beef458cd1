"""The commands under `parley dead-letters`. What they need is imported when they run."""

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from gateway.settings import Settings


class _Errors(click.ClickException):
    """What is wrong, one line each, on standard error."""

    def show(self, file: object = None) -> None:
        for line in self.message.splitlines():
            click.echo(f"parley: {line}", err=True)


def _load_settings() -> "Settings":
    """The settings; from here on logs go to standard error."""
    from gateway.logs import configure_logs
    from gateway.settings import load_settings

    settings = load_settings()
    configure_logs(settings.log_format)
    return settings


@click.group("dead-letters")
def dead_letters() -> None:
    """Messages that were given up after all their attempts: see them, read them, try them again."""


@dead_letters.command("list")
@click.option("--limit", type=click.IntRange(1, 100_000), default=50, show_default=True, help="The newest so many.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def list_letters(*, limit: int, as_json: bool) -> None:
    """List them, the newest first; no text of any person is shown."""
    from gateway.dead_letters import DeadLetterError, list_dead_letters

    try:
        click.echo(list_dead_letters(_load_settings(), limit=limit, as_json=as_json))
    except DeadLetterError as error:
        raise _Errors(str(error)) from error


@dead_letters.command()
@click.argument("task_id", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def show(*, task_id: str, as_json: bool) -> None:
    """Show one, with what the person wrote and why it failed."""
    from gateway.dead_letters import DeadLetterError, show_dead_letter

    try:
        click.echo(show_dead_letter(_load_settings(), task_id, as_json=as_json))
    except DeadLetterError as error:
        raise _Errors(str(error)) from error


@dead_letters.command()
@click.argument("task_ids", metavar="ID...", nargs=-1)
@click.option("--all", "is_all", is_flag=True, help="Every one there is, the oldest first.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def replay(*, task_ids: tuple[str, ...], is_all: bool, as_json: bool) -> None:
    """Try them again, each at its old place in its thread. Asking twice is asking once."""
    from gateway.dead_letters import DeadLetterError, replay_dead_letters

    if bool(task_ids) == is_all:
        raise click.UsageError("name the dead letters to try again, or use --all")
    try:
        said, unknown = replay_dead_letters(_load_settings(), None if is_all else task_ids, as_json=as_json)
    except DeadLetterError as error:
        raise _Errors(str(error)) from error
    if said:
        click.echo(said)
    if unknown:
        raise _Errors("\n".join(f"there is no dead letter {task_id}" for task_id in unknown))
