"""Which scope lets the app hear an event; and what a fresh installation asks for."""

from adapters.slack_fake.records import ChannelKind

MESSAGE_SCOPES = {
    ChannelKind.PUBLIC: "channels:history",
    ChannelKind.PRIVATE: "groups:history",
    ChannelKind.IM: "im:history",
    ChannelKind.MPIM: "mpim:history",
}
READ_SCOPES = {
    ChannelKind.PUBLIC: "channels:read",
    ChannelKind.PRIVATE: "groups:read",
    ChannelKind.IM: "im:read",
    ChannelKind.MPIM: "mpim:read",
}
MESSAGE_EVENTS = {
    ChannelKind.PUBLIC: "message.channels",
    ChannelKind.PRIVATE: "message.groups",
    ChannelKind.IM: "message.im",
    ChannelKind.MPIM: "message.mpim",
}
EVENT_SCOPES = {
    "app_mention": "app_mentions:read",
    "reaction_added": "reactions:read",
    "reaction_removed": "reactions:read",
    "user_change": "users:read",
    "team_join": "users:read",
    "file_shared": "files:read",
    "member_joined_channel": "channels:read",
    "member_left_channel": "channels:read",
}
"""Events that need a scope beside the conversation's. An event that is not here needs none."""

ALL_SCOPES = frozenset(
    {*MESSAGE_SCOPES.values(), *READ_SCOPES.values(), *EVENT_SCOPES.values()}
    | {"chat:write", "chat:write.public", "chat:write.customize", "users:read.email", "assistant:write", "commands"}
    | {"files:write", "reactions:write", "im:write", "mpim:write", "team:read", "metadata.message:read"}
    | {"channels:join", "channels:manage"}
)
ALL_EVENTS = frozenset(
    {*MESSAGE_EVENTS.values(), *EVENT_SCOPES}
    | {"app_home_opened", "agent_session_stopped", "tokens_revoked", "app_uninstalled", "channel_left", "group_left"}
    | {"channel_archive", "channel_rename", "app_context_changed"}
)
