"""The commands under `parley posts`. What they need is imported when they run."""

import click

from gateway.cli_settings import load_settings_quietly


@click.group()
def posts() -> None:
    """Answers that did not reach their channel, or nobody knows: see them, post them again, take them off the list."""


@posts.command("list")
@click.option("--limit", type=click.IntRange(1, 100_000), default=50, show_default=True, help="The newest so many.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def list_posts(*, limit: int, as_json: bool) -> None:
    """List them, the newest first: `unknown` may stand there, `failed` was refused for good."""
    from gateway.left_posts import list_left_posts

    click.echo(list_left_posts(load_settings_quietly(), limit=limit, as_json=as_json))


@posts.command()
@click.argument("post_keys", metavar="KEY...", nargs=-1, required=True)
def repost(*, post_keys: tuple[str, ...]) -> None:
    """Post them again. Look first: one that is `unknown` may stand there already."""
    from gateway.left_posts import settle_posts

    click.echo(settle_posts(load_settings_quietly(), post_keys, is_repost=True))


@posts.command()
@click.argument("post_keys", metavar="KEY...", nargs=-1, required=True)
def dismiss(*, post_keys: tuple[str, ...]) -> None:
    """Take them off the list: you have looked, and nothing more is to be done."""
    from gateway.left_posts import settle_posts

    click.echo(settle_posts(load_settings_quietly(), post_keys, is_repost=False))
