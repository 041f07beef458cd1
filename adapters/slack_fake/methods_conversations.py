"""`conversations.*`, `users.conversations` and `reactions.*`."""

import base64
import binascii
from collections.abc import Sequence

from adapters.slack_fake import posts
from adapters.slack_fake.calls import Call, Method
from adapters.slack_fake.dispatch import tell_in_channel
from adapters.slack_fake.errors import RefusalError
from adapters.slack_fake.json_types import Json
from adapters.slack_fake.records import Channel, ChannelKind, Message
from adapters.slack_fake.rendering import render_channel, render_message
from adapters.slack_fake.scopes import MESSAGE_SCOPES, READ_SCOPES

MAX_PAGE, OUTSIDE_PAGE = 1_000, 15


def _page(call: Call, items: Sequence[Json], *, default: int = 100, most: int = MAX_PAGE) -> tuple[list[Json], Json]:
    """One page, and what the answer says of the next."""
    limit = min(call.args.number("limit", default), most)
    if limit < 1:
        raise RefusalError("invalid_limit")
    start = _start(call.args.text("cursor"))
    cursor = base64.b64encode(f"next:{start + limit}".encode()).decode() if start + limit < len(items) else ""
    return list(items[start : start + limit]), {"response_metadata": {"next_cursor": cursor}}


def _start(cursor: str | None) -> int:
    if cursor is None:
        return 0
    try:
        return int(base64.b64decode(cursor, validate=True).decode().removeprefix("next:"))
    except (ValueError, binascii.Error):
        raise RefusalError("invalid_cursor") from None


def _need_scope(call: Call, channel: Channel, scopes: dict[ChannelKind, str]) -> None:
    scope = scopes[channel.kind]
    if scope not in call.here.scopes:
        raise RefusalError("missing_scope", needed=scope, provided=",".join(sorted(call.here.scopes)))


def _window(call: Call, messages: Sequence[Message]) -> list[Message]:
    """What lies between `oldest` and `latest`."""
    oldest, latest = _time(call, "oldest"), _time(call, "latest")
    is_inclusive = call.args.flag("inclusive")
    found = []
    for message in messages:
        at = float(message.ts)
        is_after = oldest is None or at > oldest or (is_inclusive and at == oldest)
        is_before = latest is None or at < latest or (is_inclusive and at == latest)
        if is_after and is_before:
            found.append(message)
    return found


def _time(call: Call, name: str) -> float | None:
    given = call.args.text(name)
    try:
        return float(given) if given else None
    except ValueError:
        raise RefusalError(f"invalid_ts_{name}") from None


def _list(call: Call, messages: Sequence[Message]) -> Json:
    has_metadata = call.args.flag("include_all_metadata") and "metadata.message:read" in call.here.scopes
    most = OUTSIDE_PAGE if call.world.app.is_distributed_outside_marketplace else MAX_PAGE
    shown = [render_message(call.world, message, has_metadata=has_metadata) for message in messages]
    page, more = _page(call, shown, default=most if most == OUTSIDE_PAGE else 100, most=most)
    return {"messages": page, "has_more": bool(more["response_metadata"]["next_cursor"]), **more}


def history(call: Call) -> Json:
    """`conversations.history`: top level and broadcast messages, newest first."""
    channel = call.channel(is_member=True)
    _need_scope(call, channel, MESSAGE_SCOPES)
    all_messages = [*call.world.list_messages(channel.channel_id)]
    top = [m for m in all_messages if m.thread_ts in {None, m.ts} or m.subtype == "thread_broadcast"]
    return _list(call, _window(call, top)[::-1])


def replies(call: Call) -> Json:
    """`conversations.replies`: the root, then the replies in order. A reply's own time gives that reply alone."""
    channel = call.channel(is_member=True)
    _need_scope(call, channel, MESSAGE_SCOPES)
    root = call.world.find_message(channel.channel_id, call.args.need("ts", "thread_not_found"))
    if root is None:
        raise RefusalError("thread_not_found")
    found = [] if root.thread_ts not in {None, root.ts} else call.world.list_replies(channel.channel_id, root.ts)
    return _list(call, [root, *_window(call, found)])


def info(call: Call) -> Json:
    """`conversations.info`"""
    channel = call.channel()
    _need_scope(call, channel, READ_SCOPES)
    return {"channel": render_channel(call.world, channel, viewer=call.bot)}


def members(call: Call) -> Json:
    """`conversations.members`"""
    channel = call.channel()
    _need_scope(call, channel, READ_SCOPES)
    page, more = _page(call, [{"id": member} for member in channel.members])
    return {"members": [item["id"] for item in page], **more}


def open_direct(call: Call) -> Json:
    """`conversations.open`: direct messages with one person, or with several."""
    if call.args.has("channel"):
        return {"channel": {"id": call.channel().channel_id}}
    ids = [item for item in call.args.need("users", "users_list_not_supplied").split(",") if item]
    people = [call.world.find_user(user_id) for user_id in ids]
    if len(people) == 1:
        channel = call.world.find_im(call.bot, people[0])
    else:
        channel = call.world.add_channel(ChannelKind.MPIM, "mpdm", call.bot.team_id, [call.bot, *people])
    if call.args.flag("return_im"):
        return {"channel": render_channel(call.world, channel, viewer=call.bot)}
    return {"channel": {"id": channel.channel_id}}


def join(call: Call) -> Json:
    """`conversations.join`"""
    channel = call.channel()
    if channel.kind is not ChannelKind.PUBLIC:
        raise RefusalError("method_not_supported_for_channel_type")
    if call.bot.user_id not in channel.members:
        channel.members.append(call.bot.user_id)
        event = {"type": "member_joined_channel", "user": call.bot.user_id, "channel": channel.channel_id}
        event |= {"channel_type": "C", "team": call.bot.team_id, "event_ts": call.world.new_ts()}
        tell_in_channel(call.world, channel, event)
        call.world.on_change()
    return {"channel": render_channel(call.world, channel, viewer=call.bot)}


_KINDS = {
    "public_channel": ChannelKind.PUBLIC,
    "private_channel": ChannelKind.PRIVATE,
    "im": ChannelKind.IM,
    "mpim": ChannelKind.MPIM,
}


def _channels(call: Call, *, is_member: bool) -> Json:
    names = (call.args.text("types") or "public_channel").split(",")
    if not set(names) <= set(_KINDS):
        raise RefusalError("invalid_types")
    wanted = {_KINDS[name] for name in names}
    found = [
        render_channel(call.world, channel, viewer=call.bot)
        for channel in call.world.channels.values()
        if channel.kind in wanted
        and call.may_see(channel)
        and not (channel.is_archived and call.args.flag("exclude_archived"))
        and (call.bot.user_id in channel.members or not is_member)
    ]
    page, more = _page(call, found)
    return {"channels": page, **more}


def list_channels(call: Call) -> Json:
    """`conversations.list`"""
    return _channels(call, is_member=False)


def users_conversations(call: Call) -> Json:
    """`users.conversations`: those that the bot is in."""
    return _channels(call, is_member=True)


def _reaction_target(call: Call) -> Message:
    channel = call.channel()
    message = call.world.find_message(channel.channel_id, call.args.need("timestamp", "no_item_specified"))
    if message is None:
        raise RefusalError("message_not_found")
    return message


def add_reaction(call: Call) -> Json:
    """`reactions.add`"""
    name = call.args.need("name", "invalid_name")
    if not posts.react(call.world, _reaction_target(call), call.bot, name):
        raise RefusalError("already_reacted")
    return {}


def remove_reaction(call: Call) -> Json:
    """`reactions.remove`"""
    name = call.args.need("name", "invalid_name")
    if not posts.react(call.world, _reaction_target(call), call.bot, name, is_added=False):
        raise RefusalError("no_reaction")
    return {}


def get_reactions(call: Call) -> Json:
    """`reactions.get`"""
    message = _reaction_target(call)
    return {"type": "message", "channel": message.channel_id, "message": render_message(call.world, message)}


_READ, _HISTORY = tuple(READ_SCOPES.values()), tuple(MESSAGE_SCOPES.values())
METHODS = {
    "conversations.history": Method(run=history, scopes=_HISTORY),
    "conversations.replies": Method(run=replies, scopes=_HISTORY),
    "conversations.info": Method(run=info, scopes=_READ),
    "conversations.members": Method(run=members, scopes=_READ, per_minute=100),
    "conversations.list": Method(run=list_channels, scopes=_READ, per_minute=20),
    "conversations.open": Method(run=open_direct, scopes=("im:write", "mpim:write")),
    "conversations.join": Method(run=join, scopes=("channels:join",)),
    "users.conversations": Method(run=users_conversations, scopes=_READ),
    "reactions.add": Method(run=add_reaction, scopes=("reactions:write",)),
    "reactions.remove": Method(run=remove_reaction, scopes=("reactions:write",), per_minute=20),
    "reactions.get": Method(run=get_reactions, scopes=("reactions:read",)),
}
