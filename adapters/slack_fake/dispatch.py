"""From something that happened to the event that the app hears of it: who hears it, and in which envelope."""

from adapters.slack_fake.json_types import Json
from adapters.slack_fake.records import Channel, Installation
from adapters.slack_fake.scopes import EVENT_SCOPES, MESSAGE_EVENTS, MESSAGE_SCOPES
from adapters.slack_fake.world import Outgoing, World


def tell_in_channel(world: World, channel: Channel, event: Json) -> None:
    """Tell of something in a conversation, if the bot is a member and may hear it.

    Slack sends such an event once, also where several installations could see it; `authorizations` names one of them.
    """
    for team_id in channel.team_ids:
        installation = world.installation_of(team_id)
        if installation is None or installation.bot.user_id not in channel.members:
            continue
        if may_hear(installation, event, channel):
            tell(world, installation, event, team_id=team_id, channel=channel)
            return


def may_hear(installation: Installation, event: Json, channel: Channel | None) -> bool:
    """Whether scopes and subscriptions let an installation hear an event."""
    kind = str(event["type"])
    if installation.is_revoked and kind not in {"tokens_revoked", "app_uninstalled"}:
        return False
    if kind == "message" and channel is not None:
        scope, subscription = MESSAGE_SCOPES[channel.kind], MESSAGE_EVENTS[channel.kind]
        return scope in installation.scopes and subscription in installation.events
    needed = EVENT_SCOPES.get(kind)
    return kind in installation.events and (needed is None or needed in installation.scopes)


def tell_installation(world: World, installation: Installation, event: Json) -> None:
    """Tell of something that belongs to no conversation."""
    if may_hear(installation, event, None):
        tell(world, installation, event, team_id=installation.team_id)


def tell(
    world: World, installation: Installation, event: Json, *, team_id: str | None = None, channel: Channel | None = None
) -> None:
    """Wrap an event and hand it to whoever delivers."""
    event_id = world.new_event_id()
    team_id = team_id or installation.team_id or _any_team(world, installation)
    enterprise_id = installation.enterprise_id or world.enterprise_of(team_id or "")
    payload: Json = {
        "token": world.app.verification_token,
        "team_id": team_id,
        "context_team_id": team_id,
        "context_enterprise_id": enterprise_id,
        "api_app_id": world.app.app_id,
        "event": event,
        "type": "event_callback",
        "event_id": event_id,
        "event_time": world.now_s(),
        "authorizations": [render_authorization(installation)],
        "is_ext_shared_channel": bool(channel and channel.shared_with),
        "event_context": f"4-{event_id}",
    }
    if enterprise_id is not None:
        payload["enterprise_id"] = enterprise_id
    world.on_event(Outgoing(kind="events_api", payload=payload, name=str(event["type"]), event_id=event_id))


def render_authorization(installation: Installation) -> Json:
    """One installation that an event is visible to."""
    return {
        "enterprise_id": installation.enterprise_id,
        "team_id": installation.team_id,
        "user_id": installation.bot.user_id,
        "is_bot": True,
        "is_enterprise_install": installation.is_org_wide,
    }


def _any_team(world: World, installation: Installation) -> str | None:
    teams = (t for t in world.teams.values() if t.enterprise_id == installation.enterprise_id)
    return next((team.team_id for team in teams), None)
