"""The commands under `parley memories`. What they need is imported when they run."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.cli_settings import load_settings_quietly

if TYPE_CHECKING:
    from gateway.memory_commands import Action

USER = click.argument("user_id", metavar="USER")
JSON = click.option("--json", "as_json", is_flag=True, help="As JSON.")


@click.group()
def memories() -> None:
    """What is remembered about a person: see it, write it, forget it, carry it about."""


def _run(action: "Action", *, needs_model: bool = False) -> None:
    from gateway.memory_commands import run_action

    click.echo(run_action(load_settings_quietly(), action, needs_model=needs_model))


@memories.command("list")
@USER
@click.option("--topic", "topics", multiple=True, help="Only those with this topic; may be given several times.")
@click.option("--page", type=click.IntRange(1, 1_000_000), default=1, show_default=True, help="Which page.")
@click.option("--limit", type=click.IntRange(1, 1_000), default=50, show_default=True, help="So many a page.")
@JSON
def list_memories(*, user_id: str, topics: tuple[str, ...], page: int, limit: int, as_json: bool) -> None:
    """List them, the one that changed last first."""
    from gateway.memory_commands import list_page

    _run(list_page(user_id, topics=topics, page=page, limit=limit, as_json=as_json))


@memories.command()
@USER
@click.argument("memory_id", metavar="ID")
@JSON
def show(*, user_id: str, memory_id: str, as_json: bool) -> None:
    """Show one, with where it comes from."""
    from gateway.memory_commands import show as show_memory

    _run(show_memory(user_id, memory_id, as_json=as_json))


@memories.command()
@USER
@click.argument("text")
@click.option("--topic", "topics", multiple=True, help="A topic; may be given several times.")
@click.option("--slot", help="What a person has one of: home_city, diet, …; it takes the place of what stands there.")
@click.option("--shared", is_flag=True, help="May be used in threads that others read.  [private]")
@click.option("--pinned", is_flag=True, help="Always among what the agent sees.")
def add(*, user_id: str, text: str, topics: tuple[str, ...], slot: str | None, shared: bool, pinned: bool) -> None:
    """Remember TEXT, a short sentence such as "likes tea"."""
    from agent.memories import MemoryDraft
    from gateway.memory_commands import add as add_memory

    visibility = "thread" if shared else "private"
    _run(
        add_memory(user_id, MemoryDraft(memory=text, topics=topics, slot=slot, visibility=visibility, is_pinned=pinned))
    )


@memories.command()
@USER
@click.argument("memory_ids", metavar="ID...", nargs=-1, required=True)
def delete(*, user_id: str, memory_ids: tuple[str, ...]) -> None:
    """Forget some for good, with their older versions."""
    from gateway.memory_commands import delete as delete_memories

    _run(delete_memories(user_id, memory_ids))


@memories.command()
@USER
@click.option("--yes", is_flag=True, help="Do not ask.")
def clear(*, user_id: str, yes: bool) -> None:
    """Forget all that is remembered about a person, for good."""
    from gateway.memory_commands import clear as clear_memories

    if not yes:
        click.confirm(f"Forget all that is remembered about {user_id}?", abort=True, err=True)
    _run(clear_memories(user_id))


@memories.command()
@USER
@click.argument("query", default="")
@click.option(
    "--method",
    type=click.Choice(["relevance", "last_n", "first_n", "agentic"]),
    default="relevance",
    show_default=True,
    help="How; agentic asks the model.",
)
@click.option("--limit", type=click.IntRange(1, 1_000), default=10, show_default=True, help="At most so many.")
@JSON
def search(*, user_id: str, query: str, method: str, limit: int, as_json: bool) -> None:
    """Look for what has to do with QUERY, the best first."""
    from agent.memories import SearchMethod
    from gateway.memory_commands import search as search_memories

    action = search_memories(user_id, query, method=SearchMethod(method), limit=limit, as_json=as_json)
    _run(action, needs_model=method == "agentic")


@memories.command()
@USER
def topics(*, user_id: str) -> None:
    """List the topics, the commonest first."""
    from gateway.memory_commands import list_topics

    _run(list_topics(user_id))


@memories.command()
@USER
@JSON
def stats(*, user_id: str, as_json: bool) -> None:
    """Show figures."""
    from gateway.memory_commands import show_stats

    _run(show_stats(user_id, as_json=as_json))


@memories.command("export")
@USER
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), required=False)
@click.option("--live", is_flag=True, help="Without what newer memories have replaced.")
def export_memories(*, user_id: str, file: Path | None, live: bool) -> None:
    """Write all as JSON, to a new FILE or to the terminal."""
    from gateway.memory_commands import export_to

    _run(export_to(user_id, file, with_replaced=not live))


@memories.command("import")
@USER
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--new-ids", is_flag=True, help="Under fresh ids, to copy them to another person.")
def import_memories(*, user_id: str, file: Path, new_ids: bool) -> None:
    """Read FILE, which `parley memories export` wrote: all of it or nothing."""
    from gateway.memory_commands import import_from

    _run(import_from(user_id, file, with_new_ids=new_ids))


@memories.command()
@USER
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
def optimize(*, user_id: str, dry_run: bool) -> None:
    """Let the model merge what belongs together."""
    from gateway.memory_commands import optimize as optimize_memories

    _run(optimize_memories(user_id, is_dry=dry_run), needs_model=True)


@memories.command()
@USER
@click.argument("optimization_id", metavar="ID", required=False)
def undo(*, user_id: str, optimization_id: str | None) -> None:
    """Part again what the newest `optimize` merged."""
    from gateway.memory_commands import undo as undo_optimization

    _run(undo_optimization(user_id, optimization_id))
