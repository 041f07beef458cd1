"""`parley posts`: answers that did not reach their channel, or nobody knows."""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict

from gateway.address import StoreAddress
from gateway.chat_screen import plain
from gateway.command_errors import CommandError
from gateway.dead_letters import render_json, render_time
from gateway.reach import open_database, reach_store
from gateway.settings import Settings
from memory.left_posts import LeftPost, LeftPosts

NONE = "Every answer that was to be posted stands or waits for its turn."


def list_left_posts(settings: Settings, *, limit: int, as_json: bool) -> str:
    """The newest of them, one a line."""
    with reach_store(settings) as address:
        posts = asyncio.run(_list(address, limit))
    if as_json:
        return render_json([asdict(post) for post in posts])
    return "\n".join(render_line(post) for post in posts) or NONE


def settle_posts(settings: Settings, post_keys: Sequence[str], *, is_repost: bool) -> str:
    """Post them again, or take them off the list. Raises `CommandError` when one is not there; the rest is done."""
    with reach_store(settings) as address:
        found = asyncio.run(_settle(address, post_keys, is_repost=is_repost))
    said = "is posted again" if is_repost else "is off the list"
    lines = [f"{plain(key)}  {said}" for key, is_there in found.items() if is_there]
    if missing := [plain(key) for key, is_there in found.items() if not is_there]:
        raise CommandError("\n".join([*lines, *(f"{key}: there is no such answer" for key in missing)]))
    return "\n".join(lines)


def render_line(post: LeftPost) -> str:
    """One of them in a list."""
    parts = [
        post.post_key,
        render_time(post.created_at),
        post.state,
        f"{post.attempts} attempts",
        post.channel,
        post.session_id,
        post.note or "-",
    ]
    return "  ".join(plain(part).replace("\n", " ") for part in parts)


async def _list(address: StoreAddress, limit: int) -> list[LeftPost]:
    async with open_database(address) as database:
        return await LeftPosts(database).list_newest(limit)


async def _settle(address: StoreAddress, post_keys: Sequence[str], *, is_repost: bool) -> dict[str, bool]:
    async with open_database(address) as database:
        posts = LeftPosts(database)
        return {key: await (posts.repost(key) if is_repost else posts.dismiss(key)) for key in post_keys}
