"""`chat.*Stream`, `agents.sessions.*` and the older `assistant.threads.*`."""

from adapters.slack_fake import streams
from adapters.slack_fake.blocks import parse_blocks, parse_metadata
from adapters.slack_fake.calls import Call, Method
from adapters.slack_fake.errors import RefusalError
from adapters.slack_fake.json_types import Json
from adapters.slack_fake.records import AgentSession, Channel, ChannelKind, Message
from adapters.slack_fake.rendering import render_message, render_session

STATUSES = frozenset({"active", "processing", "suspended", "closed"})
TITLE_LIMIT = 200
MAX_PROMPTS = 4


def start_stream(call: Call) -> Json:
    """`chat.startStream`: recipients are needed everywhere but in direct messages, where a thread is."""
    channel = call.channel(is_member=True)
    is_direct = channel.kind is ChannelKind.IM
    recipient = call.args.text("recipient_user_id"), call.args.text("recipient_team_id")
    if not is_direct and recipient[1] is None:
        raise RefusalError("missing_recipient_team_id")
    if not is_direct and recipient[0] is None:
        raise RefusalError("missing_recipient_user_id")
    _check_recipient(call, *recipient)
    thread_ts = _thread_root(call, channel, call.args.text("thread_ts"))
    if thread_ts is None and is_direct:
        raise RefusalError("invalid_arguments")
    chunks = streams.parse_chunks(call.args.text("markdown_text"), call.args.data("chunks", "invalid_chunks"))
    message = streams.start(call.world, channel, call.bot, thread_ts, recipient)
    if chunks:
        streams.append(call.world, message, chunks)
    return {"channel": channel.channel_id, "ts": message.ts}


def _check_recipient(call: Call, user_id: str | None, team_id: str | None) -> None:
    if user_id is not None and user_id not in call.world.users:
        raise RefusalError("user_not_found")
    if team_id is not None and team_id not in call.world.teams:
        raise RefusalError("team_not_found")


def _thread_root(call: Call, channel: Channel, thread_ts: str | None) -> str | None:
    if thread_ts is None:
        return None
    root = call.world.find_message(channel.channel_id, thread_ts)
    if root is None:
        raise RefusalError("thread_not_found")
    return root.root_ts


def _own_stream(call: Call) -> tuple[Channel, Message]:
    channel = call.channel(is_member=True)
    return channel, call.own_message(channel, "message_not_owned_by_app")


def append_stream(call: Call) -> Json:
    """`chat.appendStream`"""
    channel, message = _own_stream(call)
    chunks = streams.parse_chunks(call.args.text("markdown_text"), call.args.data("chunks", "invalid_chunks"))
    if not chunks:
        raise RefusalError("no_text")
    streams.append(call.world, message, chunks)
    return {"channel": channel.channel_id, "ts": message.ts}


def stop_stream(call: Call) -> Json:
    """`chat.stopStream`, which may set the status of the thread's session too."""
    channel, message = _own_stream(call)
    chunks = streams.parse_chunks(call.args.text("markdown_text"), call.args.data("chunks", "invalid_chunks"))
    blocks = parse_blocks(call.args.data("blocks", "invalid_blocks_format"))
    metadata = parse_metadata(call.args.data("metadata", "invalid_metadata_format"))
    status = call.args.text("session_status")
    if status is not None and status not in STATUSES:
        raise RefusalError("invalid_arguments")
    streams.stop(call.world, message, chunks, blocks, metadata)
    if status is not None:
        _set(call, channel.channel_id, message.root_ts, status)
    shown = render_message(call.world, message, has_metadata=True)
    return {"channel": channel.channel_id, "ts": message.ts, "message": shown}


def set_session_status(call: Call) -> Json:
    """`agents.sessions.setStatus`: makes the session if it is new."""
    if not call.world.app.is_agent:
        raise RefusalError("app_is_not_agent")
    status = call.args.need("status")
    if status not in STATUSES:
        raise RefusalError("invalid_arguments")
    channel = call.channel("channel_id", is_member=True)
    thread_ts = _thread_root(call, channel, call.args.need("thread_ts"))
    title = call.args.text("title")
    if title is not None and len(title) > TITLE_LIMIT:
        raise RefusalError("invalid_arguments")
    session = _set(call, channel.channel_id, thread_ts or "", status)
    if len(session.history) == 1:
        session.title, session.initiator_id = title, call.args.text("initiator_user_id")
    answer = render_session(session)
    if "agent_session_stopped" not in call.here.events:
        answer["warning"] = "missing_agent_session_stopped_event_subscription"
    return answer


def _set(call: Call, channel_id: str, thread_ts: str, status: str) -> AgentSession:
    key = (channel_id, thread_ts)
    session = call.world.sessions.setdefault(
        key, AgentSession(channel_id=channel_id, thread_ts=thread_ts, status=status)
    )
    session.status = status
    session.history.append(status)
    call.world.on_change()
    return session


def rename_session(call: Call) -> Json:
    """`agents.sessions.rename`"""
    channel = call.channel("channel_id", is_member=True)
    session = call.world.sessions.get((channel.channel_id, call.args.need("thread_ts")))
    if session is None:
        raise RefusalError("session_not_found")
    session.title = call.args.need("title")[:TITLE_LIMIT]
    call.world.on_change()
    return render_session(session)


def set_thread_status(call: Call) -> Json:
    """`assistant.threads.setStatus`: the older status line; an empty one clears it."""
    channel = call.channel("channel_id")
    key = (channel.channel_id, call.args.need("thread_ts"))
    call.world.legacy_status[key] = call.args.text("status") or ""
    call.world.on_change()
    return {}


def set_thread_title(call: Call) -> Json:
    """`assistant.threads.setTitle`"""
    channel = call.channel("channel_id")
    session = call.world.sessions.get((channel.channel_id, call.args.need("thread_ts")))
    if session is not None:
        session.title = call.args.need("title")
    call.world.on_change()
    return {}


def set_prompts(call: Call) -> Json:
    """`assistant.threads.setSuggestedPrompts`. With `thread_ts` an agent app gets an ok and shows nothing."""
    channel = call.channel("channel_id")
    prompts = call.args.data("prompts")
    is_good = isinstance(prompts, list) and all(
        isinstance(p, dict) and isinstance(p.get("title"), str) and isinstance(p.get("message"), str) for p in prompts
    )
    if not is_good or len(prompts) > MAX_PROMPTS:
        raise RefusalError("invalid_arguments")
    if not (call.world.app.is_agent and call.args.has("thread_ts")):
        call.world.prompts[channel.channel_id] = prompts
        call.world.on_change()
    return {}


METHODS = {
    "chat.startStream": Method(run=start_stream, scopes=("chat:write",), per_minute=20),
    "chat.appendStream": Method(run=append_stream, scopes=("chat:write",), per_minute=100),
    "chat.stopStream": Method(run=stop_stream, scopes=("chat:write",), per_minute=20),
    "agents.sessions.setStatus": Method(run=set_session_status, scopes=("chat:write",)),
    "agents.sessions.rename": Method(run=rename_session, scopes=("chat:write",)),
    "assistant.threads.setStatus": Method(run=set_thread_status, scopes=("assistant:write", "chat:write")),
    "assistant.threads.setTitle": Method(run=set_thread_title, scopes=("assistant:write",)),
    "assistant.threads.setSuggestedPrompts": Method(run=set_prompts, scopes=("assistant:write",)),
}
