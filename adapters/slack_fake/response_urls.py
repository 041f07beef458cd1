"""Response URLs: five messages within half an hour after a click or a command."""

from typing import Any

from adapters.slack_fake import posts
from adapters.slack_fake.blocks import parse_blocks
from adapters.slack_fake.errors import RefusalError
from adapters.slack_fake.json_types import Json
from adapters.slack_fake.records import Ephemeral, Installation
from adapters.slack_fake.rendering import render_message
from adapters.slack_fake.world import ResponseTarget, World

LIFE_S, USES = 1_800.0, 5


def add_response_url(world: World, channel_id: str, user_id: str, installation: Installation, **place: Any) -> str:
    """A new address. `place` tells what was clicked: `message_ts`, `ephemeral_ts`, `thread_ts`."""
    token = world.new_secret("")
    world.response_urls[token] = ResponseTarget(
        channel_id=channel_id,
        user_id=user_id,
        installation=installation,
        expires_at=world.clock.now() + LIFE_S,
        uses_left=USES,
        **place,
    )
    return f"{world.base_url}/actions/{token}"


def use_response_url(world: World, token: str, values: Json) -> None:
    """Answer through an address, or `RefusalError`."""
    target = world.response_urls.get(token)
    if target is None or world.clock.now() > target.expires_at:
        raise RefusalError("expired_url")
    if target.uses_left < 1:
        raise RefusalError("used_url")
    target.uses_left -= 1
    answer(world, target, values)


def answer(world: World, target: ResponseTarget, values: Json) -> None:
    """Show what the app gives back for a click or a command: to the person alone, unless it says otherwise."""
    blocks, text = parse_blocks(values.get("blocks")), str(values.get("text") or "")
    if values.get("delete_original"):
        _remove(world, target)
    elif values.get("replace_original") and _replace(world, target, text, blocks):
        pass
    elif text or blocks:
        _show(world, target, values, text, blocks)
    world.on_change()


def _find(world: World, target: ResponseTarget) -> Ephemeral | None:
    return next((e for e in world.ephemerals if e.ts == target.ephemeral_ts and not e.is_deleted), None)


def _remove(world: World, target: ResponseTarget) -> None:
    ephemeral = _find(world, target)
    if ephemeral is not None:
        ephemeral.is_deleted = True
    message = world.find_message(target.channel_id, target.message_ts or "")
    if message is not None:
        posts.delete(world, message)


def _replace(world: World, target: ResponseTarget, text: str, blocks: list[Json]) -> bool:
    ephemeral = _find(world, target)
    if ephemeral is not None:
        ephemeral.text, ephemeral.blocks = text, blocks
        return True
    message = world.find_message(target.channel_id, target.message_ts or "")
    if message is None:
        return False
    before = render_message(world, message, has_metadata=True)
    message.text = message.source = text
    message.blocks = blocks
    posts.change(world, message, before, editor=target.installation.bot)
    return True


def _show(world: World, target: ResponseTarget, values: Json, text: str, blocks: list[Json]) -> None:
    thread_ts = values.get("thread_ts") or target.thread_ts
    if values.get("response_type") == "in_channel":
        channel = world.channels[target.channel_id]
        bot = target.installation.bot
        posts.post(world, posts.Draft(channel=channel, user=bot, text=text, blocks=blocks, thread_ts=thread_ts))
        return
    world.ephemerals.append(
        Ephemeral(
            ts=world.new_ts(),
            channel_id=target.channel_id,
            user_id=target.user_id,
            text=text,
            blocks=blocks,
            thread_ts=thread_ts,
        )
    )
