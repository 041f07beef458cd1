"""`chat.*` without streams."""

from adapters.slack_fake import posts
from adapters.slack_fake.blocks import parse_blocks, parse_metadata
from adapters.slack_fake.calls import Call, Method
from adapters.slack_fake.errors import RefusalError
from adapters.slack_fake.json_types import Json
from adapters.slack_fake.records import Channel, ChannelKind, Ephemeral, StreamState
from adapters.slack_fake.rendering import render_message, render_mrkdwn
from adapters.slack_fake.streams import MARKDOWN_LIMIT, expire
from adapters.slack_fake.world import World

TEXT_LIMIT = 40_000
UPDATE_TEXT_LIMIT = 4_000


def _target(call: Call) -> Channel:
    """Where a post goes: a conversation, or a person, whose direct messages it opens."""
    target = call.args.need("channel", "channel_not_found")
    if target in call.world.users and target[0] in "UW":
        person = call.world.find_user(target)
        if person.is_bot:
            raise RefusalError("cannot_dm_bot")
        return call.world.find_im(call.bot, person)
    channel = call.channel()
    if channel.is_archived:
        raise RefusalError("is_archived")
    if call.bot.user_id not in channel.members:
        is_open = channel.kind is ChannelKind.PUBLIC and "chat:write.public" in call.here.scopes
        if not is_open:
            raise RefusalError("not_in_channel")
    return channel


def _content(call: Call, *, text_limit: int | None) -> tuple[str, list[Json], bool]:
    """Text, blocks, and whether the text is Markdown. Over-long texts are refused or, where Slack cuts them, cut."""
    markdown, text = call.args.text("markdown_text"), call.args.text("text")
    blocks = parse_blocks(call.args.data("blocks", "invalid_blocks_format"))
    if markdown is not None:
        if text is not None or blocks:
            raise RefusalError("markdown_text_conflict")
        if len(markdown) > MARKDOWN_LIMIT:
            raise RefusalError("msg_too_long")
        return markdown, [{"type": "markdown", "text": markdown}], True
    if text is not None and text_limit is not None and len(text) > text_limit:
        raise RefusalError("msg_too_long")
    return (text or "")[:TEXT_LIMIT], blocks, False


def _thread(world: World, call: Call, channel: Channel) -> str | None:
    """The thread to post in. A reply's own time leads to its root, as in Slack."""
    thread_ts = call.args.text("thread_ts")
    if thread_ts is None:
        return None
    root = world.find_message(channel.channel_id, thread_ts)
    if root is None:
        raise RefusalError("thread_not_found")
    return root.root_ts


def post_message(call: Call) -> Json:
    """`chat.postMessage`"""
    channel = _target(call)
    text, blocks, is_markdown = _content(call, text_limit=None)
    attachments = call.args.data("attachments") or []
    if not text and not blocks and not attachments:
        raise RefusalError("no_text")
    is_custom = call.args.has("username") and "chat:write.customize" in call.here.scopes
    draft = posts.Draft(
        channel=channel,
        user=call.bot,
        text=text,
        thread_ts=_thread(call.world, call, channel),
        blocks=blocks,
        attachments=attachments,
        metadata=parse_metadata(call.args.data("metadata", "invalid_metadata_format")),
        username=call.args.text("username") if is_custom else None,
        subtype="bot_message" if is_custom else None,
        is_markdown=is_markdown,
        is_broadcast=call.args.flag("reply_broadcast"),
        unfurls=call.args.flag("unfurl_links", default=True) or call.args.flag("unfurl_media", default=True),
    )
    message = posts.post(call.world, draft)
    shown = render_message(call.world, message, has_metadata=True)
    return {"channel": channel.channel_id, "ts": message.ts, "message": shown}


def update(call: Call) -> Json:
    """`chat.update`"""
    channel = call.channel()
    message = call.own_message(channel, "cant_update_message")
    expire(call.world, message)
    if message.stream is not None and message.stream.state is StreamState.OPEN:
        raise RefusalError("streaming_state_conflict")
    text, blocks, is_markdown = _content(call, text_limit=UPDATE_TEXT_LIMIT)
    has_blocks = call.args.data("blocks", "invalid_blocks_format") is not None
    if not text and not has_blocks and not call.args.has("attachments"):
        raise RefusalError("no_text")
    before = render_message(call.world, message, has_metadata=True)
    if text:
        message.source, message.text = text, render_mrkdwn(text) if is_markdown else text
    if text or has_blocks:
        message.blocks = blocks
    metadata = parse_metadata(call.args.data("metadata", "invalid_metadata_format"))
    message.metadata = metadata if call.args.has("metadata") else message.metadata
    posts.change(call.world, message, before, editor=None if blocks else call.bot)
    shown = render_message(call.world, message, has_metadata=True)
    return {"channel": channel.channel_id, "ts": message.ts, "text": message.text, "message": shown}


def delete(call: Call) -> Json:
    """`chat.delete`"""
    channel = call.channel()
    message = call.own_message(channel, "cant_delete_message")
    expire(call.world, message)
    if message.stream is not None and message.stream.state is StreamState.OPEN:
        raise RefusalError("cant_delete_message")
    posts.delete(call.world, message)
    return {"channel": channel.channel_id, "ts": message.ts}


def post_ephemeral(call: Call) -> Json:
    """`chat.postEphemeral`"""
    channel = _target(call)
    text, blocks, _ = _content(call, text_limit=None)
    if not text and not blocks:
        raise RefusalError("no_text")
    user_id = call.args.need("user", "user_not_found")
    if user_id not in channel.members:
        raise RefusalError("user_not_in_channel")
    shown = Ephemeral(
        ts=call.world.new_ts(),
        channel_id=channel.channel_id,
        user_id=user_id,
        text=text,
        blocks=blocks,
        thread_ts=call.args.text("thread_ts"),
    )
    call.world.ephemerals.append(shown)
    call.world.on_change()
    return {"message_ts": shown.ts}


def me_message(call: Call) -> Json:
    """`chat.meMessage`"""
    channel = _target(call)
    text = call.args.need("text", "no_text")
    message = posts.post(call.world, posts.Draft(channel=channel, user=call.bot, text=text, subtype="me_message"))
    return {"channel": channel.channel_id, "ts": message.ts}


def get_permalink(call: Call) -> Json:
    """`chat.getPermalink`"""
    channel = call.channel()
    message = call.world.find_message(channel.channel_id, call.args.need("message_ts", "message_not_found"))
    if message is None:
        raise RefusalError("message_not_found")
    place = f"{call.world.base_url}/archives/{channel.channel_id}/p{message.ts.replace('.', '')}"
    if message.thread_ts is not None:
        place += f"?thread_ts={message.thread_ts}&cid={channel.channel_id}"
    return {"channel": channel.channel_id, "permalink": place}


METHODS = {
    "chat.postMessage": Method(run=post_message, scopes=("chat:write",), per_minute=None),
    "chat.update": Method(run=update, scopes=("chat:write",)),
    "chat.delete": Method(run=delete, scopes=("chat:write",)),
    "chat.postEphemeral": Method(run=post_ephemeral, scopes=("chat:write",), per_minute=100),
    "chat.meMessage": Method(run=me_message, scopes=("chat:write",)),
    "chat.getPermalink": Method(run=get_permalink, per_minute=None),
}
