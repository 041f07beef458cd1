"""Records as Slack's JSON: users, conversations, messages, files and views, pure."""

import re

from adapters.slack_fake.json_types import Json
from adapters.slack_fake.records import AgentSession, Channel, ChannelKind, File, Installation, Message, User, View
from adapters.slack_fake.world import World


def render_user(world: World, user: User, *, viewer: Installation | None, has_email: bool) -> Json:
    """A user as `users.info` gives them. Without `users:read.email` the address is left out."""
    profile: Json = {
        "real_name": user.real_name,
        "real_name_normalized": user.real_name,
        "display_name": user.name,
        "display_name_normalized": user.name,
        "team": user.team_id,
        "image_72": f"{world.base_url}/avatar/{user.user_id}.png",
    }
    if user.email is not None and has_email:
        profile["email"] = user.email
    if user.bot_id is not None:
        profile |= {"bot_id": user.bot_id, "api_app_id": user.app_id or ""}
    shown: Json = {
        "id": user.user_id,
        "team_id": user.team_id,
        "name": user.name,
        "deleted": user.is_deleted,
        "real_name": user.real_name,
        "tz": user.tz,
        "tz_label": user.tz,
        "tz_offset": user.tz_offset,
        "profile": profile,
        "is_admin": user.is_admin,
        "is_owner": False,
        "is_primary_owner": False,
        "is_restricted": user.is_restricted,
        "is_ultra_restricted": user.is_ultra_restricted,
        "is_bot": user.is_bot,
        "is_app_user": False,
        "updated": user.updated_at,
        "is_email_confirmed": user.email is not None,
    }
    if viewer is not None and is_stranger(world, user, viewer):
        shown["is_stranger"] = True
        for key in ("is_admin", "is_owner", "is_primary_owner", "is_restricted", "is_ultra_restricted"):
            del shown[key]
    enterprise_id = world.enterprise_of(user.team_id)
    if enterprise_id is not None:
        shown["enterprise_user"] = {"id": user.user_id, "enterprise_id": enterprise_id, "teams": [user.team_id]}
    return shown


def is_stranger(world: World, user: User, viewer: Installation) -> bool:
    """Whether somebody comes from outside what the installation covers."""
    if viewer.team_id is not None:
        return user.team_id != viewer.team_id
    return world.enterprise_of(user.team_id) != viewer.enterprise_id


def render_channel(world: World, channel: Channel, *, viewer: User | None) -> Json:
    """A conversation as `conversations.info` gives it."""
    kind = channel.kind
    shown: Json = {
        "id": channel.channel_id,
        "created": channel.created_at,
        "is_archived": channel.is_archived,
        "is_im": kind is ChannelKind.IM,
        "is_mpim": kind is ChannelKind.MPIM,
        "is_channel": kind is ChannelKind.PUBLIC,
        "is_group": kind is ChannelKind.PRIVATE,
        "is_private": kind is not ChannelKind.PUBLIC,
        "is_shared": bool(channel.shared_with),
        "is_ext_shared": bool(channel.shared_with),
        "is_org_shared": False,
        "context_team_id": viewer.team_id if viewer else channel.team_id,
    }
    if kind is ChannelKind.IM:
        own = viewer.user_id if viewer else channel.members[0]
        shown["user"] = next((member for member in channel.members if member != own), own)
        return shown
    shown |= {
        "name": channel.name,
        "name_normalized": channel.name,
        "creator": channel.creator_id,
        "is_general": channel.name == "general",
        "is_member": viewer is not None and viewer.user_id in channel.members,
        "num_members": len(channel.members),
        "shared_team_ids": channel.team_ids,
        "topic": {"value": "", "creator": "", "last_set": 0},
        "purpose": {"value": "", "creator": "", "last_set": 0},
    }
    return shown


def render_file(world: World, file: File) -> Json:
    """A file, with where its bytes are."""
    place = f"{world.base_url}/files-pri/{file.team_id}-{file.file_id}"
    return {
        "id": file.file_id,
        "created": file.created_at,
        "timestamp": file.created_at,
        "name": file.name,
        "title": file.title,
        "mimetype": file.mimetype,
        "filetype": file.name.rpartition(".")[2] or "text",
        "user": file.user_id,
        "user_team": file.team_id,
        "mode": "hosted",
        "size": file.size_bytes,
        "is_external": False,
        "is_public": False,
        "url_private": f"{place}/{file.name}",
        "url_private_download": f"{place}/download/{file.name}",
        "channels": list(file.channel_ids),
        "file_access": "visible",
    }


def render_message(world: World, message: Message, *, has_metadata: bool = False) -> Json:
    """A message as `conversations.history` gives it and events carry it."""
    user = message.user
    shown: Json = {"type": "message", "ts": message.ts, "text": message.text, "team": user.team_id}
    if message.subtype is not None:
        shown["subtype"] = message.subtype
    if user.is_bot and message.subtype == "bot_message":
        shown |= {"bot_id": user.bot_id, "username": message.username or user.name}
    else:
        shown["user"] = user.user_id
    if user.is_bot and message.subtype != "bot_message":
        profile = {"id": user.bot_id, "name": user.real_name, "app_id": user.app_id, "team_id": user.team_id}
        shown |= {"bot_id": user.bot_id, "app_id": user.app_id, "bot_profile": {**profile, "deleted": False}}
    optional: Json = {
        "client_msg_id": message.client_msg_id,
        "thread_ts": message.thread_ts,
        "blocks": message.blocks,
        "attachments": message.attachments,
        "edited": message.edited,
        "files": [render_file(world, file) for file in message.files],
        "reactions": _render_reactions(message),
        "metadata": message.metadata if has_metadata else None,
        "streaming_state": _streaming_state(message),
    }
    shown |= {key: value for key, value in optional.items() if value}
    replies = world.list_replies(message.channel_id, message.ts)
    if replies:
        users = list(dict.fromkeys(reply.user.user_id for reply in replies))
        shown |= {"thread_ts": message.ts, "reply_count": len(replies), "reply_users_count": len(users)}
        shown |= {"reply_users": users, "latest_reply": replies[-1].ts, "is_locked": False}
    if message.thread_ts not in {None, message.ts}:
        root = world.find_message(message.channel_id, message.thread_ts or "")
        shown["parent_user_id"] = root.user.user_id if root else "USLACKBOT"
    return shown


def _streaming_state(message: Message) -> str | None:
    if message.stream is None:
        return None
    return "in_progress" if message.stream.state == "in_progress" else "completed"


def _render_reactions(message: Message) -> list[Json]:
    return [{"name": name, "users": users, "count": len(users)} for name, users in message.reactions.items()]


def render_view(world: World, view: View) -> Json:
    """A view as the `views.*` methods and payloads give it."""
    installation = world.installation_of(view.team_id)
    return {
        **view.body,
        "id": view.view_id,
        "team_id": view.team_id,
        "app_id": world.app.app_id,
        "app_installed_team_id": view.team_id,
        "bot_id": installation.bot.bot_id if installation else None,
        "hash": view.hash,
        "root_view_id": view.root_id,
        "previous_view_id": view.previous_id,
        "private_metadata": view.body.get("private_metadata", ""),
        "callback_id": view.body.get("callback_id", ""),
        "external_id": view.body.get("external_id", ""),
        "state": view.body.get("state", {"values": {}}),
    }


def render_session(session: AgentSession) -> Json:
    """What `agents.sessions.setStatus` answers."""
    return {"status": session.status, "agent_status": session.status, "title": session.title or ""}


def render_mrkdwn(markdown: str) -> str:
    """Markdown as Slack reads it back: bold, links, headings and bullets in its own signs. Code is left alone."""
    pieces = re.split(r"(```.*?(?:```|\Z)|`[^`\n]*`)", markdown, flags=re.DOTALL)
    return "".join(piece if index % 2 else _render_plain(piece) for index, piece in enumerate(pieces))


def _render_plain(text: str) -> str:
    text = re.sub(r"\[([^\]\n]*)\]\(([^)\s]*)\)", r"<\2|\1>", text)
    text = re.sub(r"\*\*([^\n]+?)\*\*", r"*\1*", text)
    text = re.sub(r"(?m)^#{1,6} +(.*)$", r"*\1*", text)
    return re.sub(r"(?m)^([ \t]*)[-*] +", r"\1• ", text)
