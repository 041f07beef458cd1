"""`files.*`: uploads in three steps, and what is known of a file."""

import mimetypes
from typing import Any

from adapters.slack_fake import posts
from adapters.slack_fake.calls import Call, Method
from adapters.slack_fake.errors import RefusalError
from adapters.slack_fake.json_types import Json
from adapters.slack_fake.records import File
from adapters.slack_fake.rendering import render_file
from adapters.slack_fake.world import World


def add_file(
    world: World, team_id: str, user_id: str, name: str, content: bytes | None, title: str | None = None
) -> File:
    """A file, complete when its bytes are given."""
    file = File(
        file_id=world.new_id("F"),
        team_id=team_id,
        user_id=user_id,
        name=name,
        title=title or name,
        mimetype=mimetypes.guess_type(name)[0] or "application/octet-stream",
        created_at=world.now_s(),
        content=content,
        size_bytes=len(content or b""),
        is_complete=content is not None,
    )
    world.files[file.file_id] = file
    return file


def get_upload_url(call: Call) -> Json:
    """`files.getUploadURLExternal`"""
    name, length = call.args.need("filename"), call.args.number("length", 0)
    if length < 1:
        raise RefusalError("invalid_arguments")
    file = add_file(call.world, call.bot.team_id, call.bot.user_id, name, None)
    file.size_bytes = length
    return {"upload_url": f"{call.world.base_url}/upload/v1/{file.file_id}", "file_id": file.file_id}


def complete_upload(call: Call) -> Json:
    """`files.completeUploadExternal`: with a channel, the files are posted there."""
    wanted: Any = call.args.data("files")
    if not isinstance(wanted, list) or not wanted:
        raise RefusalError("invalid_arguments")
    files = [_complete(call, item) for item in wanted]
    if call.args.has("channel_id"):
        channel = call.channel("channel_id", is_member=True)
        text = call.args.text("initial_comment") or ""
        thread_ts = call.args.text("thread_ts")
        draft = posts.Draft(channel=channel, user=call.bot, text=text, thread_ts=thread_ts, files=files)
        posts.post(call.world, draft)
    return {"files": [render_file(call.world, file) for file in files]}


def _complete(call: Call, item: Any) -> File:
    file = call.world.files.get(str(item.get("id"))) if isinstance(item, dict) else None
    if file is None or file.user_id != call.bot.user_id or file.content is None:
        raise RefusalError("file_not_found")
    file.title, file.is_complete = item.get("title") or file.name, True
    return file


def _visible(call: Call) -> File:
    file = call.world.files.get(call.args.need("file", "file_not_found"))
    if file is None or file.is_deleted or not file.is_complete:
        raise RefusalError("file_not_found")
    channels = [call.world.channels[channel_id] for channel_id in file.channel_ids]
    if file.user_id != call.bot.user_id and not any(call.may_see(channel) for channel in channels):
        raise RefusalError("file_not_found")
    return file


def info(call: Call) -> Json:
    """`files.info`"""
    return {"file": render_file(call.world, _visible(call)), "comments": [], "response_metadata": {"next_cursor": ""}}


def delete(call: Call) -> Json:
    """`files.delete`"""
    file = _visible(call)
    if file.user_id != call.bot.user_id:
        raise RefusalError("cant_delete_file")
    file.is_deleted = True
    call.world.on_change()
    return {}


METHODS = {
    "files.getUploadURLExternal": Method(run=get_upload_url, scopes=("files:write",), per_minute=100),
    "files.completeUploadExternal": Method(run=complete_upload, scopes=("files:write",), per_minute=100),
    "files.info": Method(run=info, scopes=("files:read",), per_minute=100),
    "files.delete": Method(run=delete, scopes=("files:write",)),
}
