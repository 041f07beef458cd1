"""What the page shows to one person, as JSON, pure."""

from adapters.slack_fake.fake import FakeSlack
from adapters.slack_fake.json_types import Json
from adapters.slack_fake.records import Channel, ChannelKind, Ephemeral, Message, StreamState, User
from adapters.slack_fake.signed_posts import SignedPosts

LOG_LENGTH = 40
MAX_MESSAGES = 300


def render_state(slack: FakeSlack, user: User, channel: Channel | None) -> Json:
    """Everything for one look: who and where one is, what is said there, and how the app does."""
    people = [u for u in slack.world.users.values() if not u.is_bot]
    home = slack.home_view(user)
    state: Json = {
        "me": user.user_id,
        "team": slack.world.teams[user.team_id].name,
        "app": {"name": slack.app.name, "commands": slack.app.commands, "shortcuts": slack.app.shortcuts},
        "users": {u.user_id: {"name": u.real_name, "is_bot": u.is_bot} for u in slack.world.users.values()},
        "people": [u.user_id for u in people],
        "channels": [_channel(slack, c, user) for c in slack.world.channels.values() if user.user_id in c.members],
        "home": {"view_id": home.view_id, "blocks": home.body["blocks"]} if home else None,
        "modals": [{"view_id": view.view_id, **view.body} for view in slack.views(user)],
        "wire": render_wire(slack),
    }
    if channel is not None and user.user_id in channel.members:
        state["channel"] = channel.channel_id
        state["messages"] = [_message(m) for m in slack.messages(channel)[-MAX_MESSAGES:]]
        state["ephemerals"] = [_ephemeral(e) for e in slack.ephemerals(user) if e.channel_id == channel.channel_id]
        state["sessions"] = _sessions(slack, channel)
        state["prompts"] = slack.prompts(channel)
    return state


def _channel(slack: FakeSlack, channel: Channel, user: User) -> Json:
    others = [slack.world.users[m].real_name for m in channel.members if m != user.user_id]
    is_direct = channel.kind in {ChannelKind.IM, ChannelKind.MPIM}
    return {
        "id": channel.channel_id,
        "kind": channel.kind.value,
        "name": ", ".join(others) if is_direct else channel.name,
        "members": len(channel.members),
        "has_bot": any(slack.world.users[m].is_bot for m in channel.members),
        "latest": next(reversed(slack.world.messages[channel.channel_id]), ""),
    }


def _message(message: Message) -> Json:
    return {
        "ts": message.ts,
        "thread_ts": message.thread_ts,
        "user": message.user.user_id,
        "name": message.username or message.user.real_name,
        "is_bot": message.user.is_bot,
        "text": message.source,
        "subtype": message.subtype,
        "blocks": message.blocks if message.user.is_bot else [],
        "is_edited": message.edited is not None,
        "stream": message.stream.state.value if message.stream else None,
        "tasks": [c for c in message.stream.chunks if c["type"] == "task_update"]
        if message.stream and message.stream.state is StreamState.OPEN
        else [],
        "files": [file.name for file in message.files],
        "reactions": {name: len(users) for name, users in message.reactions.items()},
        "metadata": message.metadata,
    }


def _ephemeral(shown: Ephemeral) -> Json:
    return {"ts": shown.ts, "thread_ts": shown.thread_ts, "text": shown.text, "blocks": shown.blocks}


def _sessions(slack: FakeSlack, channel: Channel) -> Json:
    """What each thread shows of the agent's work."""
    found: Json = {}
    for (channel_id, thread_ts), session in slack.world.sessions.items():
        if channel_id == channel.channel_id:
            found[thread_ts] = {"status": session.status, "title": session.title}
    for (channel_id, thread_ts), status in slack.world.legacy_status.items():
        if channel_id == channel.channel_id and status:
            found.setdefault(thread_ts, {"status": "", "title": None})["line"] = status
    return found


def render_wire(slack: FakeSlack) -> Json:
    """How the app is reached, what broke on purpose, and what went back and forth lately."""
    carrier, events = slack.courier.carrier, slack.faults.events
    posts_to = ", ".join(carrier.urls) if isinstance(carrier, SignedPosts) else None
    events_log: list[Json] = [
        {
            "what": record.name,
            "is_good": record.outcome.is_acked,
            "note": record.outcome.reason or "acked",
            "attempt": record.attempt.number,
        }
        for record in slack.courier.records[-LOG_LENGTH:]
    ]
    calls: list[Json] = [
        {
            "what": call.method,
            "is_good": bool(call.answer.get("ok")),
            "note": call.answer.get("error", "ok"),
            "attempt": 0,
        }
        for call in slack.api.calls[-LOG_LENGTH:]
    ]
    last = slack.courier.records[-1] if slack.courier.records else None
    return {
        "url": posts_to,
        "sockets": len(slack.sockets.connections),
        "is_heard": last.outcome.is_acked if last else bool(slack.api.calls),
        "faults": [{"kind": f.kind.value, "method": f.method, "times": f.times} for f in slack.faults.active],
        "events": {"copies": list(events.copies), "shuffle": events.shuffle, "is_held": events.is_held},
        "deliveries": events_log,
        "calls": calls,
    }
