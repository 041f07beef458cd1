"""The commands under `parley agent-memory`. What they need is imported when they run."""

from typing import TYPE_CHECKING, TextIO

import click

from gateway.cli_settings import load_settings_quietly

if TYPE_CHECKING:
    from gateway.agent_memory_commands import Action

AGENT = click.argument("agent_id", metavar="AGENT")
NAME = click.argument("name", metavar="FILE")
REVISION = click.argument("revision", type=click.IntRange(1, 2**31 - 1))
BY = click.option("--by", default="operator", show_default=True, help="Who decides, for the record.")
JSON = click.option("--json", "as_json", is_flag=True, help="As JSON.")


@click.group("agent-memory")
def agent_memory() -> None:
    """What an agent knows, in files: see them, write them, decide on what the agent proposes, go back."""


def _run(action: "Action") -> None:
    from gateway.agent_memory_commands import run_action

    click.echo(run_action(load_settings_quietly(), action))


@agent_memory.command("list")
@AGENT
@JSON
def list_files(*, agent_id: str, as_json: bool) -> None:
    """List the files that are live."""
    from gateway.agent_memory_commands import list_files as action

    _run(action(agent_id, as_json=as_json))


@agent_memory.command()
@AGENT
@NAME
@click.option("--revision", type=click.IntRange(1, 2**31 - 1), help="Another one than the live one.")
def show(*, agent_id: str, name: str, revision: int | None) -> None:
    """Print a file's text."""
    from gateway.agent_memory_commands import show_file

    _run(show_file(agent_id, name, revision))


@agent_memory.command()
@AGENT
@NAME
@click.option("--text-file", type=click.File("r", encoding="utf-8"), help="The new text; - is standard input.")
@click.option("--remove", is_flag=True, help="Take the file away.")
@click.option("--cause", required=True, help="Why, in one line.")
@BY
def edit(*, agent_id: str, name: str, text_file: TextIO | None, remove: bool, cause: str, by: str) -> None:
    """Write a file, live at once in every prompt of the agent."""
    from gateway.agent_memory_commands import edit_file

    if (text_file is None) != remove:
        raise click.UsageError("give either --text-file or --remove")
    text = None if text_file is None else text_file.read()
    _run(edit_file(agent_id, name, text, cause, by))


@agent_memory.command()
@AGENT
@click.argument("name", metavar="[FILE]", required=False)
@click.option("--proposed", "is_proposed", is_flag=True, help="Only those that wait for a decision.")
@JSON
def revisions(*, agent_id: str, name: str | None, is_proposed: bool, as_json: bool) -> None:
    """List revisions, the newest first."""
    from gateway.agent_memory_commands import list_revisions

    _run(list_revisions(agent_id, name, is_proposed=is_proposed, as_json=as_json))


@agent_memory.command()
@AGENT
@NAME
@REVISION
@BY
def approve(*, agent_id: str, name: str, revision: int, by: str) -> None:
    """Make a proposed revision live."""
    from gateway.agent_memory_commands import approve as action

    _run(action(agent_id, name, revision, by))


@agent_memory.command()
@AGENT
@NAME
@REVISION
@BY
def reject(*, agent_id: str, name: str, revision: int, by: str) -> None:
    """Decline a proposed revision."""
    from gateway.agent_memory_commands import reject as action

    _run(action(agent_id, name, revision, by))


@agent_memory.command()
@AGENT
@NAME
@REVISION
@BY
def rollback(*, agent_id: str, name: str, revision: int, by: str) -> None:
    """Make an earlier revision's text live again, as a new revision."""
    from gateway.agent_memory_commands import roll_back

    _run(roll_back(agent_id, name, revision, by))
