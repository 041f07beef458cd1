"""Messages: written, changed, deleted, reacted to, whoever does it; and what the app hears of it."""

import re
import uuid
from dataclasses import dataclass, field

from adapters.slack_fake.dispatch import tell_in_channel
from adapters.slack_fake.json_types import Json
from adapters.slack_fake.records import Channel, ChannelKind, File, Message, Stream, User
from adapters.slack_fake.rendering import render_message, render_mrkdwn
from adapters.slack_fake.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A message to be. `is_markdown` texts are read back in Slack's own signs."""

    channel: Channel
    user: User
    text: str
    thread_ts: str | None = None
    subtype: str | None = None
    blocks: list[Json] = field(default_factory=list)
    attachments: list[Json] = field(default_factory=list)
    metadata: Json | None = None
    files: list[File] = field(default_factory=list)
    username: str | None = None
    stream: Stream | None = None
    is_markdown: bool = False
    is_broadcast: bool = False
    unfurls: bool = True


def post(world: World, draft: Draft) -> Message:
    """Put a message into a conversation, and tell the app."""
    subtype = draft.subtype or ("file_share" if draft.files else None)
    if draft.is_broadcast and draft.thread_ts:
        subtype = "thread_broadcast"
    message = Message(
        ts=world.new_ts(),
        channel_id=draft.channel.channel_id,
        user=draft.user,
        text=render_mrkdwn(draft.text) if draft.is_markdown else draft.text,
        source=draft.text,
        subtype=subtype,
        thread_ts=draft.thread_ts,
        blocks=draft.blocks if draft.blocks or draft.user.is_bot else [_rich_text(draft.text)],
        attachments=draft.attachments,
        metadata=draft.metadata,
        files=draft.files,
        client_msg_id=None if draft.user.is_bot else str(uuid.uuid4()),
        username=draft.username,
        stream=draft.stream,
        unfurls=draft.unfurls,
    )
    for file in draft.files:
        file.channel_ids.append(draft.channel.channel_id)
    world.messages[draft.channel.channel_id][message.ts] = message
    if message.thread_ts is not None:
        world.threads.setdefault((message.channel_id, message.thread_ts), []).append(message)
    _tell_of_new(world, draft.channel, message)
    world.on_change()
    return message


def _rich_text(text: str) -> Json:
    element = {"type": "rich_text_section", "elements": [{"type": "text", "text": text}]}
    return {"type": "rich_text", "block_id": "fake1", "elements": [element]}


def mentions(text: str) -> set[str]:
    """The ids of all that a text mentions."""
    return set(re.findall(r"<@([UW][A-Z0-9]+)(?:\|[^>]*)?>", text))


def _tell_of_new(world: World, channel: Channel, message: Message) -> None:
    """A mention in a channel is two events with one ts, in any order. In direct messages there is no `app_mention`."""
    event = event_of(world, channel, message)
    events = [event]
    if _calls_bot(world, channel, message.source) and message.subtype != "me_message":
        keys = ("user", "ts", "client_msg_id", "text", "team", "thread_ts", "blocks", "files", "bot_id", "app_id")
        call = {key: event[key] for key in keys if key in event}
        call |= {"type": "app_mention", "channel": channel.channel_id, "event_ts": message.ts}
        events.append(call)
        if world.random.random() < 0.5:
            events.reverse()
    for each in events:
        tell_in_channel(world, channel, each)


def _calls_bot(world: World, channel: Channel, text: str) -> bool:
    if channel.kind in {ChannelKind.IM, ChannelKind.MPIM}:
        return False
    called = mentions(text)
    bots = {i.bot.user_id for i in world.installations.values()}
    return bool(called & bots)


def event_of(world: World, channel: Channel, message: Message) -> Json:
    """The `message` event of a message as it stands."""
    event = render_message(world, message, has_metadata=True)
    event |= {"channel": channel.channel_id, "event_ts": message.ts, "channel_type": channel.kind.value}
    if channel.shared_with:
        event |= {"user_team": message.user.team_id, "source_team": message.user.team_id}
    if message.subtype == "thread_broadcast" and message.thread_ts:
        root = world.find_message(channel.channel_id, message.thread_ts)
        event["root"] = render_message(world, root) if root else {}
    return event


def change(world: World, message: Message, before: Json, *, editor: User | None = None) -> None:
    """Tell that a message is not what it was. `before` is its rendering from before the change.

    With an `editor` it counts as edited; without, as changed by Slack itself (an unfurled link, a stream's end).
    """
    channel = world.channels[message.channel_id]
    now = world.new_ts()
    if editor is not None:
        message.edited = {"user": editor.user_id, "ts": now}
    event: Json = {
        "type": "message",
        "subtype": "message_changed",
        "hidden": True,
        "message": render_message(world, message, has_metadata=True),
        "previous_message": before,
        "channel": channel.channel_id,
        "ts": now,
        "event_ts": now,
        "channel_type": channel.kind.value,
    }
    tell_in_channel(world, channel, event)
    world.on_change()


def edit(world: World, message: Message, text: str, editor: User) -> None:
    """Change a message's words. A mention that the edit adds calls the bot."""
    before, old = render_message(world, message, has_metadata=True), message.source
    message.text = message.source = text
    if not message.user.is_bot:
        message.blocks = [_rich_text(text)]
    change(world, message, before, editor=editor)
    channel = world.channels[message.channel_id]
    if _calls_bot(world, channel, text) and not _calls_bot(world, channel, old):
        call = {**event_of(world, channel, message), "type": "app_mention"}
        for key in ("subtype", "channel_type"):
            call.pop(key, None)
        tell_in_channel(world, channel, call)


def delete(world: World, message: Message) -> None:
    """Take a message away. The root of a thread with replies leaves a tombstone, and that is a change, not a delete."""
    channel = world.channels[message.channel_id]
    before = render_message(world, message, has_metadata=True)
    if world.list_replies(message.channel_id, message.ts):
        message.subtype, message.metadata = "tombstone", None
        message.text = message.source = "This message was deleted."
        message.blocks, message.files, message.attachments = [], [], []
        change(world, message, before)
        return
    message.is_deleted = True
    now = world.new_ts()
    event: Json = {
        "type": "message",
        "subtype": "message_deleted",
        "hidden": True,
        "deleted_ts": message.ts,
        "previous_message": before,
        "channel": channel.channel_id,
        "ts": now,
        "event_ts": now,
        "channel_type": channel.kind.value,
    }
    tell_in_channel(world, channel, event)
    world.on_change()


def react(world: World, message: Message, user: User, name: str, *, is_added: bool = True) -> bool:
    """Add or take a reaction. False when there was nothing to do."""
    users = message.reactions.setdefault(name, [])
    if (user.user_id in users) is is_added:
        if not users:
            del message.reactions[name]
        return False
    if is_added:
        users.append(user.user_id)
    else:
        users.remove(user.user_id)
    if not users:
        del message.reactions[name]
    event: Json = {
        "type": "reaction_added" if is_added else "reaction_removed",
        "user": user.user_id,
        "reaction": name,
        "item": {"type": "message", "channel": message.channel_id, "ts": message.ts},
        "item_user": message.user.user_id,
        "event_ts": world.new_ts(),
    }
    tell_in_channel(world, world.channels[message.channel_id], event)
    world.on_change()
    return True
